"""`soundclr site`: the pages that MkDocs makes the static site of."""

import argparse
from pathlib import Path

from soundclr.method import load_checked

HELP = "write the pages of the static site (`make site` calls it, then MkDocs)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--into", type=Path, default=Path("build/site"), help="a folder for the pages")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--figures", type=Path, default=Path("figures"))
    parser.add_argument("--repository", default="", help="the URL before the paths of linked files")


def run(options: argparse.Namespace) -> None:
    """Write them, and print how many claims they show."""
    from soundclr.report.site.build import Site, build

    params = load_checked(options.params)
    rows = build(Site(params, options.results, options.figures, Path(), options.into, options.repository.rstrip("/")))
    print(f"{options.into / 'pages'}: {len(rows)} rows of claims")
