"""The paper's Figure 5: accuracy against the strength of white noise."""

import math

from soundclr.evaluation.conditions import Noise
from soundclr.report.artefact import EVALUATED, Artefact
from soundclr.report.artefacts.tables.robustness import accuracy, by_recipe
from soundclr.report.collect import Collection
from soundclr.report.intervals import INTERVALS, over_folds
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.style import BARS, COLUMN, Drawing, add_legend, end_at_100, handle, look, new_figure


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """A line a scheme through its means; the strengths stand evenly, for they span decades."""
    sigmas = sorted(collection.params.evaluation.sigmas)
    evaluations = by_recipe(collection, dataset)
    if not evaluations:
        return None
    figure = new_figure(COLUMN, 2.3)
    axes = figure.subplots()
    handles = []
    bars = False
    for i, (recipe, found) in enumerate(evaluations.items()):
        noises = [Noise("white", sigma=sigma) for sigma in sigmas]
        means = [over_folds((one.run.fold, accuracy(one, noise)) for one in found) for noise in noises]
        line = look(collection, recipe).line | {"markersize": 3.5}
        shift = (i - (len(evaluations) - 1) / 2) * 0.08  # apart, so that bars do not hide bars
        x = [place + shift for place in range(len(sigmas))]
        axes.errorbar(x, [mean.mean for mean in means], [mean.bar for mean in means], **line, **BARS)
        bars = bars or not math.isnan(means[0].bar)
        handles.append(handle(collection.scheme(recipe), **line))
    axes.set_xticks(range(len(sigmas)), [power(sigma) for sigma in sigmas], parse_math=True)
    axes.set_xlim(-0.4, len(sigmas) - 0.6)
    axes.set_xlabel("standard deviation of white noise on waveforms in [−1, 1]")
    axes.set_ylabel("accuracy (%)")
    end_at_100(axes, "y")
    add_legend(figure, handles)
    text = "Accuracy of the last epoch's models against white noise, the same noise for every scheme: mean over folds"
    return Drawing(figure, f"{text}{f'; bars: {INTERVALS}' if bars else ''}.")


def power(value: float) -> str:
    """A strength of noise as a tick shows it: 5·10⁻⁴."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = f"{value / 10**exponent:.3g}"
    ten = f"10^{{{exponent}}}"
    return f"${ten}$" if factor == "1" else f"${factor}\\cdot{ten}$"


ARTEFACT = Artefact("figure5", "Figure 5", "figure", draw, runs=EVALUATED, paper=PAPER)
