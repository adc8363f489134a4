"""Accuracy against the budget: whether the contrastive schemes catch up where they train longer."""

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from soundclr.params.resolving import lineage
from soundclr.report.accuracy import by_fold, mean_of, paired
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.intervals import INTERVALS, Mean
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.papers.soundclr.table3 import paper_accuracy
from soundclr.report.run_results import RunResult
from soundclr.report.style import BARS, COLUMN, Axes, Drawing, Look, add_legend, look, new_figure

KEY = "budget_curve"

Budgets = dict[str, dict[int, list[RunResult]]]
"""A scheme's runs by the epochs of their first stage."""


def budgets(collection: Collection, dataset: str) -> Budgets:
    """The runs of each of the study's own schemes and of those that build on it, by epochs, the fewest first."""
    found: Budgets = defaultdict(lambda: defaultdict(list))
    runs = {result.run: result for choice in ("own", KEY) for result in collection.of(dataset, choice=choice)}
    for result in runs.values():
        before = lineage(collection.params.all_recipes, result.run.recipe)
        schemes = [recipe for recipe in collection.recipes if recipe in before]
        if schemes:  # the nearest of those that it builds on
            scheme = max(schemes, key=before.index)
            found[scheme][result.settings.stages[0].training.epochs].append(result)
    return {scheme: dict(sorted(found[scheme].items())) for scheme in collection.recipes if scheme in found}


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """Above, each scheme's accuracy after the last epoch; below, the last scheme's minus each other's."""
    lines = budgets(collection, dataset)
    if not lines:
        return None
    figure = new_figure(COLUMN, 3.6)
    above, below = figure.subplots(2, 1, sharex=True)
    handles = []
    for place, (scheme, found) in enumerate(lines.items()):
        style = look(collection, scheme)
        means = {epochs: by_fold(results, "last_epoch") for epochs, results in found.items()}
        handles.append(draw_line(above, means, style, 1.02 ** (place - 1)))
        theirs = paper_accuracy(dataset, scheme).mean
        if theirs is not None:
            above.axhline(theirs, color=style.colour, linewidth=0.8, linestyle=(0, (1, 2)))
    with_paper = paper_accuracy(dataset, collection.recipes[-1]).mean is not None
    above.set_ylabel("held-out accuracy (%)")
    last = collection.recipes[-1]
    for place, other in enumerate(recipe for recipe in lines if recipe != last and last in lines):
        pairs = {
            epochs: paired(results, lines[other][epochs], "last_epoch")
            for epochs, results in lines[last].items()
            if epochs in lines[other]
        }
        means = {epochs: mean_of(values) for epochs, values in pairs.items() if values}
        draw_line(below, means, look(collection, other), 1.02 ** (place - 1))
    below.axhline(0, color="black", linewidth=0.6)
    below.set_ylabel(f"{collection.scheme(last)}\nminus the other (points)")
    below.set_xscale("log")
    ticks = sorted({epochs for found in lines.values() for epochs in found})
    below.set_xticks(ticks, [str(epochs) for epochs in ticks])
    below.set_xlim(ticks[0] / 1.3, ticks[-1] * 1.3)
    below.minorticks_off()
    below.set_xlabel("epochs of the budget")
    add_legend(figure, handles)
    text = f"Accuracy after the last epoch against the budget, and {collection.scheme(last)} minus each other scheme"
    text += f"; bars: {INTERVALS}" if above.containers or below.containers else ""
    return Drawing(figure, f"{text}{'; dotted: the paper (Table III, 800 epochs)' if with_paper else ''}.")


def draw_line(axes: Axes, means: Mapping[int, Mean], style: Look, apart: float) -> Any:
    """Means with their bars through the budgets; ``apart`` moves them so that bars do not hide bars."""
    from soundclr.report.style import handle

    bars = [mean.bar for mean in means.values()]
    line = {**style.line, "markersize": 3.5}
    x, y = [epochs * apart for epochs in means], [mean.mean for mean in means.values()]
    if all(map(math.isnan, bars)):
        axes.plot(x, y, **line)
    else:
        axes.errorbar(x, y, bars, **line, **BARS)
    return handle(style.title, **line)


ARTEFACT = Artefact(KEY, "Budget curve", "figure", draw, runs=KEY, paper=PAPER)
