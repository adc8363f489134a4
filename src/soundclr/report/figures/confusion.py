"""Confusion matrices of the held-out clips at the best epoch, summed over folds and seeds."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from soundclr.report.collect import Collection, RunResult
from soundclr.report.exports import decisions
from soundclr.report.figures.style import COLUMN, PAGE, class_title
from soundclr.report.tables import Row

FEW = 12
"""Up to so many classes every scheme has a panel and cells show counts; above, the best scheme alone."""


def draw(collection: Collection, dataset: str, rows: Sequence[Row]) -> tuple[Figure, str] | None:
    """Rows are the clips' classes, columns the predicted ones; shades are shares of a row, in percent."""
    if not collection.of(dataset):
        return None
    found = [row for row in rows if row.dataset == dataset and row.best_epoch.mean is not None]
    classes = collection.of(dataset)[0].metrics.classes
    few = len(classes) <= FEW
    if not few:
        # The accuracies of complete seeds are comparable; a mean over some folds is not.
        complete = [row for row in found if not row.partial] or found
        found = [max(complete, key=lambda row: row.best_epoch.mean or 0.0)]
    columns = min(len(found), 3)
    lines = math.ceil(len(found) / columns)
    names = 0.045 * max(len(class_title(name)) for name in classes)  # inches that a class's name takes below the panel
    if few:
        figure = Figure(figsize=(PAGE, lines * (2.2 + names)) if columns > 1 else (COLUMN, 2.5 + names))
    else:
        figure = Figure(figsize=(PAGE, 6.1 + names))
    figure.set_layout_engine("compressed")  # keeps square panels close together
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
    for i, axes in enumerate(panels.flat):
        if i >= len(found):
            axes.axis("off")
            continue
        results = collection.of(dataset, found[i].recipe)
        counts = count(results, classes)
        image = draw_matrix(axes, counts, classes, few)
        axes.set_title(collection.params.recipes[found[i].recipe].title)
        axes.set_xlabel("predicted class")
        if i % columns == 0:
            axes.set_ylabel("class")
    bar = figure.colorbar(image, ax=panels, shrink=0.6, aspect=30, pad=0.015)
    bar.set_label("share of the class's clips (%)")
    bar.set_ticks([0, 5, 20, 40, 60, 80, 100])
    bar.outline.set_linewidth(0.4)
    text = "Held-out clips by class and predicted class at the best epoch, all folds and seeds that have run"
    if few:
        return figure, f"{text}; numbers are clips."
    return figure, f"{text}; the scheme with the highest mean accuracy."


def count(results: Sequence[RunResult], classes: Sequence[str]) -> np.ndarray:
    """How many clips of each class (rows) were taken for each (columns): int, (classes, classes)."""
    place = {name: i for i, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    for result in results:
        table = decisions(result)
        np.add.at(counts, (table["actual"].map(place), table["predicted"].map(place)), 1)
    return counts


def draw_matrix(axes: Axes, counts: np.ndarray, classes: Sequence[str], numbers: bool) -> AxesImage:
    """One matrix, row-normalised; the image, for a colour bar."""
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(
        shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=100)
    )  # the square root, so that few clips show
    names = [class_title(name) for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=6)
    axes.set_yticks(range(len(names)), names, fontsize=6)
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    if numbers:
        digits = 6 if counts.max() < 1000 else 5  # points: four of them have to fit into a cell
        for (row, column), value in np.ndenumerate(counts):
            if value:
                shade = "white" if shares[row, column] > 35 else "black"
                number = axes.text(column, row, str(value), ha="center", va="center", fontsize=digits, color=shade)
                number.set_in_layout(False)  # inside its cell: measuring hundreds takes seconds
    return image
