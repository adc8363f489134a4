"""Accuracy against the share of labels: whether joint training beats supervised training where labels are few."""

import math
from collections import defaultdict
from typing import Any

from soundclr.report.accuracy import by_fold
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.intervals import INTERVALS, Mean
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
    end_at_100,
    handle,
    new_figure,
)

KEY = "label_fractions"


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """A line a scheme through its shares of labels: accuracy after the last epoch, mean over folds."""
    lines: dict[str, dict[float, Mean]] = defaultdict(dict)
    kinds = of_all_labels(collection, dataset, KEY)
    shares = {one: collection.params.resolve(collection.study, dataset, one).labels for one in kinds}
    for recipe, share in sorted(shares.items(), key=lambda item: item[1]):
        if found := collection.of(dataset, recipe, KEY):
            lines[kinds[recipe]][share] = by_fold(found, "last_epoch")
    if not lines:
        return None
    figure = new_figure(COLUMN, 2.5)
    axes = figure.subplots()
    handles = []
    for place, (scheme, means) in enumerate(lines.items()):
        colour, marker, dashes = (of[place % len(of)] for of in (COLOURS, MARKERS, DASHES))
        style: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": dashes, "markersize": 3.5}
        apart = 1.03 ** (place - (len(lines) - 1) / 2)  # so that bars do not hide bars
        x, values = [100 * share * apart for share in means], list(means.values())
        axes.errorbar(x, [value.mean for value in values], [value.bar for value in values], **style, **BARS)
        handles.append(handle(collection.scheme(scheme), **style))
    axes.set_xscale("log")
    ticks = sorted({share for means in lines.values() for share in means})
    axes.set_xticks([100 * share for share in ticks], [f"{100 * share:g}" for share in ticks])
    axes.minorticks_off()
    axes.set_xlabel("share of labels (%)")
    axes.set_ylabel("accuracy (%)")
    end_at_100(axes, "y")
    add_legend(figure, handles)
    bars = any(not math.isnan(mean.bar) for means in lines.values() for mean in means.values())
    text = "Accuracy after the last epoch against the share of each class's labels that is learnt from: mean over folds"
    return Drawing(figure, f"{text}{f'; bars: {INTERVALS}' if bars else ''}.")


ARTEFACT = Artefact(KEY, "Shares of labels", "figure", draw, runs=KEY, paper=PAPER)
