"""`soundclr classify`: what sound files are."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from soundclr.commands.arguments import positive
from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.params import Params
from soundclr.run import runs

HELP = "the likely classes of sound files, by a trained run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="WAV, FLAC, Ogg or MP3")
    parser.add_argument(
        "--run",
        type=Path,
        required=True,
        action="append",
        help="a run's folder: .../fold1-seed0; of several the current",
    )
    parser.add_argument("--windows", action="store_true", help="show each window, half overlapping, not their mean")
    parser.add_argument("--top", type=positive, help="classes to show; default: 3, or all in JSON and CSV")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="a JSON object a line")
    forms.add_argument("--csv", action="store_true", help="a table with a class a line")


def run(options: argparse.Namespace) -> int:
    """2 if there were files that could not be classified."""
    run = one_run(options.run, options.params)

    from soundclr.evaluation.classifier import CSV_HEADER, Classifier, chart, csv_lines, json_line

    classifier = Classifier(run)
    show = json_line if options.json else csv_lines if options.csv else chart
    if options.csv:
        print(CSV_HEADER)
    code = 0
    for path in options.files:
        try:
            whole, windows = classifier.classify(path)
        except UserError as error:
            print(f"soundclr: error: {error}", file=sys.stderr)
            code = 2
            continue
        for part in windows if options.windows else [whole]:
            print(show(path, part, options.top or (3 if show is chart else None)))
    return code


def one_run(named: Sequence[Path], file: Path) -> Path:
    """The run's folder that is meant: the one of those ``named`` that is finished and of params.yaml as it is now.

    Which one of several it is, is said on standard error. UserError where none or more than one is.
    """
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
        raise UserError(f"--run names {len(folders)} runs, of which classify takes one: {each}; name the one you mean")
    print(f"classified by {current[0]}, the one of {len(folders)} runs that params.yaml has now", file=sys.stderr)
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
