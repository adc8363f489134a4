"""`soundclr why`: shows a printed number's runs, their files, and the commands to recompute it."""

import argparse
from pathlib import Path

from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.report.evidence import Evidence, evidence, train_command

HELP = "show a printed number's runs, their files, and the commands to recompute it"
SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("table", type=Path, help="such as results/esc50/tables/table3.csv")
    parser.add_argument("row", help="its number from 1, or values that identify it, such as hybrid or esc10,hybrid")
    parser.add_argument("column", help="such as last_epoch_mean_percent")
    parser.add_argument("--all", action="store_true", help=f"name every run's files, not those of the first {SHOWN}")


def run(options: argparse.Namespace) -> int:
    """Print the evidence; returns 1 if the runs do not give the number."""
    found = evidence(options.table, options.row, options.column)
    print("\n".join(lines(found, options.all)), flush=True)
    return compare(found, options.params)


def compare(found: Evidence, file: Path) -> int:
    """Print whether the runs give the number; 1 if they do not. Only with the params.yaml that the study is of."""
    study, results = found.study.resolve().name, found.study.parent
    path = file if file.is_absolute() else results.parent / file
    if not path.is_file():
        print(f"{path}: is missing, so the number is not compared with its runs")
        return 0
    params = load_checked(path)
    if study not in params.studies:
        print(f"{path}: has no study {study}, so the number is not compared with its runs")
        return 0

    from soundclr.report.verify import verify_table

    try:
        checked = verify_table(params, study, results, found.table.stem)
    except UserError as error:
        print(f"WARNING: not compared with its runs: {error}")
        return 1
    its = [line for line in checked.changed if line.startswith(f"row {found.line}, {found.column}:")]
    if not checked.changed and not checked.without:
        print("The runs give this number.")
        return 0
    print(f"WARNING: {checked.file}: {(its or [*checked.changed, *checked.without])[0]}")
    return 1


def lines(found: Evidence, every: bool) -> list[str]:
    """The number, its row, its runs, their files with SHA-256, and the commands."""
    name = found.study.resolve().name
    root = found.study.parent.parent
    where = "" if root == Path() else f", in {root}"
    value = found.row[found.column] or "nothing"
    row = ", ".join(f"{key} {text}" for key, text in found.row.items() if text and key != found.column)
    text = [
        f"{value}: {found.column} in row {found.line} of {found.table}",
        f"  its row: {row}",
        f"  computed from {len(found.runs)} runs (every run: {found.study / 'provenance.csv'}):"
        if found.runs
        else "  from no run: it is published, needs none, or its runs are missing",
    ]
    for one in found.runs[: None if every else SHOWN]:
        line = one.provenance
        text.append(f"  {one.folder}")
        text.append(
            f"    {line['last_epoch_percent'] or 'no'} % at the last epoch, {line['best_epoch_percent'] or 'no'} % at "
            f"the best; {line['epochs']} epochs, {line['precision']}, {line['device']}, "
            f"commit {line['git_commit'][:10]}, {line['created']}"
        )
        text += [f"    {sha256}  {file}" for file, sha256 in one.files.items()]
    if len(found.runs) > SHOWN and not every:
        text.append(f"  ... and {len(found.runs) - SHOWN} more (--all)")
    if found.runs:
        text.append(f"  settings: {found.runs[0].folder / 'metrics.json'}")
    text += [f"check all numbers of the study{where}:", f"  soundclr verify --study {name}"]
    text += [f"compute the table again from the runs{where}:", f"  soundclr report --study {name}"]
    if found.runs:
        text += [f"train a run again{where}:", f"  {train_command(name, found.runs[0].provenance['run'])}"]
    return text
