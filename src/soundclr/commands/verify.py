"""`soundclr verify`: recomputes the numbers of the tables, the pages and the README's claims from the runs."""

import argparse
from pathlib import Path

from soundclr.errors import UserError
from soundclr.machine.files import read_text
from soundclr.method import load_checked
from soundclr.params import Params
from soundclr.run.needed import existing_folder

HELP = "recompute the numbers of all tables and pages from the runs, and list those that differ"
SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--study", help="default: every study that has runs, and the README")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--readme", type=Path, default=Path("README.md"))


def run(options: argparse.Namespace) -> int:
    """Verify, and print the results; returns 1 if a number differs or has no run behind it."""
    params = load_checked(options.params)

    from soundclr.report.verify import Checked, verify, verify_readme

    results = existing_folder(options.results, "--results")
    named = options.study is not None
    studies = [params.study_name(options.study)] if named else studies_with_runs(params, results)
    if not named:
        read_text(options.readme, "name another one with --readme")  # before minutes of work
    code = reproduced = 0

    def say(found: Checked) -> None:
        nonlocal code, reproduced
        reproduced += found.reproduced
        if found.changed or found.without:
            code = 1
        counts = f"{found.reproduced} reproduced"
        counts += f", {len(found.changed)} changed" if found.changed else ""
        print(f"{found.file}: {counts}{', no evidence' if found.without else ''}")
        for line in [*found.changed, *found.without][:SHOWN]:
            print(f"  {line}")

    for study in studies:
        for found in verify(params, study, options.results):
            say(found)
    if not named:
        say(verify_readme(params, options.results, options.readme))
    print(f"{reproduced:,} numbers reproduced{', others differ: see above' if code else ', and none differs'}")
    print(f"Not checked: figures, their captions{'' if named else ', and the sentences of the README'}.")
    return code


def studies_with_runs(params: Params, results: Path) -> list[str]:
    """The studies below ``results`` that have runs; UserError for one that params.yaml lacks."""
    found = sorted(path.parent.name for path in results.glob("*/runs"))
    if unknown := [name for name in found if name not in params.studies]:
        raise UserError(f"{results / unknown[0]}: has runs of a study that params.yaml lacks; move the folder away")
    return found
