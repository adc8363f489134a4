"""`soundclr show`: draws the network's input."""

import argparse
from pathlib import Path

from soundclr.commands.arguments import add_places
from soundclr.method import load_checked
from soundclr.params import known
from soundclr.run import runs
from soundclr.run.needed import existing

HELP = "draw the network's input for a clip, with each augmentation"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--study", help="default: params.yaml's")
    parser.add_argument("--dataset", help="default: the study's first")
    parser.add_argument("--recipe", help="default: the study's first")
    parser.add_argument("--clip", help="its name in data/DATASET/index.csv; default: the first")
    parser.add_argument("--output", type=Path, default=Path("shown.png"), help="PNG or PDF; default: %(default)s")
    add_places(parser)


def run(options: argparse.Namespace) -> None:
    """Draw, and print the path of the picture."""
    params = load_checked(options.params)
    name = params.study_name(options.study)
    study = params.studies[name]
    dataset = known(options.dataset or study.datasets[0], params.datasets, "dataset")
    recipe = options.recipe or params.recipes_of(study.recipes[0], f"studies.{name}")[0]
    features = existing(runs.features_path(params, dataset, options.data), f"soundclr features {dataset}")

    from soundclr.report.clip import show

    print(show(params, name, dataset, recipe, options.clip, features, options.output))
