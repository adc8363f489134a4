"""How far choosing the epoch on the held-out fold flatters each scheme."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from soundclr.report.accuracy import Protocol, covered, number, points
from soundclr.report.collect import Collection, RunResult
from soundclr.report.figures.strips import MEAN, draw_interval, draw_strip, label_rows
from soundclr.report.figures.style import BARS, COLUMN, end_at_100, look
from soundclr.report.intervals import INTERVALS, Mean, over_folds
from soundclr.report.tables import Row
from soundclr.report.tables.protocols import gains, inner_recipes

PROTOCOLS: dict[str, dict[str, Any]] = {
    "best epoch": {"marker": "o"},
    "last epoch": {"marker": "s", "mfc": "white"},
    "inner fold's epoch": {"marker": "D"},
}
"""How the epoch is chosen, and the marker of that."""

STYLE: dict[str, Any] = {"linestyle": "", "markersize": 3.6, "mew": 0.8}


def draw(collection: Collection, dataset: str, rows: Sequence[Row]) -> tuple[Figure, str] | None:
    """Above, a point a run: best minus last epoch. Below, where an inner fold chose as well: the three means."""
    study = collection.params.studies[collection.study]
    found = {recipe: results for recipe in study.recipes if (results := collection.of(dataset, recipe))}
    if not found:
        return None
    inner = {base: recipe for recipe, base in inner_recipes(collection, dataset).items()}
    protocols = {
        recipe: means
        for recipe in found
        if recipe in inner and (means := protocol_means(collection, dataset, recipe, inner[recipe]))
    }
    heights = [0.4 * len(found) + 0.2, 0.4 * len(protocols) + 0.1]
    figure = Figure(figsize=(COLUMN, 0.4 + heights[0] + (0.5 + heights[1] if protocols else 0)))
    above, *below = figure.subplots(2, 1, height_ratios=heights) if protocols else [figure.subplots()]
    bars = False
    numbers = []
    for place, (recipe, results) in enumerate(found.items()):
        folds = [result.run.fold for result in results]
        mean = over_folds(zip(folds, gains(results), strict=True))
        bars = bars or not math.isnan(mean.bar)
        draw_strip(above, place, gains(results), look(collection, recipe))
        draw_interval(above, place + 0.22, mean, MEAN)
        numbers.append(number(mean.mean, sign=True))
    label_rows(above, [title(collection, recipe) for recipe in found], numbers)
    above.axvline(0, color="black", linewidth=0.6)
    above.set_xlabel("best minus last epoch (percentage points)")
    for axes in below:
        draw_protocols(axes, collection, protocols)
    text = "What choosing the epoch on the held-out fold adds to the last epoch's accuracy: a point a run"
    text += f", the mean in black and in numbers{f'; bars: {INTERVALS}' if bars else ''}"
    if protocols:
        text += (
            "; below, the folds and seeds where an inner fold chose the epoch as well, for which the held-out fold is "
            "looked at once, but one fold less is learned from ("
        )
        asked = collection.expected_of(dataset, artefact="protocols")
        text += f"{covered(len(collection.done(asked)), len(asked))} with an inner fold)"
    return figure, f"{text}."


def draw_protocols(axes: Axes, collection: Collection, protocols: dict[str, list[Mean]]) -> None:
    """The mean accuracy of each scheme by how its epoch was chosen."""
    for place, (recipe, means) in enumerate(protocols.items()):
        colour = look(collection, recipe).colour
        for shift, mean, style in zip((-0.22, 0.0, 0.22), means, PROTOCOLS.values(), strict=True):
            axes.errorbar(mean.mean, place + shift, xerr=mean.bar, color=colour, **style, **STYLE, **BARS)
    label_rows(axes, [title(collection, recipe) for recipe in protocols])
    axes.set_xlabel("accuracy (%)")
    end_at_100(axes, "x")
    handles = [Line2D([], [], label=name, color="#444444", **style, **STYLE) for name, style in PROTOCOLS.items()]
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, columnspacing=1, handlelength=1)


def protocol_means(collection: Collection, dataset: str, recipe: str, inner: str) -> list[Mean]:
    """Mean accuracies at the best, the last and the inner fold's epoch, of folds and seeds that have all; else none."""
    own = {(r.run.fold, r.run.seed): r for r in collection.of(dataset, recipe)}
    other = {(r.run.fold, r.run.seed): r for r in collection.shown("protocols", dataset, inner)}
    common = [place for place in own if place in other]

    def mean(results: dict[tuple[int, int], RunResult], protocol: Protocol) -> Mean:
        return over_folds((place[0], points(results[place], protocol)) for place in common)

    return [mean(own, "best_epoch"), mean(own, "last_epoch"), mean(other, "best_epoch")] if common else []


def title(collection: Collection, recipe: str) -> str:
    """A scheme's name on two lines, where it has two words."""
    return look(collection, recipe).title.replace(" ", "\n", 1)
