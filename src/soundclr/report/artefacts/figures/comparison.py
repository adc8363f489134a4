"""Paired differences between the schemes, on the same folds and seeds."""

import math
from collections.abc import Sequence
from typing import Any

from soundclr.report import style
from soundclr.report.accuracy import number
from soundclr.report.artefact import Artefact
from soundclr.report.artefacts.tables.comparison import Comparison, compare
from soundclr.report.collect import Collection
from soundclr.report.intervals import INTERVALS

LAST: dict[str, Any] = {**style.MEAN, "marker": "s", "mec": "black", "mfc": "white", "mew": 0.8, "markersize": 3}
MOST_PAIRS = 6
"""Those of four schemes: more make a figure longer than a page, and the table has them all."""


def shown(pairs: Sequence[Comparison]) -> list[Comparison]:
    """All pairs, or where they are too many, those with the study's first scheme."""
    return [pair for pair in pairs if len(pairs) <= MOST_PAIRS or pair.second == pairs[0].second]


def draw(collection: Collection, dataset: str) -> style.Drawing | None:
    """Two schemes a row: a point a fold and seed, and the means at both epochs with their intervals."""
    found, later = (compare(collection, dataset, protocol) for protocol in ("best_epoch", "last_epoch"))
    if not found:
        return None
    best, last = shown(found), shown(later)
    figure = style.new_figure(style.COLUMN, 0.8 + 0.45 * len(best))
    axes = figure.subplots()
    axes.axvline(0, color="black", linewidth=0.6)
    for place, (pair, at_last) in enumerate(zip(best, last, strict=True)):
        style.draw_strip(axes, place, pair.differences, style.look(collection, pair.first))
        style.draw_interval(axes, place + 0.14, pair.mean, style.MEAN)
        style.draw_interval(axes, place + 0.32, at_last.mean, LAST)
    labels = [f"{collection.scheme(pair.first)}\n− {collection.scheme(pair.second)}" for pair in best]
    style.label_rows(axes, labels, [number(pair.mean.mean, sign=True) for pair in best])
    axes.set_xlabel("difference (percentage points)")
    style.add_legend(figure, [style.handle("mean, best epoch", **style.MEAN), style.handle("mean, last epoch", **LAST)])
    text = "Paired differences of two schemes' accuracies: at the best epoch a point a fold and seed that both have"
    text += ", their mean (in numbers at the right), and the mean at the last epoch"
    text += "" if all(math.isnan(pair.mean.bar) for pair in best) else f"; bars: {INTERVALS}"
    text += ". Right of the line the first of the two is better"
    text += "" if len(best) == len(found) else f"; all {len(found)} pairs stand in the table"
    return style.Drawing(figure, f"{text}.")


ARTEFACT = Artefact("comparison", "Paired comparison", "figure", draw, schemes=2)
