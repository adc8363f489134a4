"""Paired differences between the schemes, on the same folds and seeds."""

import math
from typing import Any

from soundclr.report import style
from soundclr.report.accuracy import number
from soundclr.report.artefact import Artefact
from soundclr.report.artefacts.tables.comparison import compare
from soundclr.report.collect import Collection
from soundclr.report.intervals import INTERVALS

LAST: dict[str, Any] = {**style.MEAN, "marker": "s", "mec": "black", "mfc": "white", "mew": 0.8, "markersize": 3}


def draw(collection: Collection, dataset: str) -> style.Drawing | None:
    """Two schemes a row: a point a fold and seed, and the means at both epochs with their intervals."""
    best, last = (compare(collection, dataset, protocol) for protocol in ("best_epoch", "last_epoch"))
    if not best:
        return None
    figure = style.new_figure(style.COLUMN, 0.8 + 0.45 * len(best))
    axes = figure.subplots()
    axes.axvline(0, color="black", linewidth=0.6)
    for place, (pair, later) in enumerate(zip(best, last, strict=True)):
        style.draw_strip(axes, place, pair.differences, style.look(collection, pair.first))
        style.draw_interval(axes, place + 0.14, pair.mean, style.MEAN)
        style.draw_interval(axes, place + 0.32, later.mean, LAST)
    labels = [f"{collection.scheme(pair.first)}\n− {collection.scheme(pair.second)}" for pair in best]
    style.label_rows(axes, labels, [number(pair.mean.mean, sign=True) for pair in best])
    axes.set_xlabel("difference (percentage points)")
    style.add_legend(figure, [style.handle("mean, best epoch", **style.MEAN), style.handle("mean, last epoch", **LAST)])
    text = "Paired differences of two schemes' accuracies: at the best epoch a point a fold and seed that both have"
    text += ", their mean (in numbers at the right), and the mean at the last epoch"
    text += "" if all(math.isnan(pair.mean.bar) for pair in best) else f"; bars: {INTERVALS}"
    return style.Drawing(figure, f"{text}. Right of the line the first of the two is better.")


ARTEFACT = Artefact("comparison", "Paired comparison", "figure", draw, schemes=2)
