"""The evidence of a printed number: its row, the runs that it comes from, their files, and the commands."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundclr.errors import UserError
from soundclr.machine.files import read_json, read_text, sha256_of_file
from soundclr.run import runs

NAMES = ("recipe", "first", "second", "inner_recipe", "ahead", "behind")
"""Columns that name recipes; several in one cell are joined by `` + ``."""

EXAMPLES = 5
"""The most rows that a message names."""

REMEDY = "restore it from git, or make it again with `soundclr report`"
"""What to do about a damaged file of a report."""


@dataclass(frozen=True)
class Run:
    """A run behind a number: its folder, its line of provenance.csv, and its files with their SHA-256.

    A hash is marked where the file has changed since the run wrote it, or is missing.
    """

    folder: Path
    provenance: Mapping[str, str]
    files: Mapping[str, str]


@dataclass(frozen=True)
class Evidence:
    """A printed number and the runs that it comes from."""

    table: Path
    line: int
    row: Mapping[str, str]
    column: str
    runs: Sequence[Run]

    @property
    def study(self) -> Path:
        """The study's folder."""
        return study_of(self.table)


def study_of(table: Path) -> Path:
    """The folder of a table's study, relative to the current one, which may be inside of it."""
    return Path(os.path.relpath(table.absolute().parent.parent))


def evidence(table: Path, row: str, column: str) -> Evidence:
    """The evidence of a cell of a study's table (CSV).

    ``row``: its number from 1, or values that only this row has, separated by commas. Raises UserError for a table, row
    or column that does not exist; it names those that do.
    """
    path = table.with_suffix(".csv")
    if path.absolute().parent.name != "tables":
        raise UserError(f"{table}: not a study's table; give one of results/STUDY/tables/*.csv")
    if not path.is_file():
        raise UserError(f"{path}: is missing in {Path.cwd()}; give one of the tables in results/STUDY/tables")
    if not (rows := csv_rows(path)):
        raise UserError(f"{path}: has no rows")
    place = row_of(table, rows, row)
    if column not in rows[place]:
        raise UserError(f"{table}: has no column {column!r}; its columns: {', '.join(rows[place])}")
    runs = [] if column.startswith(("paper_", "published_")) else runs_of(table, rows[place])
    return Evidence(table, place + 1, rows[place], column, runs)


def csv_rows(path: Path, *columns: str) -> list[dict[str, str]]:
    """The rows of a report's CSV file as printed; UserError for a damaged one, or one without these ``columns``."""
    reader = csv.DictReader(io.StringIO(read_text(path, REMEDY), newline=""))
    rows = list(reader)
    if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
        raise UserError(f"{path}: has no column {missing[0]!r}; {REMEDY}")
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise UserError(f"{path}: line {line} has not as many cells as the header; {REMEDY}")
    return rows


def row_of(table: Path, rows: Sequence[Mapping[str, str]], row: str) -> int:
    """The index of the one row that ``row`` names."""
    if row.isdigit() and 1 <= int(row) <= len(rows):
        return int(row) - 1
    wanted = [part.strip() for part in row.split(",") if part.strip()]
    found = [place for place, one in enumerate(rows) if wanted and all(part in one.values() for part in wanted)]
    if len(found) == 1:
        return found[0]
    shown = found or range(len(rows))
    some = "; ".join(f"{place + 1}: {', '.join(list(rows[place].values())[:4])}" for place in shown[:EXAMPLES])
    more = " ..." if len(shown) > EXAMPLES else ""
    if found:
        raise UserError(f"{table}: {len(found)} rows have {row!r} ({some}{more}); add a value that tells them apart")
    raise UserError(f"{table}: no row is number {row!r} or has it as a value; its rows: {some}{more}")


def runs_of(table: Path, row: Mapping[str, str]) -> list[Run]:
    """The runs of the row's dataset and recipes; of its fold alone, where it has one; none for a row of no recipe."""
    study = study_of(table)
    provenance = study / "provenance.csv"
    if not provenance.is_file():
        raise UserError(f"{provenance}: missing; make it with `soundclr report --study {study.resolve().name}`")
    recipes = {name for key in NAMES for name in row.get(key, "").split(" + ") if name}
    if "recipe" in row and not recipes:  # chance, or a published system
        return []
    found = []
    for line in csv_rows(provenance, "run"):
        dataset, recipe, place = line["run"].split("/")
        is_of_recipes = not recipes or recipe.rpartition("-")[0] in recipes
        is_of_fold = not row.get("fold") or place.startswith(f"fold{row['fold']}-")
        if row.get("dataset") in (None, "", dataset) and is_of_recipes and is_of_fold:
            found.append(run(study, line))
    # A claim against several sides names only the nearest of them.
    if "claim" not in row and (counted := row.get("runs", "")).isdigit() and len(found) < int(counted):
        raise UserError(f"{provenance}: has {len(found)} of the {counted} runs that the row is of; {REMEDY}")
    return found


def run(study: Path, line: Mapping[str, str]) -> Run:
    """A run with the hashes of its files and of its evaluations' files."""
    folder = study / "runs" / line["run"]
    metrics = folder / "metrics.json"
    records = [metrics, *sorted((study / "evaluations" / line["run"]).glob("*/evaluation.json"))]
    files = {} if metrics.is_file() else {str(metrics): "MISSING"}
    for path in filter(Path.is_file, records):
        record = read_json(path, "restore it from git")
        if not isinstance(record, dict) or not isinstance(record.get("files"), dict):
            raise UserError(f"{path}: does not name its files; restore it from git")
        for name, recorded in record["files"].items():
            file = path.with_name(name)
            has = sha256_of_file(file) if file.is_file() else None
            mark = " (MISSING)" if has is None else "" if has == recorded else " (CHANGED since)"
            files[str(file)] = f"{recorded}{mark}"
    return Run(folder, line, files)


def train_command(study: str, run: str) -> str:
    """The command that trains a run again, by its name in provenance.csv."""
    found = runs.Run.from_directory(Path(study, "runs", run), Path())
    assert found is not None
    return f"{found.train_command} --force"
