"""Accuracy against the ratio of signal to noise, for each colour of noise."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from soundclr.report.collect import Collection
from soundclr.report.figures.evaluated import by_recipe
from soundclr.report.figures.style import COLUMN, add_legend, end_at_100, look
from soundclr.report.intervals import INTERVALS, over_folds
from soundclr.report.tables import Row
from soundclr.report.tables.robustness import Heard, accuracy, number_of_db


def draw(collection: Collection, dataset: str, rows: Sequence[Row]) -> tuple[Figure, str] | None:
    """A panel a colour of noise, louder to the right; the legend has the areas under the curves."""
    settings = collection.params.evaluation
    ratios = sorted(settings.snr, reverse=True)
    evaluations = by_recipe(collection, dataset)
    if not evaluations:
        return None
    figure = Figure(figsize=(COLUMN, 2.2 + 0.13 * len(evaluations)))
    panels = figure.subplots(1, len(settings.noises), sharey=True, squeeze=False)[0]
    handles = []
    bands = False
    for recipe, found in evaluations.items():
        style = look(collection, recipe)
        areas = []
        for axes, noise in zip(panels, settings.noises, strict=True):
            means = [over_folds((e.run.fold, accuracy(e, Heard(noise, snr=ratio))) for e in found) for ratio in ratios]
            centre = np.array([mean.mean for mean in means])
            half = np.nan_to_num([mean.bar for mean in means])
            axes.plot(ratios, centre, **style.line, markersize=3)
            axes.fill_between(ratios, centre - half, centre + half, color=style.colour, alpha=0.15, linewidth=0)
            areas.append(f"{over_folds((e.run.fold, accuracy(e, Heard(noise))) for e in found).mean:.1f} {noise}")
            bands = bands or not math.isnan(means[0].bar)
        handles.append(Line2D([], [], label=f"{style.title} (area {', '.join(areas)})", **style.line, markersize=3))
    for axes, noise in zip(panels, settings.noises, strict=True):
        axes.set_title(f"{noise} noise")
        axes.set_xticks(ratios, [number_of_db(ratio) for ratio in ratios])
        axes.invert_xaxis()
    panels[0].set_ylabel("accuracy (%)")
    end_at_100(panels[0], "y")
    figure.supxlabel("signal to noise (dB), louder noise to the right", fontsize=7)
    add_legend(figure, handles)
    text = "Accuracy of the last epoch's models against the ratio of a clip's power to the noise's: mean over folds"
    text += f", bands: {INTERVALS}" if bands else ""
    text += "; area: under the curve, divided by the range of dB, so that it is a mean accuracy (%)"
    return figure, f"{text}."
