"""A study's figures, three for each of its datasets, each as PNG for pages and PDF for print."""

from collections.abc import Sequence
from pathlib import Path

from soundclr.report.collect import Collection
from soundclr.report.figures import confusion, curves, figure4
from soundclr.report.figures.style import no_runs, save, styled
from soundclr.report.layout import FIGURES
from soundclr.report.tables import Row

__all__ = ["write_figures"]

DRAWN = dict(zip(FIGURES, (figure4, curves, confusion), strict=True))


def write_figures(collection: Collection, rows: Sequence[Row], folder: Path) -> list[tuple[str, Path]]:
    """Write ``<figure>-<dataset>`` for each figure and dataset; return caption and PNG where there are runs.

    For a dataset without runs the files hold one sentence that says so.
    """
    written = []
    with styled():
        for dataset in collection.params.studies[collection.study].datasets:
            title = collection.params.datasets[dataset].title
            for name, module in DRAWN.items():
                if collection.of(dataset):
                    figure, caption = module.draw(collection, dataset, rows)
                    written.append((f"{title}. {caption}", save(figure, folder, f"{name}-{dataset}")))
                else:
                    save(no_runs(title), folder, f"{name}-{dataset}")
    return written
