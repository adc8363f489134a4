"""Selects the trained run that a command uses, by its folder."""

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
    """Add the argument `--run`, the run's folder."""
    several = "of several, the one with params.yaml's settings"
    help = f"a run's folder, .../fold1-seed0; {several}; default: the repository's own model"
    parser.add_argument("--run", type=Path, action="append", help=help)


def one_run(named: Sequence[Path] | None, file: Path) -> Path:
    """The folder to use: of several ``named``, the one that is finished and has params.yaml's current settings.

    Without a name it is :data:`PUBLISHED`. It is printed on standard error. UserError if none or several fit.
    """
    if named is None:
        if not (folders := sorted(file.parent.glob(PUBLISHED))):
            raise UserError(
                f"{file.parent / PUBLISHED}: is not here; run the command in the repository's folder, or name it by "
                "--params, or name a trained run by --run"
            )
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
        each = ", ".join(f"{folder} ({state_of(folder, finished, current)})" for folder in folders)
        raise UserError(f"--run names {len(folders)} runs, but takes one: {each}; name the one you mean")
    print(f"using {current[0]}, the one of {len(folders)} runs with params.yaml's settings", file=sys.stderr)
    return current[0]


def is_current(folder: Path, params: Params) -> bool:
    """Whether params.yaml has the folder's run, with the same hash."""
    folder = folder.absolute()
    run = runs.Run.from_directory(folder, folder.parents[4]) if len(folder.parents) > 4 else None
    try:
        return run is not None and run == runs.find_run(params, run.study, run.dataset, run.recipe, run.fold, run.seed)
    except UserError:  # the sounds or the recipe no longer exist
        return False


def state_of(folder: Path, finished: Sequence[Path], current: Sequence[Path]) -> str:
    """A run's state, in a few words."""
    if folder not in finished:
        return "not finished"
    return "with params.yaml's settings" if folder in current else "with other settings or sounds than in params.yaml"
