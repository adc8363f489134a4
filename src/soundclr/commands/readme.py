"""`soundclr readme`: writes the README's table of claims."""

import argparse
from pathlib import Path

from soundclr.method import load_checked
from soundclr.run.needed import existing_folder

HELP = "write the README's table of claims from the studies' tables"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    parser.add_argument("--results", type=Path, default=Path("results"))


def run(options: argparse.Namespace) -> None:
    """Write the table, and print its number of rows."""
    from soundclr.report.summary import write_readme

    results = existing_folder(options.results, "--results")
    rows = write_readme(load_checked(options.params), results, options.readme)
    print(f"{options.readme}: {rows} claims")
