"""The parts of figures: rows with intervals, curves with a band or bars, a matrix, and a strip of points."""

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
    """A row of a figure: points and, below them, means with their intervals.

    ``means``: for each how far it is below the row's centre, the mean, and its look. ``look``: of the points.
    ``number``: a text at the right.
    """

    label: str
    means: Sequence[tuple[float, Mean, Style]]
    points: Sequence[float] = ()
    look: Style = field(default_factory=dict)
    number: str = ""


def rows_with_intervals(axes: Axes, rows: Sequence[RowOfMeans], fontsize: float = 6.5) -> None:
    """Draw rows from top to bottom, their names on the left; the grid has vertical lines only."""
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
    """Draw a row's values as points; equal ones are piled up."""
    rounded = [round(value, 6) for value in values]
    step = min(0.09, 0.42 / max(Counter(rounded).values()))  # the highest pile stays in its row
    piled: Counter[float] = Counter()
    heights = []
    for value in rounded:
        heights.append(place - 0.05 - step * piled[value])
        piled[value] += 1
    axes.plot(rounded, heights, **look, markersize=2.6, alpha=0.7, zorder=3)


def curve(axes: Axes, x: ArrayLike, mean: ArrayLike, low: ArrayLike, high: ArrayLike, look: Style) -> None:
    """Draw means against ``x`` with a band from ``low`` to ``high``."""
    axes.plot(x, mean, **look)
    axes.fill_between(x, low, high, color=look["color"], alpha=0.15, linewidth=0)


def curve_of_means(axes: Axes, x: Sequence[float], means: Sequence[Mean], look: Style, bars: bool = False) -> None:
    """Draw means against ``x`` with a band, or with ``bars``; intervals of too few values are left out."""
    values, halves = np.array([mean.mean for mean in means]), np.array([mean.bar for mean in means])
    if bars and not np.isnan(halves).all():
        axes.errorbar(x, values, halves, **look, **BARS)
    elif bars:
        axes.plot(x, values, **look)
    else:
        halves = np.nan_to_num(halves)
        curve(axes, x, values, values - halves, values + halves, look)


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
    """Draw shades of ``values`` and ``texts`` in the cells; return the image, which a colour bar needs.

    A text is white where its value is above ``dark``, and bold where it ends in ``*``.
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
    """Draw a dashed line at the accuracy of guessing one of the classes; return its legend entry."""
    axes.axhline(100 / classes, **CHANCE)
    return handle(f"chance ({100 / classes:.3g} %)", **CHANCE)


def whole_numbers(axes: Axes) -> None:
    """Put the ticks of the horizontal axis at whole numbers, such as epochs."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
