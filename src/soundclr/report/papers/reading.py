"""A paper's published numbers, from the published.csv of its room."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources

Line = Mapping[str, str]
"""artefact, dataset, row, column, statistic, accuracy_percent, std_percent"""


@cache
def read_published(room: str) -> tuple[Line, ...]:
    """The lines of the package ``room``."""
    return tuple(csv.DictReader((resources.files(room) / "published.csv").read_text().splitlines()))


def percent(line: Line, key: str = "accuracy_percent") -> float | None:
    """A line's number, or None where the paper gives none."""
    return float(line[key]) if line[key] else None
