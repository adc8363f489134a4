"""`python -m benchmarks`: measure, and keep what was measured after each module."""

import os

# Before NumPy is imported: the other side's matrix products stay on the one core that a data-loader worker has.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.context import Context
from benchmarks.machine import machine
from benchmarks.store import entry, file_of, line, record
from soundclr.errors import UserError
from soundclr.machine import devices
from soundclr.method import load_checked

MODULES = ("data_path", "clar", "step", "start", "features", "classifier_stage", "noise", "dag", "memory", "jobs")
LONG = ("time_to_accuracy",)
"""What takes hours, and is measured only where ``--only`` names it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the modules asked for; 0, or 2 when one of them could not be measured."""
    options = parser().parse_args(arguments)
    failed = False
    try:
        device = chosen(options.device)
        parameters = load_checked(options.params)
        here = machine(device)
        file_of(options.output, here)  # a file that this machine may not write is not for after the measuring
    except UserError as error:
        print(f"benchmark: error: {error}", file=sys.stderr)
        return 2
    devices.prepare(torch.get_num_threads())  # both sides keep freed memory, as trainings do
    if options.quick:
        print("A quick run: few repeats, small batches. Its numbers are not results.", file=sys.stderr)
    for name in options.only:
        start = time.perf_counter()
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            with tempfile.TemporaryDirectory(prefix="soundclr-benchmark-") as folder:
                context = Context(parameters, device, Path(folder), options.params.absolute().parent, options.quick)
                measured = importlib.import_module(f"benchmarks.{name}").measure(context)
                rows = [entry(row, name, options.quick) for row in measured]
            path = record(options.output, here, rows)
        except UserError as error:
            print(f"benchmark: error: {name}: {error}", file=sys.stderr)
            failed = True
            continue
        print("".join(map(line, rows)), end="", flush=True)
        print(f"{name}: {time.perf_counter() - start:.0f} s, in {path}", file=sys.stderr, flush=True)
    return 2 if failed else 0


def chosen(name: str) -> torch.device:
    """The device to measure; UserError for one that is not there."""
    if name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"--device {name}: not a device of this machine ({str(error).splitlines()[0]})") from error
    return device


def parser() -> argparse.ArgumentParser:
    """The options."""
    top = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    named = f"{', '.join(MODULES)}; and what takes hours and is measured only if named: {', '.join(LONG)}"
    top.add_argument("--only", nargs="+", choices=[*MODULES, *LONG], default=MODULES, metavar="NAME", help=named)
    top.add_argument("--quick", action="store_true", help="few repeats, small batches: to see that it works")
    top.add_argument("--output", type=Path, default=Path("results/benchmark"), help="default: %(default)s")
    top.add_argument("--device", default="auto", help="cpu, cuda or cuda:1; default: a GPU where there is one")
    top.add_argument("--params", type=Path, default=Path("params.yaml"), help="default: %(default)s")
    return top


if __name__ == "__main__":
    sys.exit(main())
