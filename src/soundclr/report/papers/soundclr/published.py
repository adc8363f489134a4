"""The paper's published numbers, from published.csv."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources

DATASETS = {"esc10": "ESC-10", "esc10_wav": "ESC-10", "esc50": "ESC-50", "us8k": "US8K"}
"""What published.csv calls the datasets of params.yaml; one that is not here has no published value."""


@cache
def lines() -> tuple[Mapping[str, str], ...]:
    """published.csv, a mapping a line: artefact, dataset, row, column, statistic, accuracy_percent, std_percent."""
    text = (resources.files(__package__) / "published.csv").read_text()
    return tuple(csv.DictReader(text.splitlines()))


def published(artefact: str, dataset: str) -> list[Mapping[str, str]]:
    """An artefact's lines for a dataset of params.yaml, in the paper's order; none where it has no value."""
    name = DATASETS.get(dataset)
    return [line for line in lines() if (line["artefact"], line["dataset"]) == (artefact, name)]


def percent(line: Mapping[str, str], key: str = "accuracy_percent") -> float | None:
    """A line's number, or None where the paper gives none."""
    return float(line[key]) if line[key] else None
