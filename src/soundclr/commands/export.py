"""`soundclr export`: a trained run's model to take along."""

import argparse
from pathlib import Path

from soundclr.commands.named_run import add_named_run, one_run
from soundclr.errors import UserError
from soundclr.method import load_checked

HELP = "a trained run's model as ONNX, from the waveform on, or its weights, or compressed for git"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_named_run(parser)
    parser.add_argument("--to", choices=("onnx", "state_dict", "packed"), default="onnx", help="default: %(default)s")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        help="default: RECIPE.onnx or RECIPE.pth here; packed: model.pt.xz in the run's folder",
    )


def run(options: argparse.Namespace) -> None:
    """Write it, and print what it takes and gives."""
    folder = one_run(options.run, options.params)
    params = load_checked(options.params)

    from soundclr.evaluation.export import EXPORTS
    from soundclr.models.load import PACKED

    suffix, write = EXPORTS[options.to]
    named = folder / PACKED if options.to == "packed" else Path(folder.parent.name.rpartition("-")[0] + suffix)
    output = options.output or named
    if not output.name.endswith(suffix):
        raise UserError(f"{output}: {options.to} must end in {suffix}")
    about = write(folder, output, params)
    print(f"{output}: {about['input']}; {len(about['classes'])} classes")
    print(f"  data: {about['dataset']} ({about['dataset_licence']})")
    print(f"  started from: {about['initial_weights']} ({about['initial_weights_licence']})")
