"""Rows of points from top to bottom, each with means and their intervals under it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from soundclr.report.figures.style import BARS, Look
from soundclr.report.intervals import Mean

MEAN: dict[str, Any] = {"color": "black", "marker": "d", "mec": "none", "markersize": 3.8, "linestyle": ""}
"""The look of a row's mean."""


def draw_strip(axes: Axes, place: int, values: Sequence[float], style: Look) -> None:
    """A row's values as points, equal ones piled up."""
    rounded = [round(value, 6) for value in values]
    step = min(0.09, 0.42 / max(Counter(rounded).values()))  # the highest pile stays in its row
    piled: Counter[float] = Counter()
    heights = []
    for value in rounded:
        heights.append(place - 0.05 - step * piled[value])
        piled[value] += 1
    axes.plot(rounded, heights, **style.point, markersize=2.6, alpha=0.7, zorder=3)


def draw_interval(axes: Axes, place: float, mean: Mean, style: dict[str, Any]) -> None:
    """A mean and, where it has one to show, its interval."""
    axes.errorbar(mean.mean, place, xerr=mean.bar, **style, **BARS, zorder=4)


def label_rows(axes: Axes, labels: Sequence[str], numbers: Sequence[str] = ()) -> None:
    """The rows' names on the left, their numbers on the right, and lines for the horizontal axis alone."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.65)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
    for place, number in enumerate(numbers):
        axes.text(1.02, place, number, transform=axes.get_yaxis_transform(), va="center", fontsize=6)
