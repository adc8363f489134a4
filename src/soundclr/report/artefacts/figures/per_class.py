"""Accuracy of each class at the best epoch, a row a class."""

import math
import statistics
from collections.abc import Mapping, Sequence

from soundclr.report.artefact import Artefact
from soundclr.report.artefacts.tables.per_class import class_accuracy
from soundclr.report.collect import Collection
from soundclr.report.style import COLUMN, PAGE, Axes, Drawing, Look, add_legend, class_title, handle, look, new_figure

FEW = 25
"""Up to so many classes stand in one column; more in two."""


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """Classes from the best recognised, by the schemes' mean, to the least; a point a scheme."""
    results = collection.of(dataset)
    if not results:
        return None
    looks, shares = [], []  # of each scheme; a class without held-out clips has no share
    for recipe in dict.fromkeys(result.run.recipe for result in results):
        looks.append(look(collection, recipe))
        found = class_accuracy(collection, dataset, recipe)
        shares.append({name: accuracy.best for name, accuracy in found.items()})

    def rank(name: str) -> tuple[float, str]:
        return -statistics.fmean(share[name] for share in shares if name in share), name

    classes = sorted({name for share in shares for name in share}, key=rank)
    columns = 1 if len(classes) <= FEW else 2
    lines = -(-len(classes) // columns)
    figure = new_figure(COLUMN if columns == 1 else PAGE, 0.75 + (0.2 if columns == 1 else 0.17) * lines)
    least = min(value for share in shares for value in share.values())
    for place, axes in enumerate(figure.subplots(1, columns, sharex=True, squeeze=False)[0]):
        draw_column(axes, classes[place * lines : (place + 1) * lines], shares, looks)
        axes.set_ylim(lines - 0.5, -0.6)
        axes.set_xlim(5 * math.floor(least / 5 - 0.1), 100)
    add_legend(figure, [handle(one.title, **one.point, markersize=3.5) for one in looks])
    text = "Held-out accuracy of each class at the best epoch, over all folds and seeds that have run"
    return Drawing(figure, f"{text}; classes in the order of the schemes' mean.")


def draw_column(
    axes: Axes, classes: Sequence[str], shares: Sequence[Mapping[str, float]], looks: Sequence[Look]
) -> None:
    """Some classes from top to bottom: a point a scheme, and a line from the least to the greatest."""
    from matplotlib.ticker import MaxNLocator

    values = [[share[name] for share in shares if name in share] for name in classes]
    axes.hlines(range(len(classes)), list(map(min, values)), list(map(max, values)), "#999999", lw=0.6)
    for i, (share, style) in enumerate(zip(shares, looks, strict=True)):
        shift = (i - (len(shares) - 1) / 2) * 0.75 / len(shares)  # equal accuracies stay apart
        y = [place + shift for place in range(len(classes))]
        axes.plot([share.get(name, math.nan) for name in classes], y, **style.point, markersize=3, clip_on=False)
    axes.set_yticks(range(len(classes)), [class_title(name) for name in classes])
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x")
    axes.set_xlabel("clips of the class that are right (%)")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))


ARTEFACT = Artefact("per_class", "Accuracy of each class", "figure", draw)
