"""Arguments that several commands share."""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

from soundclr.errors import UserError
from soundclr.method import load_checked_run
from soundclr.params import Params
from soundclr.run import runs

RUN = re.compile(r"(^|/)fold\d+-seed\d+/?$")  # the last part of a run's folder


def readable(arguments: Sequence[str]) -> list[str]:
    """Rewrite a command line so that argparse understands it.

    A path that begins with a dash gets its folder, ``./-0abc.wav``; it is recognised by a dot or a slash, which no
    option's name has, or because it exists. If ``--run`` is followed by several folders, as a shell expands a ``*``,
    each gets its own ``--run``.
    """
    found: list[str] = []
    for argument in arguments:
        if re.match(r"-[^=./]*[./]", argument) or (re.match(r"-[^-h]", argument) and os.path.lexists(argument)):
            argument = f"./{argument}"
        if found[-2:-1] == ["--run"] and RUN.search(found[-1]) and RUN.search(argument):
            found.append("--run")
        found.append(argument)
    return found


def count(text: str, least: int = 0, most: int = 10_000) -> int:
    """A number from 0 to 10,000 on the command line."""
    number = int(text)
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{number} is not from {least} to {most}")
    return number


def positive(text: str) -> int:
    """A number from 1 to 10,000 on the command line."""
    return count(text, 1)


def share(text: str) -> float:
    """A number from 0 to 1 on the command line."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return number


def add_run(verb: argparse.ArgumentParser) -> None:
    """Add the arguments that select a job's run and its resources."""
    verb.add_argument("--study", help="default: params.yaml's")
    verb.add_argument("--dataset", required=True)
    verb.add_argument("--recipe", required=True)
    verb.add_argument("--fold", type=int, required=True)
    verb.add_argument("--seed", type=int, default=0)
    verb.add_argument("--hash", help="refuse if params.yaml gives the recipe another hash than this")
    verb.add_argument("--threads", type=positive, default=1, help="CPU threads; default: %(default)s")
    verb.add_argument("--slots", type=count, default=1, help="GPU slots; 0: the CPU; default: %(default)s")
    verb.add_argument(
        "--jobs-per-gpu",
        type=positive,
        default=os.environ.get("SOUNDCLR_JOBS_PER_GPU") or 1,
        metavar="SLOTS",
        help="how many slots each GPU has; default: $SOUNDCLR_JOBS_PER_GPU or 1",
    )
    verb.add_argument("--results", type=Path, default=Path("results"))


def add_places(verb: argparse.ArgumentParser) -> None:
    """Add the arguments for the folders of data."""
    verb.add_argument("--data", type=Path, default=Path("data"), help="the folder for data; default: %(default)s")
    verb.add_argument(
        "--mirror",
        type=Path,
        default=os.environ.get("SOUNDCLR_MIRROR") or None,
        help="a folder with downloads, searched before the internet; default: $SOUNDCLR_MIRROR",
    )


def asked_run(options: argparse.Namespace) -> tuple[Params, runs.Run]:
    """The parameters and the run that a command line names; UserError if its hash has changed meanwhile."""
    params, study = load_checked_run(options.params, options.study, options.dataset, options.recipe)
    run = runs.find_run(params, study, options.dataset, options.recipe, options.fold, options.seed)
    refuse_other(options, f"{run.recipe} the hash", run.hash, options.hash)
    return params, run


def refuse_other(options: argparse.Namespace, what: str, now: str, asked: str | None) -> None:
    """Raise UserError if the parameters have changed since the job was planned."""
    if asked not in (None, now):
        raise UserError(
            f"{options.params}: gives {what} {now}, but this job is for {asked}: the parameters were changed "
            "meanwhile; start the workflow again"
        )
