"""Confusion matrices of the held-out clips at the best epoch, summed over folds and seeds."""

import math
from collections.abc import Sequence
from typing import Any

from soundclr.report.accuracy import own_groups
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.run_results import RunResult
from soundclr.report.style import COLUMN, PAGE, Axes, Drawing, Figure, class_title, new_figure

FEW = 12
"""Up to so many classes every scheme has a panel and cells show counts; above, the best scheme alone."""


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """Rows are the clips' classes, columns the predicted ones; shades are shares of a row, in percent."""
    if not collection.of(dataset):
        return None
    classes = collection.of(dataset)[0].metrics.classes
    few = len(classes) <= FEW
    recipes = shown(collection, dataset, few)
    columns = min(len(recipes), 3)
    figure = make_figure(classes, columns, math.ceil(len(recipes) / columns))
    panels = figure.subplots(math.ceil(len(recipes) / columns), columns, squeeze=False, sharey=True)
    for axes in panels.flat[len(recipes) :]:
        axes.axis("off")
    for place, (axes, recipe) in enumerate(zip(panels.flat, recipes, strict=False)):
        image = draw_matrix(axes, count(collection.of(dataset, recipe), classes), classes, few)
        axes.set_title(collection.scheme(recipe))
        axes.set_xlabel("predicted class")
        if place % columns == 0:
            axes.set_ylabel("class")
    bar = figure.colorbar(image, ax=panels, shrink=0.6, aspect=30, pad=0.015)
    bar.set_label("share of the class's clips (%)")
    bar.set_ticks([0, 5, 20, 40, 60, 80, 100])
    bar.outline.set_linewidth(0.4)
    text = "Held-out clips by class and predicted class at the best epoch, all folds and seeds that have run"
    return Drawing(figure, f"{text}; {'numbers are clips' if few else 'the scheme with the highest mean accuracy'}.")


def shown(collection: Collection, dataset: str, few: bool) -> list[str]:
    """The recipes that have a panel: all with runs, or the best."""
    groups = {recipe: own for (at, recipe), own in own_groups(collection).items() if at == dataset and own.runs}
    if few:
        return list(groups)
    # The accuracies of complete seeds are comparable; a mean over some folds is not.
    complete = {recipe: own for recipe, own in groups.items() if not own.partial} or groups
    return [max(complete, key=lambda recipe: complete[recipe].best_epoch.mean or 0.0)]


def make_figure(classes: Sequence[str], columns: int, lines: int) -> Figure:
    """A figure that has room for so many panels with the classes' names."""
    names = 0.045 * max(len(class_title(name)) for name in classes)  # inches that a class's name takes below the panel
    if len(classes) > FEW:
        figure = new_figure(PAGE, 6.1 + names)
    else:
        figure = new_figure(PAGE, lines * (2.2 + names)) if columns > 1 else new_figure(COLUMN, 2.5 + names)
    figure.set_layout_engine("compressed")  # keeps square panels close together
    return figure


def count(results: Sequence[RunResult], classes: Sequence[str]) -> Any:
    """How many clips of each class (rows) were taken for each (columns): int, (classes, classes)."""
    import numpy as np

    place = {name: i for i, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    for result in results:
        for actual, predicted in result.decisions():
            counts[place[actual], place[predicted]] += 1
    return counts


def draw_matrix(axes: Axes, counts: Any, classes: Sequence[str], numbers: bool) -> Any:
    """One matrix, row-normalised; the image, for a colour bar."""
    import numpy as np
    from matplotlib.colors import PowerNorm

    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    norm = PowerNorm(0.5, vmin=0, vmax=100)  # the square root, so that few clips show
    image = axes.imshow(shares, cmap="Blues", norm=norm)
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


ARTEFACT = Artefact("confusion", "Confusion matrices", "figure", draw)
