"""The paper's published numbers, from published.csv."""

from collections.abc import Mapping

from soundclr.report.papers.reading import percent as percent
from soundclr.report.papers.reading import read_published

DATASETS = {"esc10": "ESC-10", "esc10_wav": "ESC-10", "esc50": "ESC-50", "esc50_ogg": "ESC-50", "us8k": "US8K"}
"""What published.csv calls the datasets of params.yaml; one that is not here has no published value."""


def lines() -> tuple[Mapping[str, str], ...]:
    """published.csv, a mapping a line."""
    return read_published(__package__)


def published(artefact: str, dataset: str) -> list[Mapping[str, str]]:
    """An artefact's lines for a dataset of params.yaml, in the paper's order; none where it has no value."""
    name = DATASETS.get(dataset)
    return [line for line in lines() if (line["artefact"], line["dataset"]) == (artefact, name)]
