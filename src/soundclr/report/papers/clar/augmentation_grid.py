"""Which augmentations teach best: self-supervised training with one, on the diagonal, or two after each other."""

import math

from soundclr.report.accuracy import by_fold
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.papers.clar import PAPER
from soundclr.report.style import COLUMN, Drawing, new_figure

KEY = "augmentation_grid"


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """Rows are the first augmentation of the first stage, columns the second; shades and numbers are accuracies."""
    import numpy as np

    cells = {}
    for recipe in collection.recipes_of(KEY):
        names = names_of(collection, dataset, recipe)
        if 1 <= len(names) <= 2 and (found := collection.of(dataset, recipe, KEY)):
            cells[names[0], names[-1]] = by_fold(found, "last_epoch").mean
    if not cells:
        return None
    # In the order in which they are applied: each after those that it is a second of.
    singles = [names_of(collection, dataset, recipe) for recipe in collection.recipes_of(KEY)]
    order = list(dict.fromkeys([*(name for names in singles if len(names) == 1 for name in names), *sum(cells, ())]))
    values = np.full((len(order), len(order)), math.nan)
    for (first, second), value in cells.items():
        values[order.index(first), order.index(second)] = value
    figure = new_figure(COLUMN, 0.9 + 0.36 * len(order))
    axes = figure.subplots()
    image = axes.imshow(values, cmap="Blues")
    middle = (np.nanmin(values) + np.nanmax(values)) / 2
    for (row, column), value in np.ndenumerate(values):
        if not math.isnan(value):
            shade = "white" if value > middle else "black"
            weight = "bold" if value == np.nanmax(values) else "normal"
            axes.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=6, color=shade, weight=weight)
    labels = [name.replace("_", " ") for name in order]
    axes.set_xticks(range(len(order)), labels, rotation=40, ha="right")
    axes.set_yticks(range(len(order)), labels)
    axes.set_xlabel("second augmentation")
    axes.set_ylabel("first augmentation")
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.7)
    bar.set_label("accuracy (%)")
    text = "Held-out accuracy after the last epoch, mean over folds, of a probe of encoders that two views by these "
    text += "augmentations taught: one alone on the diagonal, else first the row's, then the column's"
    return Drawing(figure, f"{text}; bold: the best.")


def names_of(collection: Collection, dataset: str, recipe: str) -> list[str]:
    """The augmentations of a recipe's first stage, in the order in which they are applied."""
    settings = collection.params.resolve(collection.study, dataset, recipe)
    return [choice.name for choice in settings.stages[0].augment]


ARTEFACT = Artefact(KEY, "Augmentations", "figure", draw, runs=KEY, paper=PAPER)
