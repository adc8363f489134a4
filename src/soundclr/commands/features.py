"""`soundclr features`: decodes a dataset's clips."""

import argparse
import os

from soundclr.commands.arguments import add_places, positive
from soundclr.method import load_checked
from soundclr.params import known
from soundclr.run import runs
from soundclr.run.needed import existing

HELP = "decode a dataset once into one memory-mapped file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("dataset")
    parser.add_argument("--threads", type=positive, default=os.cpu_count())
    add_places(parser)


def run(options: argparse.Namespace) -> None:
    """Decode, and print the path of the features file."""
    from soundclr import datasets
    from soundclr.datasets.decoding import decode_clips

    params = load_checked(options.params)
    source = params.datasets[known(options.dataset, params.datasets, "dataset")]
    index = existing(options.data / options.dataset / "index.csv", f"soundclr fetch {options.dataset}")
    datasets.check_current(options.dataset, source, options.data)
    output = runs.features_path(params, options.dataset, options.data)
    decode_clips(index, output, source.sample_rate, options.threads, source.channels, source.longest, source.pixels)
    print(output)
