"""A study's figures, several for each of its datasets, each as PNG for pages and PDF for print."""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from soundclr.report.collect import Collection
from soundclr.report.figures import (
    comparison,
    confusion,
    curves,
    figure3,
    figure4,
    figure5,
    flattery,
    noise_snr,
    per_class,
    representations,
)
from soundclr.report.figures.style import no_runs, save, styled
from soundclr.report.layout import figures_of
from soundclr.report.tables import Row

__all__ = ["DRAW", "write_figures"]

Draw = Callable[[Collection, str, Sequence[Row]], tuple[Figure, str] | None]

DRAW: dict[str, Draw] = {
    "figure3": figure3.draw,
    "figure4": figure4.draw,
    "figure5": figure5.draw,
    "noise_snr": noise_snr.draw,
    "comparison": comparison.draw,
    "per_class": per_class.draw,
    "confusion": confusion.draw,
    "representations": representations.draw,
    "flattery": flattery.draw,
    "curves": curves.draw,
}
"""What draws each figure: a figure and its caption, or None where there is nothing to draw yet."""


def write_figures(collection: Collection, rows: Sequence[Row], folder: Path) -> list[tuple[str, Path]]:
    """Write ``<figure>-<dataset>`` for each figure and dataset; return caption and PNG where there are runs.

    For a figure without runs the files hold one sentence that says so.
    """
    written = []
    with styled():
        for dataset in collection.params.studies[collection.study].datasets:
            title = collection.params.datasets[dataset].title
            for name in figures_of(collection.params, collection.study, dataset):
                if drawn := DRAW[name](collection, dataset, rows):
                    figure, caption = drawn
                    written.append((f"{title}. {caption}", save(figure, folder, f"{name}-{dataset}")))
                else:
                    save(no_runs(title), folder, f"{name}-{dataset}")
    return written
