"""`soundclr weights`: fetches an encoder's initial weights."""

import argparse

from soundclr.commands.arguments import add_places
from soundclr.method import load_checked
from soundclr.params import known

HELP = "fetch an encoder's initial weights and verify them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("weights")
    parser.add_argument("encoder")
    add_places(parser)


def run(options: argparse.Namespace) -> None:
    """Fetch, and print the path of the file."""
    from soundclr import datasets

    params = load_checked(options.params)
    file = params.weights_file(known(options.weights, params.weights, "weights"), options.encoder)
    print(datasets.fetch_weights(options.weights, options.encoder, file, options.data, options.mirror))
