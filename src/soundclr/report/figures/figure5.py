"""The paper's Figure 5: accuracy against the strength of white noise."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from soundclr.report.collect import Collection
from soundclr.report.figures.evaluated import by_recipe
from soundclr.report.figures.style import BARS, COLUMN, add_legend, end_at_100, look
from soundclr.report.intervals import INTERVALS, over_folds
from soundclr.report.tables import Row
from soundclr.report.tables.robustness import Heard, accuracy


def draw(collection: Collection, dataset: str, rows: Sequence[Row]) -> tuple[Figure, str] | None:
    """A line a scheme through its means; the strengths stand evenly, for they span decades."""
    sigmas = sorted(collection.params.evaluation.sigmas)
    evaluations = by_recipe(collection, dataset)
    if not evaluations:
        return None
    figure = Figure(figsize=(COLUMN, 2.3))
    axes = figure.subplots()
    handles = []
    bars = False
    for i, (recipe, found) in enumerate(evaluations.items()):
        means = []
        for sigma in sigmas:
            heard = Heard("white", sigma=sigma)
            means.append(over_folds((evaluation.run.fold, accuracy(evaluation, heard)) for evaluation in found))
        style = look(collection, recipe)
        x = np.arange(len(sigmas)) + (i - (len(evaluations) - 1) / 2) * 0.08  # apart, so that bars do not hide bars
        axes.errorbar(
            x,
            [mean.mean for mean in means],
            [mean.bar for mean in means],
            **style.line,
            **BARS,
            markersize=3.5,
        )
        bars = bars or not math.isnan(means[0].bar)
        handles.append(Line2D([], [], label=style.title, **style.line, markersize=3.5))
    axes.set_xticks(range(len(sigmas)), [power(sigma) for sigma in sigmas], parse_math=True)
    axes.set_xlim(-0.4, len(sigmas) - 0.6)
    axes.set_xlabel("standard deviation of white noise on waveforms in [−1, 1]")
    axes.set_ylabel("accuracy (%)")
    end_at_100(axes, "y")
    add_legend(figure, handles)
    text = "Accuracy of the last epoch's models against white noise, the same noise for every scheme: mean over folds"
    return figure, f"{text}{f'; bars: {INTERVALS}' if bars else ''}."


def power(value: float) -> str:
    """A strength of noise as a tick shows it: 5·10⁻⁴."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = f"{value / 10**exponent:.3g}"
    ten = f"10^{{{exponent}}}"
    return f"${ten}$" if factor == "1" else f"${factor}\\cdot{ten}$"
