"""The look of all figures: a print column's width, colours for the colour-blind, and the same bytes each time."""

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from soundclr.machine.files import atomic_path
from soundclr.report.catalogue import FIGURE_FORMATS
from soundclr.report.collect import Collection
from soundclr.report.letters import FONT, LONGEST, legible

DPI = 300
COLUMN = 3.4  # inches: one column of a two-column page
PAGE = 7.0  # inches: both columns

Style = dict[str, Any]
"""Keyword arguments of matplotlib's plot."""

# Okabe and Ito's palette without yellow, which is too faint on white, and three of Tol's muted colours. The
# colour-blind can tell these ten apart, and each has a marker of its own.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255", "#999933", "#777777")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", "h")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1, 1, 1)))

BARS: Style = {"elinewidth": 0.8, "capsize": 1.5, "capthick": 0.8}
"""Keyword arguments of an error bar."""

GREY = "#444444"

BEST: Style = {"color": "black", "marker": "d", "mec": "none", "markersize": 3.8, "linestyle": ""}
LAST: Style = {**BEST, "marker": "s", "mec": "black", "mfc": "white", "mew": 0.8, "markersize": 3}
"""The looks of a row's mean at the best and the last epoch."""

CHANCE: Style = {"color": GREY, "linestyle": (0, (4, 2)), "linewidth": 0.8}
"""The look of the line at chance."""

SETTINGS: Style = {
    "figure.constrained_layout.use": True,
    "font.family": FONT,
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6,
    "legend.handletextpad": 0.5,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.1,
    "pdf.fonttype": 42,  # text stays text
    "text.parse_math": False,  # titles and classes are the user's: a $ in them is a dollar
}

LINE = 130
"""Characters in a line across a page, in the smallest print."""

TITLE_LINE = 105
"""Characters in a title's line across a page."""


@contextmanager
def styled() -> Iterator[None]:
    """Use matplotlib's defaults and the settings above, whatever is in the user's matplotlibrc."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)  # type: ignore[arg-type] # its keys are typed as literals
        yield


class Drawing(NamedTuple):
    """A figure and its caption; ``recipes``: those that it shows, where these are not its artefact's."""

    figure: Figure
    caption: str
    recipes: tuple[str, ...] = ()


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches."""
    return Figure(figsize=(width, height))


def handle(label: str, **style: Any) -> Line2D:
    """A legend's entry for a plot with these keyword arguments."""
    return Line2D([], [], label=legible(label), **style)


def class_title(name: str) -> str:
    """A class's name in figures: with spaces between words, and cut where it is very long."""
    words = legible(" ".join(name.replace("_", " ").split()))
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


@dataclass(frozen=True)
class Look:
    """A recipe's look in all figures of its study: colour, marker and dashes, so it can be told apart in grey."""

    title: str
    colour: str
    marker: str
    dashes: Any

    @property
    def point(self) -> Style:
        """Keyword arguments of a plot of points."""
        return {"color": self.colour, "marker": self.marker, "linestyle": "", "mec": "none"}

    @property
    def line(self) -> Style:
        """Keyword arguments of a plot of a line with points."""
        return self.point | {"linestyle": self.dashes}

    @property
    def plain(self) -> Style:
        """Keyword arguments of a plot of a line without points."""
        return {"color": self.colour, "linestyle": self.dashes}


def look(collection: Collection, recipe: str) -> Look:
    """A recipe's look, by its place among the study's own recipes and then those of its artefacts."""
    whole = collection.of or collection
    recipes = dict.fromkeys(recipe for choice in whole.expected for recipe in whole.recipes_of(choice))
    place = list(recipes).index(recipe)
    dashes = DASHES[place % len(DASHES)]
    return Look(collection.scheme(recipe), COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)], dashes)


def end_at_100(axes: Axes, axis: Literal["x", "y"]) -> None:
    """End an axis of accuracies at 100 %, though an interval may go further."""
    low, high = getattr(axes, f"get_{axis}lim")()
    axes.set(**{f"{axis}lim": (max(low, -0.5), min(high, 100.5))})


def add_legend(figure: Figure, handles: Sequence[Line2D]) -> None:
    """Put a legend above the axes, in as many columns as fit."""
    for columns in range(len(handles), 0, -1):
        legend = figure.legend(
            handles=handles, loc="outside upper center", ncols=columns, columnspacing=1.0, handlelength=1.6
        )
        if columns == 1 or legend.get_window_extent().width <= 0.99 * figure.bbox.width:
            return
        legend.remove()


def name_figure(figure: Figure, title: str, note: str) -> None:
    """Write a title at the top and, small, a note at the bottom: a picture may be seen without its page."""
    share = figure.get_figwidth() / PAGE
    above = textwrap.wrap(legible(title), int(TITLE_LINE * share))
    below = textwrap.wrap(legible(note), int(LINE * share))
    top, bottom = 0.03 + 0.12 * len(above), 0.03 + 0.1 * len(below)  # inches
    legends = sum(legend.get_window_extent().height / figure.dpi for legend in figure.legends)
    figure.set_figheight(height := figure.get_figheight() + top + bottom)
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(rect=(0, bottom / height, 1, 1 - (top + legends + bottom) / height))
    for legend in figure.legends:  # matplotlib would put it over the title
        legend.set_bbox_to_anchor((0, 0, 1, 1 - top / height), figure.transFigure)
    figure.text(0.5, 1 - 0.03 / height, "\n".join(above), ha="center", va="top", fontsize=7.5, fontweight="bold")
    figure.text(0.99, 0.02 / height, "\n".join(below), ha="right", va="bottom", fontsize=6, color="#555555")


def save(figure: Figure, png: Path) -> None:
    """Write a figure in all formats, beside the PNG."""
    lay_out(figure)
    for form in FIGURE_FORMATS:
        write(figure, png.with_suffix(f".{form}"))


def lay_out(figure: Figure) -> None:
    """Place the axes for good. The layout's last digits differ from time to time, so they are rounded off."""
    figure.set_dpi(DPI)
    engine = figure.get_layout_engine()
    if engine is not None and figure.axes:
        engine.execute(figure)
    figure.set_layout_engine("none")
    for axes in figure.axes:
        place = axes.get_position(original=True)
        axes.set_position(tuple(round(float(part), 6) for part in place.bounds))  # type: ignore[arg-type]


def write(figure: Figure, path: Path) -> None:
    """Write a figure in the format that the name ends in, png or pdf, the same bytes each time."""
    form = path.suffix.lower().removeprefix(".")
    # None removes the date and the library's version.
    removed = {"png": ["Software"], "pdf": ["Creator", "Producer", "CreationDate"]}[form]
    with atomic_path(path) as unfinished:
        figure.savefig(unfinished, format=form, dpi=DPI, metadata=dict.fromkeys(removed))


def sentence(text: str) -> Figure:
    """A figure with nothing but a sentence."""
    lines = textwrap.wrap(legible(text), int(LINE * COLUMN / PAGE * 0.8))
    figure = new_figure(COLUMN, 0.5 + 0.12 * len(lines))
    figure.text(0.5, 0.5, "\n".join(lines), ha="center", va="center")
    return figure
