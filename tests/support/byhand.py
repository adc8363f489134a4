"""What run folders say, read without the package's own reader."""

import csv
import io
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from soundclr.report.catalogue import ARTEFACTS
from soundclr.report.collect import Collection
from soundclr.report.table import Table

FOLDS, SEEDS = (1, 2, 3), (0, 1)
"""Of the study "everything"."""


def rows(collection: Collection, name: str) -> list[dict[str, str]]:
    """A table's CSV."""
    return list(csv.DictReader(io.StringIO(make(collection, name).to_csv())))


def make(collection: Collection, name: str) -> Table:
    """A table, of what a report makes it of."""
    (artefact,) = (one for one in ARTEFACTS if (one.kind, one.name) == ("table", name))
    table: Table = artefact.load()(collection.only(artefact.includes))
    return table


def texts(table: Table) -> list[list[str]]:
    """What the cells of its page say."""
    return [[cell.text for cell in row] for row in table.rows]


def said(results: Path, study: str, recipe: str) -> dict[tuple[int, int], dict[str, Any]]:
    """(fold, seed) -> metrics.json of a recipe's runs, and the folder under "path"."""
    found = {}
    for path in (results / study / "runs").glob(f"*/{recipe}-*/*/metrics.json"):
        metrics = json.loads(path.read_text())
        found[metrics["fold"], metrics["seed"]] = metrics | {"path": path.parent}
    return found


def best(metrics: dict[str, Any]) -> float:
    accuracy: float = metrics["accuracy"]["best_epoch"]
    return 100 * accuracy


def last(metrics: dict[str, Any]) -> float:
    accuracy: float = metrics["accuracy"]["last_epoch"]
    return 100 * accuracy


def near(value: float, digits: int = 2) -> object:
    """What a number written with so many decimals may be."""
    return pytest.approx(value, abs=0.5001 * 10**-digits)


def bold(table: Table) -> list[tuple[str, ...]]:
    """The first two cells of each row with a marked cell, and the marked text."""
    return [(row[0].text, row[1].text, cell.text) for row in table.rows for cell in row if cell.best]


def evaluations(results: Path, recipe: str) -> list[dict[str, Any]]:
    paths = (results / "everything/evaluations").glob(f"*/{recipe}-*/*/*/evaluation.json")
    return [json.loads(path.read_text()) for path in paths]


def accuracies(results: Path, study: str) -> dict[tuple[str, str], dict[int, dict[int, dict[str, float]]]]:
    """(dataset, recipe) -> seed -> fold -> accuracies, read from the run folders by hand."""
    found: dict = defaultdict(lambda: defaultdict(dict))
    for path in (results / study / "runs").glob("*/*/*/metrics.json"):
        metrics = json.loads(path.read_text())
        found[metrics["dataset"], metrics["recipe"]][metrics["seed"]][metrics["fold"]] = metrics["accuracy"]
    return found


def read(path: Path) -> list[dict[str, str]]:
    """A CSV file's rows."""
    return list(csv.DictReader(io.StringIO(path.read_text())))
