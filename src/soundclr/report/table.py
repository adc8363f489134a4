"""A table: a frame, which is its CSV, and a page of it, whose cells are formatted and stand beside each other."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pandas import DataFrame

from soundclr.machine.files import to_csv
from soundclr.report.collect import Collection
from soundclr.report.frames import Values, records
from soundclr.report.intervals import Protocol
from soundclr.report.run_results import RunResult

Row = Mapping[str, Any]
"""A row of a table's frame; None for what is missing."""

Show = Callable[[Row], str]
"""What a cell says of a row."""

PARTIAL = "†"
PARTIAL_NOTE = f"{PARTIAL} No seed has all its folds: the mean of the runs there, not comparable to others"
NONE = "–"
EPOCHS: dict[Protocol, str] = {"best_epoch": "best epoch", "last_epoch": "last epoch"}


@dataclass(frozen=True)
class Cell:
    """What a cell says; ``best`` makes it bold."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column of the page: ``show`` is the frame's column, or what its row says.

    Fractions have so many ``decimals``, and a ``sign`` where they are a difference.
    Neighbours of one ``group`` share a heading above theirs. ``where`` are the values by which the column finds its
    row among those of a line.
    """

    name: str
    show: str | Callable[[Row], Cell | str]
    group: str = ""
    align: Literal["l", "r"] = "r"
    where: Row = field(default_factory=dict)
    sign: bool = False
    decimals: int = 2

    def cell(self, line: Sequence[Row]) -> Cell:
        """The column's cell in a line of the page."""
        row = next((row for row in line if self.where.items() <= row.items()), None)
        if row is None:
            return Cell(NONE)
        if callable(self.show):
            shown = self.show(row)
            return shown if isinstance(shown, Cell) else Cell(shown)
        value = row[self.show]
        return Cell(number(value, self.sign, self.decimals) if isinstance(value, float | None) else str(value))

    @property
    def heading(self) -> str:
        """Its name, with its group's before it."""
        return f"{self.group}: {self.name}" if self.group else self.name


@dataclass(frozen=True)
class Table:
    """``csv`` are the columns of ``frame`` that CSV has, ``forms`` how it writes fractions, where not as ``.2f``.

    The page has the columns ``page`` and a line for the rows with equal values of ``line``, without it one for each;
    rows whose ``csv_only`` is true are in CSV alone. ``results`` are the runs that it shows, where not its artefact's.
    """

    frame: DataFrame
    csv: Sequence[str]
    page: Sequence[Column]
    caption: str
    line: Sequence[str] = ()
    forms: Mapping[str, str] = field(default_factory=dict)
    results: Sequence[RunResult] | None = None

    @cached_property
    def records(self) -> list[Values]:
        """The frame's rows, with None for what is missing."""
        frame = self.frame.astype(object)
        return records(frame.where(frame.notna(), None))

    @property
    def rows(self) -> list[list[Cell]]:
        """The lines of a page."""
        lines: dict[Any, list[Row]] = {}
        for place, record in enumerate(self.records):
            if not record.get("csv_only"):
                lines.setdefault(tuple(record[name] for name in self.line) if self.line else place, []).append(record)
        return [[column.cell(line) for column in self.page] for line in lines.values()]

    def to_csv(self) -> str:
        """The table for programs."""

        def cell(name: str, value: Any) -> str:
            return "" if value is None else format(value, self.forms.get(name, ".2f"))

        rows = [
            [cell(name, row[name]) if isinstance(row[name], float | None) else str(row[name]) for name in self.csv]
            for row in self.records
        ]
        return to_csv([self.csv, *rows])


def frame_of(rows: Iterable[Row]) -> DataFrame:
    """The rows as a frame whose values stay as they are: a whole number beside a missing one becomes no fraction."""
    return DataFrame(list(rows), dtype=object)


def dataset_column(collection: Collection) -> Column:
    """The column of the row's dataset."""
    return Column("dataset", lambda row: collection.title(row["dataset"]), align="l")


def scheme_column(collection: Collection, name: str = "scheme", key: str = "recipe") -> Column:
    """The column of a recipe's title."""
    return Column(name, lambda row: collection.scheme(row[key]), align="l")


def place_columns(collection: Collection) -> list[Column]:
    """The columns of the row's dataset and recipe, and of how many of its runs are there."""
    return [dataset_column(collection), scheme_column(collection), Column("runs", coverage)]


def bounds_column(prefix: str = "", group: str = "", where: Row | None = None) -> Column:
    """The column of an interval, whose ends are ``low_points`` and ``high_points`` after the ``prefix``."""
    return Column("95 % interval", span(f"{prefix}low_points", f"{prefix}high_points"), group, where=where or {})


def coverage(row: Row) -> str:
    """As in ``3 of 5``."""
    return f"{row['runs']} of {row['expected_runs']}"


def span(low: str, high: str) -> Show:
    """Show the differences in two columns as in ``−1.00 to +2.00``."""
    return lambda row: NONE if row[low] is None else f"{number(row[low], sign=True)} to {number(row[high], sign=True)}"


def number(value: float | None, sign: bool = False, decimals: int = 2) -> str:
    """A number with so many ``decimals``; with a minus sign and not a hyphen, and a dash for none."""
    if value is None or math.isnan(value):
        return NONE
    value = round(value, decimals) + 0.0
    return f"{value:{'+' if sign and value else ''}.{decimals}f}".replace("-", "−")


def spread(mean: str, std: str, decimals: int = 2, marked: bool = True) -> Show:
    """Show a mean and, where it is known, its standard deviation; partial means are ``marked``."""

    def text(row: Row) -> str:
        deviation = number(row[std], decimals=decimals)
        mark = f" {PARTIAL}" if marked and row.get("partial") else ""
        return number(row[mean], decimals=decimals) + (f" ± {deviation}" if deviation != NONE else "") + mark

    return text


def accuracy(prefix: str) -> Show:
    """Show the accuracy of :func:`soundclr.report.intervals.summary` at an epoch, or a paper's, under like names."""
    return spread(f"{prefix}_percent", f"{prefix}_std_percent", marked=prefix != "paper")


def beside(first: str, second: str) -> Show:
    """Show two numbers as in ``95.00 (93.75)``."""
    return lambda row: NONE if row[first] is None else f"{number(row[first])} ({number(row[second])})"


both = beside("best_epoch_percent", "last_epoch_percent")
"""Show the accuracy at the best epoch, and at the last in parentheses."""


def gap(ours: Row, theirs: float | None) -> float | None:
    """Our mean at the best epoch minus a published one, of the numbers as shown, in points; None without either."""
    best = ours["best_epoch_percent"]
    if theirs is None or math.isnan(theirs) or math.isnan(best) or ours["partial"]:
        return None
    return round(round(best, 2) - theirs, 2) + 0.0


def sentences(*texts: str) -> str:
    """Those of the texts that say something, each with one full stop."""
    return " ".join(text.rstrip(".") + "." for text in texts if text)
