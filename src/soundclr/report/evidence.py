"""The evidence of a printed number: its row, the runs that it comes from, their files, and the commands."""

import csv
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundclr.errors import UserError
from soundclr.machine.files import read_json, sha256_of_file

NAMES = ("recipe", "first", "second", "inner_recipe", "ahead", "behind")
"""Columns that name recipes; several in one cell are joined by `` + ``."""

EXAMPLES = 5
"""The most rows that a message names."""


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
    if path.absolute().parent.name != "tables" or not path.is_file():
        raise UserError(f"{path}: not a study's table; give one of results/STUDY/tables/*.csv")
    if not (rows := csv_rows(path)):
        raise UserError(f"{path}: has no rows")
    place = row_of(table, rows, row)
    if column not in rows[place]:
        raise UserError(f"{table}: has no column {column!r}; its columns: {', '.join(rows[place])}")
    return Evidence(table, place + 1, rows[place], column, runs_of(table, rows[place]))


def csv_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, with all values as they are printed."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def row_of(table: Path, rows: Sequence[Mapping[str, str]], row: str) -> int:
    """The index of the one row that ``row`` names."""
    if row.isdigit() and 1 <= int(row) <= len(rows):
        return int(row) - 1
    wanted = [part.strip() for part in row.split(",")]
    found = [place for place, one in enumerate(rows) if all(part in one.values() for part in wanted)]
    if len(found) == 1:
        return found[0]
    shown = found or range(len(rows))
    some = "; ".join(f"{place + 1}: {', '.join(list(rows[place].values())[:4])}" for place in shown[:EXAMPLES])
    more = " ..." if len(shown) > EXAMPLES else ""
    if found:
        raise UserError(f"{table}: {len(found)} rows have {row!r} ({some}{more}); add a value that tells them apart")
    raise UserError(f"{table}: no row is number {row!r} or has it as a value; its rows: {some}{more}")


def runs_of(table: Path, row: Mapping[str, str]) -> list[Run]:
    """The runs of the row's dataset and recipes; of its fold alone, where it has one."""
    study = study_of(table)
    provenance = study / "provenance.csv"
    if not provenance.is_file():
        raise UserError(f"{provenance}: missing; make it with `soundclr report --study {study.resolve().name}`")
    recipes = {name for key in NAMES for name in row.get(key, "").split(" + ") if name}
    found = []
    for line in csv_rows(provenance):
        dataset, recipe, place = line["run"].split("/")
        is_of_recipes = not recipes or recipe.rpartition("-")[0] in recipes
        is_of_fold = not row.get("fold") or place.startswith(f"fold{row['fold']}-")
        if row.get("dataset") in (None, "", dataset) and is_of_recipes and is_of_fold:
            found.append(run(study, line))
    return found


def run(study: Path, line: Mapping[str, str]) -> Run:
    """A run with the hashes of its files and of its evaluations' files."""
    folder = study / "runs" / line["run"]
    records = [folder / "metrics.json", *sorted((study / "evaluations" / line["run"]).glob("*/evaluation.json"))]
    files = {}
    for path in filter(Path.is_file, records):
        for name, recorded in read_json(path, "restore it from git")["files"].items():
            file = path.with_name(name)
            has = sha256_of_file(file) if file.is_file() else None
            mark = " (MISSING)" if has is None else "" if has == recorded else " (CHANGED since)"
            files[str(file)] = f"{recorded}{mark}"
    return Run(folder, line, files)


def train_command(study: str, run: str) -> str:
    """The command that trains a run again, by its name in provenance.csv."""
    dataset, recipe, place = run.split("/")
    fold, seed = re.fullmatch(r"fold(\d+)-seed(\d+)", place).groups()  # type: ignore[union-attr]
    name = recipe.rpartition("-")[0]
    return f"soundclr train --study {study} --dataset {dataset} --recipe {name} --fold {fold} --seed {seed} --force"
