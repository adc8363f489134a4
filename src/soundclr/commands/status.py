"""`soundclr status`: where a study stands."""

import argparse
from pathlib import Path

from soundclr.method import load_checked
from soundclr.params import known

HELP = "where a study stands: done, running, failed, stopped, and the hours left"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--study", help="default: params.yaml's")
    parser.add_argument("--watch", action="store_true", help="draw it again every few seconds, until Ctrl-C")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--data", type=Path, default=Path("data"), help="where data are kept; default: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Print it, once or again and again."""
    from soundclr.planning.status import page
    from soundclr.planning.status.standing import Places, Study

    params = load_checked(options.params)
    places = Places(options.results, options.data)
    study = Study.of(params, known(options.study or params.study, params.studies, "study"), places)
    if options.watch:
        page.watch(lambda: page.lines(study, places))
    else:
        print(*page.lines(study, places), sep="\n")
