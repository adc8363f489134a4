"""The papers, a folder each: claims, published numbers, and tables and figures with our numbers beside them."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources

PAPERS = {"clar": "the CLAR paper", "shin": "Shin et al. (2021)", "soundclr": "the SoundCLR paper"}
"""The papers' names in captions, by their folders."""

Line = Mapping[str, str]
"""Columns: artefact, dataset, row, column, statistic, accuracy_percent, std_percent."""


@cache
def read_published(package: str) -> tuple[Line, ...]:
    """The lines of published.csv in a paper's package."""
    return tuple(csv.DictReader((resources.files(package) / "published.csv").read_text().splitlines()))


def percent(line: Line | None, key: str = "accuracy_percent") -> float | None:
    """A line's number; None without a line, and where the paper gives none."""
    return float(line[key]) if line and line[key] else None
