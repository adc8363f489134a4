"""The paper's Figure 4: accuracy of each held-out fold, one colour and marker a scheme; with their mean and chance."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from soundclr.report.accuracy import PROTOCOLS, Protocol, by_fold, of_clips, points
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.intervals import ENOUGH, INTERVALS, OF_CLIPS, over_folds
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.papers.soundclr.table3 import paper_accuracy
from soundclr.report.run_results import RunResult
from soundclr.report.style import (
    BARS,
    GREY,
    PAGE,
    Axes,
    Drawing,
    Figure,
    add_legend,
    draw_chance,
    handle,
    look,
    new_figure,
)

NEAR = 12.0
"""Points between chance and the lowest value above which the axis is broken."""

PAPERS: dict[str, Any] = {"marker": "D", "linestyle": "", "mfc": "none", "mew": 0.8, "markersize": 4.6}
SINGLE: dict[str, Any] = {"linewidth": 2.2, "alpha": 0.25}
EPOCHS: dict[Protocol, str] = {"best_epoch": "best epoch", "last_epoch": "last epoch"}
FILL: dict[Protocol, dict[str, Any]] = {"best_epoch": {}, "last_epoch": {"mfc": "white"}}


class Point(NamedTuple):
    """A mean at a place on the horizontal axis, in percent, how far its bar goes down and up, and the seeds' values."""

    place: float
    mean: float
    down: float = math.nan
    up: float = math.nan
    seeds: Sequence[float] = ()
    one_run: bool = False


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """Each fold's mean over seeds at both epochs with its bar, and beside them the mean over folds and the paper's."""
    results = collection.of(dataset)
    if not results:
        return None
    folds = sorted({run.fold for run in collection.expected_of(dataset)})
    recipes = list(dict.fromkeys(result.run.recipe for result in results))
    width = 0.78 / len(recipes)
    shifts = {recipe: (i - (len(recipes) - 1) / 2) * width for i, recipe in enumerate(recipes)}
    found = {
        (recipe, protocol): list(points_of(collection, dataset, recipe, protocol, folds))
        for recipe in recipes
        for protocol in PROTOCOLS
    }
    paper = {recipe: value for recipe in recipes if (value := paper_accuracy(dataset, recipe).mean) is not None}
    shown = [point for scheme_points in found.values() for point in scheme_points]
    chance = 100 / len(results[0].metrics.classes)
    figure = new_figure(PAGE, 2.9)
    axes, lower = panels(figure, chance, lower_end(shown))
    for (recipe, protocol), scheme_points in found.items():
        aside = width * (0.2 if protocol == "last_epoch" else -0.2)
        draw_scheme(axes, scheme_points, shifts[recipe] + aside, look(collection, recipe).point | FILL[protocol])
    for recipe, value in paper.items():
        axes.plot(len(folds) + shifts[recipe], value, mec=look(collection, recipe).colour, **PAPERS, zorder=5)
    axes.axvline(len(folds) - 0.5, color=GREY, linewidth=0.6)
    guessing = draw_chance(lower, results[0])
    lower.set_xticks(range(len(folds) + 1), [*(f"fold {fold}" for fold in folds), "mean"])
    lower.tick_params(axis="x", length=0)
    lower.set_xlim(-0.5, len(folds) + 0.5)
    axes.set_ylabel("held-out accuracy (%)")
    handles = [handle(collection.scheme(one), markersize=3.8, **look(collection, one).point) for one in recipes]
    handles += [handle(EPOCHS[one], color=GREY, marker="o", linestyle="", markersize=3.8, **FILL[one]) for one in FILL]
    handles += [handle("the paper's", mec=GREY, **PAPERS)] if paper else []
    add_legend(figure, [*handles, guessing])
    return Drawing(figure, caption(shown, bool(paper), lower is not axes))


def points_of(
    collection: Collection, dataset: str, recipe: str, protocol: Protocol, folds: Sequence[int]
) -> Iterator[Point]:
    """A scheme's folds that have runs and, where all have, their mean."""
    results = collection.of(dataset, recipe)
    for place, fold in enumerate(folds):
        if of_fold := [result for result in results if result.run.fold == fold]:
            yield point_of(place, of_fold, protocol)
    mean = by_fold(results, protocol) if results else None
    if mean and len(folds) > 1 and list(mean.folds) == list(folds):
        yield Point(len(folds), mean.mean, mean.bar, mean.bar)


def point_of(place: float, results: Sequence[RunResult], protocol: Protocol) -> Point:
    """A fold's mean over seeds: its bar is of the seeds or, of a single run, of its clips."""
    values = [points(result, protocol) for result in results]
    if len(values) == 1:
        low, high = of_clips(results[0], protocol)
        return Point(place, values[0], values[0] - low, high - values[0], one_run=True)
    mean = over_folds((results[0].run.fold, value) for value in values)
    return Point(place, mean.mean, mean.bar, mean.bar, values)


def panels(figure: Figure, chance: float, low: float) -> tuple[Axes, Axes]:
    """The axes of accuracies from ``low`` on and those of the chance line: the same, or below a break if it is far."""
    if chance > low - NEAR:
        axes = figure.subplots()
        axes.set_ylim(max(min(low, chance - 5), -0.5), 100.5)
        return axes, axes
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[8, 1])
    above.set_ylim(low, 100.5)
    below.set_ylim(0, 2 * chance)
    below.set_yticks([chance], [f"{chance:.3g}"])
    above.spines["bottom"].set_visible(False)
    above.tick_params(axis="x", length=0, labelbottom=False)
    for axes, end in ((above, 0), (below, 1)):
        marks: dict[str, Any] = {"marker": [(-1, -0.6), (1, 0.6)], "markersize": 5, "linestyle": "", "color": "black"}
        axes.plot([0], [end], transform=axes.transAxes, clip_on=False, **marks)
    return above, below


def draw_scheme(axes: Axes, scheme_points: Sequence[Point], aside: float, style: dict[str, Any]) -> None:
    """A scheme's points at one epoch, ``aside`` from their places, so that none hides another."""
    style = style | {"mec": style["color"], "mew": 0.7, "markersize": 3.4}
    for point in scheme_points:
        at = point.place + aside
        axes.plot([at] * len(point.seeds), point.seeds, **style | {"markersize": 1.6, "alpha": 0.45}, zorder=2)
        if point.one_run:
            axes.vlines(at, point.mean - point.down, point.mean + point.up, style["color"], **SINGLE, zorder=3)
        axes.errorbar(at, point.mean, math.nan if point.one_run else point.up, **style, **BARS, zorder=4)


def lower_end(shown: Sequence[Point]) -> float:
    """Where the axis of accuracies begins: below every point, and below bars that are not longer than ten points."""
    lowest = min(min([point.mean, *point.seeds]) for point in shown)
    ends = [point.mean - point.down for point in shown if not math.isnan(point.down)]
    return max(min([lowest, *ends]) - 1, lowest - 10)


def caption(shown: Sequence[Point], with_paper: bool, broken: bool) -> str:
    """What is drawn."""
    text = "Accuracy on each held-out fold and the mean of all folds, at the best epoch (filled) and the last (open)"
    several = max((len(point.seeds) for point in shown), default=0)
    text += "; small: seeds, large: their mean" if several else ""
    text += "; bars of folds: 95 % intervals (Student's t over seeds)" if several >= ENOUGH else ""
    if any(point.one_run for point in shown):
        text += f"; broad bars: {OF_CLIPS}"
    if any(not math.isnan(point.up) and not point.one_run and not point.seeds for point in shown):
        text += f"; bar of the mean: {INTERVALS}"
    text += "; diamonds: the paper's means (Table III)" if with_paper else ""
    return f"{text}; dashed: chance{', below a break of the axis' if broken else ''}."


ARTEFACT = Artefact("figure4", "Figure 4", "figure", draw, paper=PAPER)
