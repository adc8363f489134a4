"""`soundclr plan`: shows what a study would do and cost."""

import argparse
from pathlib import Path

from soundclr.commands.arguments import positive
from soundclr.method import load_checked

HELP = "show a study's jobs, hours and disk space before it runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--study", help="default: params.yaml's")
    parser.add_argument("--devices", type=positive, nargs="+", default=[1, 4, 64], help="default: 1 4 64")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the plan's hashes to a file, for DVC")
    parser.add_argument("--results", type=Path, default=Path("results"))


def run(options: argparse.Namespace) -> None:
    """Print the plan."""
    from soundclr.planning import plan

    params = load_checked(options.params)
    study = params.study_name(options.study)
    if options.write:
        plan.write_plan(params, study, options.write)
    print("\n".join(plan.lines(params, study, options.results, options.devices)))  # all of it, or an error alone
