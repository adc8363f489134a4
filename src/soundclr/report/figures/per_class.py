"""Accuracy of each class at the best epoch, a row a class."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from soundclr.report.collect import Collection
from soundclr.report.figures.style import COLUMN, PAGE, add_legend, class_title, look
from soundclr.report.tables import Row
from soundclr.report.tables.per_class import class_accuracy

FEW = 25
"""Up to so many classes stand in one column; more in two."""


def draw(collection: Collection, dataset: str, rows: Sequence[Row]) -> tuple[Figure, str] | None:
    """Classes from the best recognised, by the schemes' mean, to the least; a point a scheme."""
    results = collection.of(dataset)
    if not results:
        return None
    classes = results[0].metrics.classes
    recipes = list(dict.fromkeys(result.run.recipe for result in results))
    shares = np.full((len(recipes), len(classes)), np.nan)
    for i, recipe in enumerate(recipes):
        found = class_accuracy(collection, dataset, recipe)  # a class without held-out clips has none
        shares[i] = [found[name].best if name in found else np.nan for name in classes]
    present = [place for place in range(len(classes)) if not np.isnan(shares[:, place]).all()]
    order = sorted(present, key=lambda place: (-np.nanmean(shares[:, place]), classes[place]))
    columns = 1 if len(order) <= FEW else 2
    lines = -(-len(order) // columns)
    figure = Figure(figsize=(COLUMN if columns == 1 else PAGE, 0.75 + (0.2 if columns == 1 else 0.17) * lines))
    panels = figure.subplots(1, columns, sharex=True, squeeze=False)[0]
    handles = [
        Line2D([], [], label=look(collection, recipe).title, **look(collection, recipe).point, markersize=3.5)
        for recipe in recipes
    ]
    for axes, chosen in zip(panels, np.array_split(order, columns), strict=True):
        y = np.arange(len(chosen))
        axes.hlines(y, np.nanmin(shares[:, chosen], axis=0), np.nanmax(shares[:, chosen], axis=0), "#999999", lw=0.6)
        for i, recipe in enumerate(recipes):
            shift = (i - (len(recipes) - 1) / 2) * 0.75 / len(recipes)  # equal accuracies stay apart
            axes.plot(shares[i, chosen], y + shift, **look(collection, recipe).point, markersize=3, clip_on=False)
        axes.set_yticks(y, [class_title(classes[place]) for place in chosen])
        axes.set_ylim(lines - 0.5, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(True, axis="x")
        axes.set_xlabel("clips of the class that are right (%)")
        axes.set_xlim(5 * math.floor(np.nanmin(shares) / 5 - 0.1), 100)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    add_legend(figure, handles)
    text = "Held-out accuracy of each class at the best epoch, over all folds and seeds that have run"
    return figure, f"{text}; classes in the order of the schemes' mean."
