"""The trained run that a command works with, by its folder."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.params import Params
from soundclr.run import runs

PUBLISHED = "results/published/runs/*/*/fold1-seed0"
"""The run whose model comes with the repository (params/own.yaml)."""


def add_named_run(parser: argparse.ArgumentParser) -> None:
    """The run's folder, by `--run`."""
    help = "a run's folder: .../fold1-seed0; of several the current; default: the model that comes with the repository"
    parser.add_argument("--run", type=Path, action="append", help=help)


def one_run(named: Sequence[Path] | None, file: Path) -> Path:
    """The run's folder that is meant: the one of those ``named`` that is finished and of params.yaml as it is now.

    Without a name it is :data:`PUBLISHED`, in the folder of params.yaml. Which one it is, where it was not named alone,
    is printed on standard error. UserError where none or more than one is.
    """
    if named is None:
        if not (folders := sorted(file.parent.glob(PUBLISHED))):
            raise UserError(f"{file.parent / PUBLISHED}: is not here; name a trained run by --run")
        print(f"by {folders[-1]}, the model that comes with the repository", file=sys.stderr)
        return folders[-1]
    folders = list(dict.fromkeys(named))
    if len(folders) == 1:
        return folders[0]
    finished = [folder for folder in folders if (folder / "metrics.json").is_file()]
    current: list[Path] = []
    with suppress(UserError):  # without a params.yaml none is current
        params = load_checked(file)
        current = [folder for folder in finished if is_current(folder, params)]
    if len(current) != 1:
        each = ", ".join(f"{folder} ({standing(folder, finished, current)})" for folder in folders)
        raise UserError(f"--run names {len(folders)} runs, of which one is taken: {each}; name the one you mean")
    print(f"by {current[0]}, the one of {len(folders)} runs that params.yaml has now", file=sys.stderr)
    return current[0]


def is_current(folder: Path, params: Params) -> bool:
    """Whether the run of a folder is one that params.yaml has, with the hash that it gives."""
    folder = folder.absolute()
    run = runs.Run.from_directory(folder, folder.parents[4]) if len(folder.parents) > 4 else None
    try:
        return run is not None and run == runs.find_run(params, run.study, run.dataset, run.recipe, run.fold, run.seed)
    except UserError:  # the sounds or the recipe are there no more
        return False


def standing(folder: Path, finished: Sequence[Path], current: Sequence[Path]) -> str:
    """What is known of a run's folder, in few words."""
    if folder not in finished:
        return "not finished"
    return "as params.yaml has it" if folder in current else "of other settings or sounds than params.yaml has now"
