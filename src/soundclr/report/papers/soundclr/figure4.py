"""The paper's Figure 4: accuracy of each held-out fold, one colour and marker a scheme."""

import math
from collections.abc import Sequence
from typing import Any

from soundclr.report.accuracy import at_places
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.intervals import ENOUGH, over_folds
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.style import COLUMN, Axes, Drawing, Look, add_legend, end_at_100, handle, look, new_figure


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """Best-epoch accuracy against fold: a point a seed, their mean, and its 95 % interval."""
    results = collection.of(dataset)
    if not results:
        return None
    figure = new_figure(COLUMN, 2.3)
    axes = figure.subplots()
    folds = sorted({run.fold for run in collection.expected_of(dataset)})
    recipes = list(dict.fromkeys(result.run.recipe for result in results))
    width = 0.72 / len(recipes)
    handles, least, most = [], 100.0, 1
    for i, recipe in enumerate(recipes):
        accuracies = at_places(collection.of(dataset, recipe))
        by_fold = [[value for (at, _), value in accuracies.items() if at == fold] for fold in folds]
        style = look(collection, recipe)
        draw_scheme(axes, by_fold, (i - (len(recipes) - 1) / 2) * width, width, style)
        least = min([least, *accuracies.values()])
        most = max([most, *map(len, by_fold)])
        handles.append(handle(style.title, markersize=3.8, color=style.colour, marker=style.marker))
    axes.set_xticks(range(len(folds)), [str(fold) for fold in folds])
    axes.set_xlim(-0.5, len(folds) - 0.5)
    axes.set_ylim(max(axes.get_ylim()[0], least - 10))
    end_at_100(axes, "y")
    axes.set_xlabel("held-out fold")
    axes.set_ylabel("accuracy at the best epoch (%)")
    axes.tick_params(axis="x", length=0)
    add_legend(figure, handles)
    text = "Accuracy on each held-out fold at the best epoch"
    if most == 1:
        return Drawing(figure, f"{text}, one seed.")
    interval = ", and its 95 % interval (Student's t over seeds)" if most >= ENOUGH else ""
    return Drawing(figure, f"{text}: seeds (small), their mean (large){interval}.")


def draw_scheme(axes: Axes, by_fold: Sequence[Sequence[float]], shift: float, width: float, look: Look) -> None:
    """One scheme's accuracies of each fold, ``shift`` beside it, so that no scheme hides another."""
    style: dict[str, Any] = {"color": look.colour, "marker": look.marker}
    x = [place + shift for place in range(len(by_fold))]
    means = [over_folds((place, value) for value in values) if values else None for place, values in enumerate(by_fold)]
    centres = [mean.mean if mean else math.nan for mean in means]
    axes.plot(x, centres, color=look.colour, linewidth=0.7, alpha=0.5, zorder=2)
    axes.plot(x, centres, linestyle="", markersize=3.8, mew=0, zorder=4, **style)
    for at, values, mean in zip(x, by_fold, means, strict=True):
        if len(values) > 1:
            seeds = [at + 0.3 * width] * len(values)
            axes.plot(seeds, values, linestyle="", markersize=1.9, alpha=0.6, mew=0, zorder=3, **style)
        if mean:
            axes.errorbar(at, mean.mean, mean.bar, color=look.colour, linewidth=0.8, capsize=1.5)


ARTEFACT = Artefact("figure4", "Figure 4", "figure", draw, paper=PAPER)
