"""A table: a data frame, which becomes its CSV, and the columns of its page, with formatted cells."""

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
"""A row of a table's frame; None for missing values."""

Show = Callable[[Row], str]
"""Makes a cell's text from a row."""

PARTIAL = "†"
PARTIAL_NOTE = f"{PARTIAL} No seed has all its folds: the mean of the runs there, to be compared only on the same folds"
NONE = "–"
NOT_ABOVE = "‡"  # the best baseline
EPOCHS: dict[Protocol, str] = {"best_epoch": "best epoch", "last_epoch": "last epoch"}


@dataclass(frozen=True)
class Cell:
    """A cell's text; ``best`` makes it bold."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column of the page: ``show`` is a column of the frame, or makes a cell from a row.

    ``decimals``: of fractions; ``sign``: they are differences, shown with a sign. ``group``: a heading that
    neighbouring columns share. ``where``: the values by which the column finds its row among the rows of a line.
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
        show = signed if self.sign else formatted
        return Cell(show(value, self.decimals) if isinstance(value, float | None) else str(value))

    @property
    def heading(self) -> str:
        """Its name, after its group's."""
        return f"{self.group}: {self.name}" if self.group else self.name


@dataclass(frozen=True)
class Table:
    """A table's content: ``frame`` has the rows, ``csv`` the names of the columns in the CSV.

    ``forms``: the formats of fractions in the CSV, by default ``.2f``. ``page``: the columns of the page, which has a
    line for all rows with equal values of ``line``, or one for each row. Rows whose ``csv_only`` is true are in the CSV
    only. ``results``: the runs that it shows, where these are not its artefact's.
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
        """The frame's rows, with None for missing values."""
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
            form = self.forms.get(name, ".2f") if isinstance(value, float) else ""
            return "" if value is None else format(value, form)

        return to_csv([self.csv, *([cell(name, row[name]) for name in self.csv] for row in self.records)])


def frame_of(rows: Iterable[Row]) -> DataFrame:
    """The rows as a frame of objects, so that whole numbers beside missing ones stay whole."""
    return DataFrame(list(rows), dtype=object)


def dataset_column(collection: Collection) -> Column:
    """A column with the dataset's title."""
    return Column("dataset", lambda row: collection.title(row["dataset"]), align="l")


def scheme_column(collection: Collection, name: str = "scheme", key: str = "recipe") -> Column:
    """A column with a recipe's title."""
    return Column(name, lambda row: collection.scheme(row[key]), align="l")


def place_columns(collection: Collection) -> list[Column]:
    """Columns with the dataset, the scheme, and how many of its runs are there."""
    return [dataset_column(collection), scheme_column(collection), Column("runs", coverage)]


def bounds_column(prefix: str = "", group: str = "", where: Row | None = None) -> Column:
    """A column with an interval; its ends are ``low_points`` and ``high_points`` after the ``prefix``."""
    return Column("95 % interval", span(f"{prefix}low_points", f"{prefix}high_points"), group, where=where or {})


def coverage(row: Row) -> str:
    """How many runs are there: ``3 of 5``."""
    return f"{row['runs']} of {row['expected_runs']}"


def span(low: str, high: str) -> Show:
    """Show two columns of differences: ``−1.00 to +2.00``."""
    return lambda row: NONE if row[low] is None else f"{signed(row[low])} to {signed(row[high])}"


def formatted(value: float | None, decimals: int = 2) -> str:
    """A number, with a minus sign and not a hyphen; a dash for None and NaN.

    >>> formatted(-0.125), formatted(None), formatted(-0.001)
    ('−0.12', '–', '0.00')
    """
    if value is None or math.isnan(value):
        return NONE
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def signed(value: float | None, decimals: int = 2) -> str:
    """A difference: a number with its sign, which 0 has none of."""
    text = formatted(value, decimals)
    return f"+{text}" if value is not None and round(value, decimals) > 0 else text


def with_interval(value: float | None, low: float | None, high: float | None, decimals: int = 2, unit: str = "") -> str:
    """A difference, its unit and, where it is known, its interval: ``+0.60 (+0.03 to +1.17)``."""
    interval = f" ({signed(low, decimals)} to {signed(high, decimals)})"
    return signed(value, decimals) + unit + ("" if low is None or math.isnan(low) else interval)


def spread(mean: str, std: str, decimals: int = 2, marked: bool = True) -> Show:
    """Show a mean and its standard deviation where there is one; with ``marked`` partial means have a mark."""

    def text(row: Row) -> str:
        deviation = formatted(row[std], decimals=decimals)
        mark = f" {PARTIAL}" if marked and row.get("partial") else ""
        return formatted(row[mean], decimals=decimals) + (f" ± {deviation}" if deviation != NONE else "") + mark

    return text


def accuracy(prefix: str) -> Show:
    """Show an accuracy of :func:`soundclr.report.intervals.summary` at an epoch, or a paper's with the same names."""
    return spread(f"{prefix}_percent", f"{prefix}_std_percent", marked=prefix != "paper")


def beside(first: str, second: str) -> Show:
    """Show two numbers: ``95.00 (93.75)``."""
    return lambda row: NONE if row[first] is None else f"{formatted(row[first])} ({formatted(row[second])})"


both = beside("best_epoch_percent", "last_epoch_percent")
"""Show the accuracy at the best epoch, and at the last in parentheses."""


def gap(ours: Row, theirs: float | None) -> float | None:
    """Our mean at the best epoch minus a published one, in points, both rounded; None where one is missing."""
    best = ours["best_epoch_percent"]
    if theirs is None or math.isnan(theirs) or math.isnan(best) or ours["partial"]:
        return None
    return round(round(best, 2) - theirs, 2) + 0.0


def seeds_note(rows: Iterable[Row]) -> str:
    """The part of a caption on seeds, where a row has several."""
    return ", mean ± sample standard deviation over seeds" if any(row["seeds"] > 1 for row in rows) else ""


def partial_note(rows: Iterable[Row]) -> str:
    """The sentence that explains the mark of partial means, where a row has one."""
    return PARTIAL_NOTE if any(row["partial"] for row in rows) else ""


def sentences(*texts: str) -> str:
    """The texts that are not empty, each with one full stop or with its own question mark."""
    return " ".join(text if text.endswith("?") else text.rstrip(".") + "." for text in texts if text)
