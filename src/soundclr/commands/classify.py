"""`soundclr classify`: classifies sound files with a trained run."""

import argparse
import sys
from pathlib import Path

from soundclr.commands.arguments import positive, share
from soundclr.commands.named_run import add_named_run, one_run
from soundclr.errors import UserError

HELP = "the likely classes of sound files, by a trained model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="WAV, FLAC, Ogg or MP3")
    add_named_run(parser)
    parser.add_argument(
        "--windows", action="store_true", help="show each window instead of their mean; windows overlap by half"
    )
    parser.add_argument("--top", type=positive, help="classes to show; default: 3, or all in JSON and CSV")
    parser.add_argument(
        "--threshold",
        type=share,
        help="print unknown below this probability, from 0 to 1; calibrated on the run's held-out clips",
    )
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print a JSON object per line")
    forms.add_argument("--csv", action="store_true", help="print a CSV table with a line per class")


def run(options: argparse.Namespace) -> int:
    """Classify the files; returns 2 if one could not be classified."""
    run = one_run(options.run, options.params)

    from soundclr.evaluation.classifier import CSV_HEADER, Classifier, chart, csv_lines, json_line

    classifier = Classifier(run)
    if options.threshold is not None:
        print(classifier.name_from(options.threshold).sentence(options.threshold), file=sys.stderr)
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
