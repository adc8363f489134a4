"""`soundclr report`: writes a study's tables and figures."""

import argparse
from pathlib import Path

from soundclr.method import load_checked
from soundclr.run.needed import existing_folder

HELP = "write a study's tables and figures from the runs there are"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--study", help="default: params.yaml's")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--figures", type=Path, default=Path("figures"))


def run(options: argparse.Namespace) -> None:
    """Write tables and figures, and print the number of runs."""
    params = load_checked(options.params)
    study = params.study_name(options.study)

    from soundclr.report.write import write_report

    write_report(params, study, existing_folder(options.results, "--results"), options.figures, print)
