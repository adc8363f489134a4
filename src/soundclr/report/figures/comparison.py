"""Paired differences between the schemes, on the same folds and seeds."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from soundclr.report.accuracy import number
from soundclr.report.collect import Collection
from soundclr.report.figures.strips import MEAN, draw_interval, draw_strip, label_rows
from soundclr.report.figures.style import COLUMN, add_legend, look
from soundclr.report.intervals import INTERVALS
from soundclr.report.tables import Row
from soundclr.report.tables.comparison import compare

LAST: dict[str, Any] = {**MEAN, "marker": "s", "mec": "black", "mfc": "white", "mew": 0.8, "markersize": 3}


def draw(collection: Collection, dataset: str, rows: Sequence[Row]) -> tuple[Figure, str] | None:
    """Two schemes a row: a point a fold and seed, and the means at both epochs with their intervals."""
    best, last = (compare(collection, dataset, protocol) for protocol in ("best_epoch", "last_epoch"))
    if not best:
        return None
    figure = Figure(figsize=(COLUMN, 0.8 + 0.45 * len(best)))
    axes = figure.subplots()
    axes.axvline(0, color="black", linewidth=0.6)
    labels = []
    bars = False
    for place, (pair, later) in enumerate(zip(best, last, strict=True)):
        first, second = look(collection, pair.first), look(collection, pair.second)
        labels.append(f"{first.title}\n− {second.title}")
        draw_strip(axes, place, pair.differences, first)
        draw_interval(axes, place + 0.14, pair.mean, MEAN)
        draw_interval(axes, place + 0.32, later.mean, LAST)
        bars = bars or not math.isnan(pair.mean.bar)
    label_rows(axes, labels, [number(pair.mean.mean, sign=True) for pair in best])
    axes.set_xlabel("difference (percentage points)")
    handles = [Line2D([], [], label="mean, best epoch", **MEAN), Line2D([], [], label="mean, last epoch", **LAST)]
    add_legend(figure, handles)
    text = "Paired differences of two schemes' accuracies: at the best epoch a point a fold and seed that both have"
    text += ", their mean (in numbers at the right), and the mean at the last epoch"
    text += f"; bars: {INTERVALS}" if bars else ""
    return figure, f"{text}. Right of the line the first of the two is better."
