"""`soundclr fetch`: fetches a dataset's clips."""

import argparse

from soundclr.commands.arguments import add_places
from soundclr.method import load_checked
from soundclr.params import known

HELP = "fetch a dataset, verify and index it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("dataset")
    add_places(parser)


def run(options: argparse.Namespace) -> None:
    """Fetch, and print the path of the index."""
    from soundclr import datasets

    params = load_checked(options.params)
    known(options.dataset, params.datasets, "dataset")
    print(datasets.fetch_dataset(options.dataset, params.datasets[options.dataset], options.data, options.mirror))
