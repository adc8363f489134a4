"""Accuracy against the ratio of signal to noise, for each colour of noise."""

import math
from collections.abc import Sequence
from typing import Any

from soundclr.evaluation.conditions import Noise
from soundclr.report.artefact import EVALUATED, Artefact
from soundclr.report.artefacts.tables.robustness import accuracy, by_recipe, number_of_db
from soundclr.report.collect import Collection
from soundclr.report.evaluations import Evaluation
from soundclr.report.intervals import INTERVALS, Mean, over_folds
from soundclr.report.style import COLUMN, Axes, Drawing, add_legend, end_at_100, handle, look, new_figure


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """A panel a colour of noise, louder to the right; the legend has the areas under the curves."""
    settings = collection.params.evaluation
    ratios = sorted(settings.snr, reverse=True)
    evaluations = by_recipe(collection, dataset)
    if not evaluations:
        return None
    figure = new_figure(COLUMN, 2.2 + 0.13 * len(evaluations))
    panels = figure.subplots(1, len(settings.noises), sharey=True, squeeze=False)[0]
    handles = []
    bands = False
    for recipe, found in evaluations.items():
        line = look(collection, recipe).line | {"markersize": 3}
        areas = []
        for axes, colour in zip(panels, settings.noises, strict=True):
            means = [mean_under(found, Noise(colour, snr_db=ratio)) for ratio in ratios]
            draw_curve(axes, ratios, means, line)
            areas.append(f"{mean_under(found, Noise(colour)).mean:.1f} {colour}")
            bands = bands or not math.isnan(means[0].bar)
        handles.append(handle(f"{collection.scheme(recipe)} (area {', '.join(areas)})", **line))
    for axes, colour in zip(panels, settings.noises, strict=True):
        axes.set_title(f"{colour} noise")
        axes.set_xticks(ratios, [number_of_db(ratio) for ratio in ratios])
        axes.set_xlabel("signal to noise (dB)")
        axes.invert_xaxis()
    panels[0].set_ylabel("accuracy (%)")
    end_at_100(panels[0], "y")
    add_legend(figure, handles)
    text = "Accuracy of the last epoch's models against the ratio of a clip's power to the noise's: mean over folds"
    text += f", bands: {INTERVALS}" if bands else ""
    text += "; area: under the curve, divided by the range of dB, so that it is a mean accuracy (%)"
    return Drawing(figure, f"{text}.")


def mean_under(found: Sequence[Evaluation], noise: Noise) -> Mean:
    """The mean accuracy of some runs under a noise."""
    return over_folds((evaluation.run.fold, accuracy(evaluation, noise)) for evaluation in found)


def draw_curve(axes: Axes, ratios: Sequence[float], means: Sequence[Mean], line: dict[str, Any]) -> None:
    """Means against their ratios, with a band for their intervals."""
    halves = [0.0 if math.isnan(mean.bar) else mean.bar for mean in means]
    low, high = ([mean.mean + sign * half for mean, half in zip(means, halves, strict=True)] for sign in (-1, 1))
    axes.plot(ratios, [mean.mean for mean in means], **line)
    axes.fill_between(ratios, low, high, color=line["color"], alpha=0.15, linewidth=0)


ARTEFACT = Artefact("noise_snr", "Robustness to noise", "figure", draw, runs=EVALUATED)
