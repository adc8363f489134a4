"""Read a paper's published numbers from published.csv in its folder."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources

Line = Mapping[str, str]
"""Columns: artefact, dataset, row, column, statistic, accuracy_percent, std_percent."""


@cache
def read_published(package: str) -> tuple[Line, ...]:
    """The lines of published.csv in a paper's package."""
    return tuple(csv.DictReader((resources.files(package) / "published.csv").read_text().splitlines()))


def percent(line: Line, key: str = "accuracy_percent") -> float | None:
    """A line's number; None where the paper gives none."""
    return float(line[key]) if line[key] else None
