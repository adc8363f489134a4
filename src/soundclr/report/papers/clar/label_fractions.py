"""Accuracy against the share of labels: whether joint training beats supervised training where labels are few."""

import math
from collections import defaultdict
from typing import Any

from soundclr.report.accuracy import Interval, by_fold, interval
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.papers.clar import PAPER
from soundclr.report.papers.clar.methods import of_all_labels
from soundclr.report.style import (
    BARS,
    COLOURS,
    COLUMN,
    DASHES,
    MARKERS,
    Drawing,
    add_legend,
    draw_chance,
    end_at_100,
    handle,
    new_figure,
)

KEY = "label_fractions"


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """A line a scheme through its shares of labels: accuracy after the last epoch, mean over folds."""
    lines: dict[str, dict[float, tuple[float, Interval | None]]] = defaultdict(dict)
    kinds = of_all_labels(collection, dataset, KEY)
    shares = {one: collection.params.resolve(collection.study, dataset, one).labels for one in kinds}
    for recipe, share in sorted(shares.items(), key=lambda item: item[1]):
        if found := collection.of(dataset, recipe, KEY):
            lines[kinds[recipe]][share] = (by_fold(found, "last_epoch").mean, interval(found, "last_epoch"))
    if not lines:
        return None
    figure = new_figure(COLUMN, 2.5)
    axes = figure.subplots()
    handles = []
    for place, (scheme, points) in enumerate(lines.items()):
        colour, marker, dashes = (of[place % len(of)] for of in (COLOURS, MARKERS, DASHES))
        style: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": dashes, "markersize": 3.5}
        apart = 1.03 ** (place - (len(lines) - 1) / 2)  # so that bars do not hide bars
        x = [100 * share * apart for share in points]
        y = [mean for mean, _ in points.values()]
        bars = [(mean - ends.low, ends.high - mean) if ends else (math.nan, math.nan) for mean, ends in points.values()]
        axes.errorbar(x, y, list(zip(*bars, strict=True)), **style, **BARS)
        handles.append(handle(collection.scheme(scheme), **style))
    handles.append(draw_chance(axes, collection.of(dataset, choice=KEY)[0]))
    axes.set_xscale("log")
    ticks = sorted({share for points in lines.values() for share in points})
    axes.set_xticks([100 * share for share in ticks], [f"{100 * share:g}" for share in ticks])
    axes.minorticks_off()
    axes.set_xlabel("share of labels (%)")
    axes.set_ylabel("accuracy (%)")
    end_at_100(axes, "y")
    add_legend(figure, handles)
    kinds_of_bar = sorted({ends.kind for points in lines.values() for _, ends in points.values() if ends})
    text = "Accuracy after the last epoch against the share of each class's labels that is learnt from: mean over folds"
    return Drawing(figure, f"{text}{''.join(f'; bars: {kind}' for kind in kinds_of_bar)}.")


ARTEFACT = Artefact(KEY, "Shares of labels", "figure", draw, runs=KEY, paper=PAPER)
