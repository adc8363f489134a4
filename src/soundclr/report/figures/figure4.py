"""The paper's Figure 4: accuracy of each held-out fold, one colour and marker a scheme."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from soundclr.report.collect import Collection
from soundclr.report.figures.style import COLUMN, add_legend, colour, end_at_100, marker
from soundclr.report.intervals import ENOUGH, over_folds
from soundclr.report.tables import Row


def draw(collection: Collection, dataset: str, rows: Sequence[Row]) -> tuple[Figure, str] | None:
    """Best-epoch accuracy against fold: a point a seed, their mean, and its 95 % interval."""
    if not collection.of(dataset):
        return None
    figure = Figure(figsize=(COLUMN, 2.3))
    axes = figure.subplots()
    folds = sorted({run.fold for run in collection.expected_of(dataset)})
    recipes = list(dict.fromkeys(r.run.recipe for r in collection.of(dataset)))
    order = collection.params.studies[collection.study].recipes
    width = 0.72 / len(recipes)
    handles, accuracies, most = [], [], 1
    for i, recipe in enumerate(recipes):
        place = order.index(recipe)
        shift = (i - (len(recipes) - 1) / 2) * width
        by_fold: dict[int, list[float]] = defaultdict(list)
        for result in collection.of(dataset, recipe):
            by_fold[result.run.fold].append(100 * result.metrics.accuracy.best_epoch)
        means = {fold: over_folds((fold, value) for value in values) for fold, values in by_fold.items()}
        centres = [means[fold].mean if fold in means else math.nan for fold in folds]
        x = np.arange(len(folds)) + shift
        style: dict[str, Any] = {"color": colour(place), "marker": marker(place)}
        axes.plot(x, centres, color=colour(place), linewidth=0.7, alpha=0.5, zorder=2)
        axes.plot(x, centres, linestyle="", markersize=3.8, mew=0, zorder=4, **style)
        for at, fold in zip(x, folds, strict=True):
            values = by_fold.get(fold, [])
            accuracies += values
            most = max(most, len(values))
            if len(values) > 1:
                seeds = [at + 0.3 * width] * len(values)
                axes.plot(seeds, values, linestyle="", markersize=1.9, alpha=0.6, mew=0, zorder=3, **style)
            if fold in means:
                bar = means[fold].bar
                axes.errorbar(at, means[fold].mean, bar, color=colour(place), linewidth=0.8, capsize=1.5)
        handles.append(Line2D([], [], label=collection.params.recipes[recipe].title, markersize=3.8, **style))
    axes.set_xticks(range(len(folds)), [str(fold) for fold in folds])
    axes.set_xlim(-0.5, len(folds) - 0.5)
    axes.set_ylim(max(axes.get_ylim()[0], min(accuracies) - 10))
    end_at_100(axes, "y")
    axes.set_xlabel("held-out fold")
    axes.set_ylabel("accuracy at the best epoch (%)")
    axes.tick_params(axis="x", length=0)
    add_legend(figure, handles)
    text = "Accuracy on each held-out fold at the best epoch"
    if most == 1:
        return figure, f"{text}, one seed."
    interval = ", and its 95 % interval (Student's t over seeds)" if most >= ENOUGH else ""
    return figure, f"{text}: seeds (small), their mean (large){interval}."
