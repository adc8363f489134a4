"""What the tests of figures look at: a figure's text and error bars, and the accuracies that it should show."""

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from soundclr.report.catalogue import ARTEFACTS
from soundclr.report.collect import Collection
from soundclr.report.style import Drawing

LADDER = [
    *("scratch_1_channel", "scratch_3_channels", "pretrained_1_channel", "pretrained_3_channels"),
    *("masks_f0_t0", "cross_entropy"),
]
INNER = ["cross_entropy_inner", "supervised_contrastive_inner", "hybrid_inner"]
SCHEMES = ["cross_entropy", "supervised_contrastive", "hybrid"]

FIGURES = {
    artefact.name: artefact
    for artefact in ARTEFACTS
    if artefact.kind == "figure" and artefact.paper in (None, "soundclr")  # other papers' have runs of their own
}

Drawn = Callable[[str, str], Drawing]


def dataset_of(collection: Collection) -> str:
    return collection.params.studies[collection.study].datasets[0]


def accuracies(collection: Collection, recipe: str, epoch: str = "best_epoch") -> dict[int, list[float]]:
    """Fold -> accuracies (%) of its seeds, read from the run folders' metrics."""
    found = defaultdict(list)
    for run, result in collection.found.items():
        if run.recipe == recipe:
            found[run.fold].append(100 * getattr(result.metrics.accuracy, epoch))
    return found


def mean_of_folds(by_fold: dict[int, list[float]]) -> tuple[float, float]:
    """Mean over folds, each the mean of its seeds, and half its 95 % interval, which two folds do not show."""
    folds = [sum(values) / len(values) for values in by_fold.values()]
    mean = sum(folds) / len(folds)
    if len(folds) == 2:
        return mean, math.nan
    assert len(folds) == 3
    variance = sum((value - mean) ** 2 for value in folds) / 2
    return mean, 4.30265 * math.sqrt(variance / 3)  # Student's t of two degrees of freedom


def bars(axes: Axes, axis: int) -> list[tuple[float, float, str]]:
    """What error bars show: (value, half of the bar's length, colour), in the order drawn; axis 0 is across."""
    found = []
    for container in axes.containers:
        line, _, (segments,) = container.lines
        for place, segment in zip(line.get_xydata(), segments.get_segments(), strict=False):
            half = (segment[1][axis] - segment[0][axis]) / 2 if len(segment) else math.nan
            found.append((float(place[axis]), float(half), line.get_color()))
    return found


def texts(figure: Figure) -> list[Text]:
    """All text that is drawn; a tick outside of its axis keeps a label that is not."""
    unseen = set()
    for axis in itertools.chain(*((axes.xaxis, axes.yaxis) for axes in figure.axes)):
        low, high = sorted(axis.get_view_interval())
        unseen |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
        unseen |= {tick.label1 for tick in axis.get_minor_ticks()}
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in found if text not in unseen]


def noise_accuracies(
    results: Path, study: str, recipe: str
) -> dict[tuple[str, float | None, float | None], dict[int, list]]:
    """(noise, sigma, ratio) -> fold -> accuracies (%), read from the evaluations by hand."""
    found: dict = defaultdict(lambda: defaultdict(list))
    for path in (results / study / "evaluations").glob(f"*/{recipe}-*/*/*/evaluation.json"):
        content = json.loads(path.read_text())
        for row in content["accuracy"]:
            found[row["noise"], row["sigma"], row["snr_db"]][content["fold"]].append(100 * row["accuracy"])
    return found
