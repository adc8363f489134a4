"""Figure 4: accuracy on each held-out fold, with the mean over folds and chance."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from pandas import DataFrame

from soundclr.report.collect import Collection
from soundclr.report.figure import draw_chance
from soundclr.report.frames import split
from soundclr.report.intervals import ENOUGH, INTERVALS, OF_CLIPS, PROTOCOLS, Protocol, at_places, interval, mean_of
from soundclr.report.papers.soundclr.reading import paper_accuracy
from soundclr.report.style import BARS, GREY, PAGE, Drawing, Style, add_legend, handle, look, new_figure
from soundclr.report.table import EPOCHS

NEAR = 12.0
"""Chance is drawn where it is at most so many points below the lowest value; else the caption alone has it."""

PAPERS: Style = {"marker": "D", "linestyle": "", "mfc": "none", "mew": 0.8, "markersize": 4.6}
SINGLE: Style = {"linewidth": 2.2, "alpha": 0.25}
FILL: dict[Protocol, Style] = {"best_epoch": {}, "last_epoch": {"mfc": "white"}}


class Point(NamedTuple):
    """A mean in percent at a place on the horizontal axis, the lengths of its bar, and the seeds' values."""

    place: float
    mean: float
    down: float = math.nan
    up: float = math.nan
    seeds: Sequence[float] = ()
    one_run: bool = False


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """Each fold's mean over seeds at both epochs, then the mean over folds and the paper's mean."""
    done = collection.done(dataset)
    if not len(done):
        return None
    folds = sorted(collection.asked_of(dataset)["fold"].unique())
    schemes = split(done, "recipe")
    looks = {recipe: look(collection, recipe) for recipe in schemes}
    width = 0.78 / len(schemes)
    shifts = {recipe: (i - (len(schemes) - 1) / 2) * width for i, recipe in enumerate(schemes)}
    found = {
        (recipe, protocol): list(points_of(schemes[recipe], protocol, folds))
        for recipe, protocol in itertools.product(schemes, PROTOCOLS)
    }
    paper = {recipe: value for recipe in schemes if (value := paper_accuracy(dataset, recipe)["mean"]) is not None}
    shown = [point for scheme_points in found.values() for point in scheme_points]
    classes = int(done["classes"].iloc[0])
    figure = new_figure(PAGE, 2.9)
    axes, chance = figure.subplots(), 100 / classes
    # Below all points, and at most ten points below for bars.
    lowest = min(min([point.mean, *point.seeds]) for point in shown)
    ends = [point.mean - point.down for point in shown if not math.isnan(point.down)]
    low = max(min([lowest, *ends]) - 1, lowest - 10)
    is_near = chance > low - NEAR
    axes.set_ylim(max(min(low, chance - 5), -0.5) if is_near else low, 100.5)
    for (recipe, protocol), scheme_points in found.items():
        aside = width * (0.2 if protocol == "last_epoch" else -0.2)
        draw_scheme(axes, scheme_points, shifts[recipe] + aside, looks[recipe].point | FILL[protocol])
    for recipe, value in paper.items():
        axes.plot(len(folds) + shifts[recipe], value, mec=looks[recipe].colour, **PAPERS, zorder=5, clip_on=False)
    columns = [f"fold {fold}" for fold in folds]
    if len(folds) > 1 or paper:
        columns.append("mean")
        axes.axvline(len(folds) - 0.5, color=GREY, linewidth=0.6)
    axes.set_xticks(range(len(columns)), columns)
    axes.tick_params(axis="x", length=0)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylabel="held-out accuracy (%)")
    grey: Style = {"color": GREY, "marker": "o", "linestyle": "", "markersize": 3.8}
    labels = {recipe: collection.label(recipe, dataset=dataset) for recipe in schemes}
    handles = [handle(labels[recipe], markersize=3.8, **one.point) for recipe, one in looks.items()]
    handles += [handle(EPOCHS[one], **grey, **FILL[one]) for one in FILL]
    handles += [handle("the paper's", mec=GREY, **PAPERS)] if paper else []
    add_legend(figure, [*handles, *([draw_chance(axes, classes)] if is_near else [])])
    bottom, top = axes.get_ylim()
    beyond = any(one.mean - one.down < bottom or one.mean + one.up > top for one in shown)
    cut = "; bars end at the edges of the axes" if beyond else ""
    return Drawing(figure, f"{caption(shown, bool(paper))}{cut}; chance is {chance:.3g} %.")


def points_of(done: DataFrame, protocol: Protocol, folds: Sequence[int]) -> Iterator[Point]:
    """A scheme's folds, each with a bar over its seeds or over a single run's clips; then their mean."""
    for place, fold in enumerate(folds):
        rows = done[done["fold"] == fold]
        values = at_places(rows, protocol)
        mean = mean_of(values)
        if len(rows) == 1:
            low, high, _ = interval(rows, protocol)
            yield Point(place, mean.mean, mean.mean - low, high - mean.mean, one_run=True)
        elif len(rows):
            yield Point(place, mean.mean, mean.bar, mean.bar, values.tolist())
    mean = mean_of(at_places(done, protocol))
    if len(folds) > 1 and list(mean.folds) == list(folds):
        yield Point(len(folds), mean.mean, mean.bar, mean.bar)


def draw_scheme(axes: Axes, scheme_points: Sequence[Point], aside: float, style: Style) -> None:
    """Draw a scheme's points at one epoch, ``aside`` from their places so that they do not overlap."""
    style = style | {"mec": style["color"], "mew": 0.7, "markersize": 3.4}
    for point in scheme_points:
        at = point.place + aside
        axes.plot([at] * len(point.seeds), point.seeds, **style | {"markersize": 1.6, "alpha": 0.45}, zorder=2)
        if point.one_run:
            axes.vlines(at, point.mean - point.down, point.mean + point.up, style["color"], **SINGLE, zorder=3)
        axes.errorbar(at, point.mean, math.nan if point.one_run else point.up, **style, **BARS, zorder=4)


def caption(shown: Sequence[Point], with_paper: bool) -> str:
    """The caption without its end, which names what is drawn."""
    text = "Accuracy on each held-out fold and the mean of all folds, at the best epoch (filled) and the last (open)"
    several = max((len(point.seeds) for point in shown), default=0)
    text += "; small: seeds, large: their mean" if several else ""
    text += "; bars of folds: 95 % intervals (Student's t over seeds)" if several >= ENOUGH else ""
    if any(point.one_run for point in shown):
        text += f"; broad bars: {OF_CLIPS}"
    if any(not math.isnan(point.up) and not point.one_run and not point.seeds for point in shown):
        text += f"; bar of the mean: {INTERVALS}"
    return f"{text}; diamonds: the paper's means (Table III)" if with_paper else text
