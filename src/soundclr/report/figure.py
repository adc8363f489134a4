"""What figures are drawn with: rows with intervals, curves with a band or bars, a matrix, and a strip of points."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from soundclr.report.intervals import Mean
from soundclr.report.letters import legible
from soundclr.report.style import BARS, CHANCE, Style, handle


@dataclass(frozen=True)
class RowOfMeans:
    """A row of a figure: means with their intervals, each so far below the row's place, and points above them.

    ``number`` stands at the right.
    """

    label: str
    means: Sequence[tuple[float, Mean, Style]]
    points: Sequence[float] = ()
    look: Style = field(default_factory=dict)
    number: str = ""


def rows_with_intervals(axes: Axes, rows: Sequence[RowOfMeans], fontsize: float = 6.5) -> None:
    """The rows from top to bottom, their names on the left, and lines for the horizontal axis alone."""
    for place, row in enumerate(rows):
        if len(row.points):
            strip(axes, place, row.points, row.look)
        for below, mean, look in row.means:
            axes.errorbar(mean.mean, place + below, xerr=mean.bar, **look, **BARS, zorder=4)
        if row.number:
            beside: Style = {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": 6, "linespacing": 1.1}
            axes.text(1.02, place, row.number, **beside)
    axes.set_yticks(range(len(rows)), [legible(row.label) for row in rows], fontsize=fontsize)
    axes.set_ylim(len(rows) - 0.5, -0.65)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")


def strip(axes: Axes, place: int, values: Sequence[float], look: Style) -> None:
    """A row's values as points, equal ones piled up."""
    rounded = [round(value, 6) for value in values]
    step = min(0.09, 0.42 / max(Counter(rounded).values()))  # the highest pile stays in its row
    piled: Counter[float] = Counter()
    heights = []
    for value in rounded:
        heights.append(place - 0.05 - step * piled[value])
        piled[value] += 1
    axes.plot(rounded, heights, **look, markersize=2.6, alpha=0.7, zorder=3)


def curve(
    axes: Axes, x: ArrayLike, mean: ArrayLike, low: ArrayLike, high: ArrayLike, look: Style, bars: bool = False
) -> None:
    """Means against ``x``, and a band from ``low`` to ``high``, or ``bars``; nan where there is no interval."""
    if bars and not np.isnan(low).all():
        ends = np.array([np.subtract(mean, low), np.subtract(high, mean)])
        axes.errorbar(x, mean, ends, **look, **BARS)
        return
    axes.plot(x, mean, **look)
    if not bars:
        axes.fill_between(x, low, high, color=look["color"], alpha=0.15, linewidth=0)


def curve_of_means(axes: Axes, x: Sequence[float], means: Sequence[Mean], look: Style, bars: bool = False) -> None:
    """:func:`curve` of means and their intervals, without those that a figure does not show."""
    halves = [mean.bar if bars or not math.isnan(mean.bar) else 0.0 for mean in means]
    low, high = ([m.mean + sign * half for m, half in zip(means, halves, strict=True)] for sign in (-1, 1))
    curve(axes, x, [mean.mean for mean in means], low, high, look, bars)


def matrix(
    axes: Axes,
    values: NDArray[np.float64],
    texts: NDArray[np.str_],
    names: Sequence[str],
    norm: Normalize,
    dark: float,
    fontsize: float = 6,
    rotation: float = 90,
) -> AxesImage:
    """Shades of ``values``, with ``texts`` in its cells, white above ``dark``, and bold where it ends in ``*``.

    The image is for a colour bar.
    """
    image = axes.imshow(values, cmap="Blues", norm=norm)
    ticks: Style = {"rotation": rotation, "fontsize": 6, "ha": "right" if rotation < 90 else "center"}
    axes.set_xticks(range(len(names)), names, **ticks)
    axes.set_yticks(range(len(names)), names, fontsize=6)
    axes.tick_params(length=0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    for (row, column), text in np.ndenumerate(texts):
        if text:
            shade = "white" if values[row, column] > dark else "black"
            weight = "bold" if text.endswith("*") else "normal"
            place: Style = {"ha": "center", "va": "center", "fontsize": fontsize, "color": shade, "weight": weight}
            cell = axes.text(column, row, text.rstrip("*"), **place)
            cell.set_in_layout(False)  # inside its cell: measuring hundreds takes seconds
    return image


def draw_chance(axes: Axes, classes: int) -> Line2D:
    """A dashed line at the accuracy in percent that guessing one of the classes has, and its legend entry."""
    axes.axhline(100 / classes, **CHANCE)
    return handle(f"chance ({100 / classes:.3g} %)", **CHANCE)


def whole_numbers(axes: Axes) -> None:
    """Ticks of the horizontal axis at whole numbers, as epochs are."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def log_ticks(axes: Axes, values: Sequence[float], texts: Sequence[str]) -> None:
    """A logarithmic horizontal axis with ticks at these values alone."""
    axes.set_xscale("log")
    axes.set_xticks(values, texts)
    axes.minorticks_off()
