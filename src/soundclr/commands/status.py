"""`soundclr status`: shows the state of a study's jobs."""

import argparse
from pathlib import Path

from soundclr.method import load_checked
from soundclr.run.needed import existing_folder

HELP = "show which of a study's jobs are done, running, failed or stopped, and the hours left"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--study", help="default: params.yaml's")
    parser.add_argument("--watch", action="store_true", help="print it again every few seconds, until Ctrl-C")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--data", type=Path, default=Path("data"), help="the folder for data; default: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Print the status, once or repeatedly."""
    from soundclr.planning.status import page
    from soundclr.planning.status.jobs import Places, Study

    params = load_checked(options.params)
    places = Places(existing_folder(options.results, "--results"), options.data)
    study = Study.from_params(params, params.study_name(options.study), places)
    if options.watch:
        page.watch(lambda: page.lines(study, places))
    else:
        print(*page.lines(study, places), sep="\n")
