"""The command line, `soundclr COMMAND`, for the workflow's rules and for people."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from soundclr import __version__
from soundclr.commands import (
    classify,
    embed,
    evaluate,
    export,
    features,
    fetch,
    plan,
    readme,
    report,
    schema,
    show,
    site,
    status,
    train,
    verify,
    weights,
    why,
)
from soundclr.commands.arguments import readable
from soundclr.errors import Busy, UserError
from soundclr.machine.files import reason
from soundclr.training.signals import Ended, Interrupted, ending, leave_alone

COMMANDS = (
    fetch,
    weights,
    features,
    train,
    evaluate,
    classify,
    embed,
    export,
    show,
    plan,
    status,
    schema,
    report,
    readme,
    site,
    why,
    verify,
)
"""The commands: modules with HELP, add_arguments and run, which imports slow libraries only when it needs them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: success. 2: an error that the user can fix, with one line on standard error. 75 and 130: a signal interrupted a
    training, which the same command resumes. 128 plus a signal's number: the signal ended another job, which has
    removed its unfinished files.
    """
    options = parser().parse_args(readable(sys.argv[1:] if arguments is None else arguments))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # for file names that the terminal cannot print
    try:
        with ending():
            return options.run_command(options) or 0
    except UserError as error:
        kind = "" if isinstance(error, Busy) else "error: "
        print(f"soundclr: {kind}{error}", file=sys.stderr)
        return 2
    except (Ended, Interrupted) as stop:
        leave_alone(arguments is None)
        print(f"soundclr: {stop}", file=sys.stderr)
        return stop.exit_code
    except BrokenPipeError:  # the reader of the pipe has ended, as in `soundclr ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a full disk, a folder without permission
        where = f"{error.filename}: " if error.filename else ""
        print(f"soundclr: error: {UserError(where + reason(error))}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, RuntimeError) as error:  # the latter: a second Ctrl-C while PyTorch writes
        if not isinstance(error, KeyboardInterrupt) and not isinstance(error.__context__, KeyboardInterrupt):
            raise
        leave_alone(arguments is None)
        print("soundclr: interrupted; run the same command to resume", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The parser for all commands and their arguments."""
    top = argparse.ArgumentParser(prog="soundclr", description="SoundCLR, CLAR and Shin et al. 2021, reproduced.")
    top.add_argument("--version", action="version", version=f"soundclr {__version__}")
    top.add_argument(
        "--params",
        type=Path,
        default=os.environ.get("SOUNDCLR_PARAMS") or "params.yaml",
        help="default: $SOUNDCLR_PARAMS, which the workflow sets to its own copy, or params.yaml",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        command = commands.add_parser(module.__name__.rpartition(".")[2], help=module.HELP)
        module.add_arguments(command)
        command.set_defaults(run_command=module.run)
    return top
