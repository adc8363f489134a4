"""Calibration: how often the most probable class is right, by how probable the network says that it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from soundclr.report import style
from soundclr.report.accuracy import number
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.run_results import RunResult

BINS = 10
"""Of equal width, from probability 0 to 1."""

FEWEST = 10
"""Clips that a bin has to have to be drawn."""

LARGEST = 45.0
"""The area of a point that all clips are in, in square points."""


@dataclass(frozen=True)
class Bin:
    """Clips whose most probable class is about as probable: its mean probability, and the share that is right."""

    probability: float
    right: float
    clips: int


def draw(collection: Collection, dataset: str) -> style.Drawing | None:
    """A line a scheme; the diagonal is a network that knows how much it knows."""
    found = {recipe: results for recipe in collection.recipes if (results := collection.of(dataset, recipe))}
    if not found:
        return None
    figure = style.new_figure(style.COLUMN, 3.1)
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], color="#888888", linewidth=0.6, linestyle=(0, (4, 2)))
    handles = []
    for recipe, results in found.items():
        look, bins = style.look(collection, recipe), bins_of(results)
        drawn = [one for one in bins if one.clips >= FEWEST]
        points = [100 * one.probability for one in drawn], [100 * one.right for one in drawn]
        axes.plot(*points, color=look.colour, linestyle=look.dashes, linewidth=0.8)
        clips = sum(one.clips for one in bins)
        areas = [max(2.0, LARGEST * one.clips / clips) for one in drawn]
        axes.scatter(*points, s=areas, color=look.colour, marker=look.marker, linewidths=0, zorder=3)
        handles.append(style.handle(f"{look.title}: {number(100 * error(bins))} points", **look.line, markersize=3))
    axes.set_xlabel("probability of the most probable class (%)")
    axes.set_ylabel("right (%)")
    axes.set(xlim=(0, 102), ylim=(0, 102))
    axes.grid(True)
    axes.set_aspect("equal")
    style.add_legend(figure, handles)
    return style.Drawing(
        figure,
        f"Calibration at the last epoch: held-out clips of all runs in {BINS} bins by the probability of their "
        f"most probable class; a point's area is the bin's share of the clips, and bins of less than {FEWEST} are left "
        "out. On the diagonal a network is right as often as it says. In the legend the expected calibration error, "
        "the mean distance from it over all bins by their clips.",
    )


def bins_of(results: Sequence[RunResult]) -> list[Bin]:
    """The bins that have clips, of the last epoch's probabilities of all runs."""
    import numpy as np

    tables = [result.at("last") for result in results]
    rows = [
        table[list(result.metrics.classes)].to_numpy(dtype=float) for result, table in zip(results, tables, strict=True)
    ]
    most = np.concatenate([part.max(axis=1) for part in rows])
    labels = [table["label"].to_numpy(dtype=int) for table in tables]
    right = np.concatenate([part.argmax(axis=1) == label for part, label in zip(rows, labels, strict=True)])
    places = np.minimum((most * BINS).astype(int), BINS - 1)
    return [
        Bin(float(most[chosen].mean()), float(right[chosen].mean()), int(chosen.sum()))
        for chosen in (places == place for place in np.unique(places))
    ]


def error(bins: Sequence[Bin]) -> float:
    """The expected calibration error (Guo et al. 2017, equation 3), from 0 to 1."""
    clips = sum(one.clips for one in bins)
    return sum(one.clips * abs(one.right - one.probability) for one in bins) / clips


ARTEFACT = Artefact("calibration", "Calibration", "figure", draw)
