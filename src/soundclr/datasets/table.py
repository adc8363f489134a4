"""Reads tables, a publisher's or your CSV files that list clips, and checks that the clips exist."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from soundclr.audio.decode import check_audio
from soundclr.datasets.index import IndexRow
from soundclr.datasets.manifest import audio_files
from soundclr.errors import UserError
from soundclr.machine.files import read_regular, reason

NAMED = 100  # the most clips named in a message


class Line(NamedTuple):
    """One line of a table: its place (``FILE, line N``), for messages, and its values by column."""

    place: str
    values: dict[str, str]

    def number(self, column: str, least: int = 0) -> int:
        """The whole number in ``column``; UserError for anything else or a smaller number."""
        text = self.values[column]
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
            raise UserError(f"{self.place}: `{column}` is {text!r}, not a whole number from {least} on")
        return int(text)

    def choice(self, column: str, allowed: Sequence[str]) -> int:
        """The index, from 0, of the column's value among the allowed ones; UserError for another value."""
        value = self.values[column]
        if value not in allowed:
            raise UserError(f"{self.place}: `{column}` is {value!r}, not one of {', '.join(allowed)}")
        return allowed.index(value)


def read_table(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> list[Line]:
    """Read a CSV file with the columns ``required``, in any order, and those of ``optional`` that it has.

    Commas or semicolons separate values.

    Raises:
        UserError: the file is missing, empty or not CSV in UTF-8, or a column is missing or unknown.
    """
    try:
        text = read_regular(path).decode("utf-8-sig")  # spreadsheets write a byte order mark
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, required), strict=True)
        header = _without_empty(next(reader, []), 0)
        _check_header(path, header, required, optional)
        lines = []
        for values in reader:
            if not any(value.strip() for value in values):  # spreadsheets leave rows with only commas
                continue
            fields = _without_empty(values, len(header))
            place = f"{path}, line {reader.line_num}"
            if len(fields) != len(header):
                raise UserError(f"{place}: has {len(fields)} values for {len(header)} columns")
            lines.append(Line(place, dict(zip(header, fields, strict=True))))
    except FileNotFoundError as error:
        raise UserError(f"{path}, the table of the clips, is missing") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({reason(error)})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a CSV table in UTF-8 ({error})") from error
    if not lines:
        raise UserError(f"{path}: the table lists no clips")
    return lines


def verify_listed(folder: Path, clips: str, rows: Iterable[IndexRow]) -> None:
    """Check that the audio files in ``folder / clips`` are those of ``rows``, with paths relative to ``folder``.

    Each must exist, have a row, and be readable. ``clips`` may be ``.``, the folder itself.

    Raises:
        UserError: whole folds are missing, or a clip is wrong; the message names the first and counts the others.
    """
    listed = {row.path: row for row in rows}
    present = {(Path(clips) / path).as_posix() for path in audio_files(folder / clips)}
    if not present:
        raise UserError(f"{folder / clips} has no clips")
    missing = sorted(listed.keys() - present)
    found = {listed[path].fold for path in listed.keys() & present}
    if gone := sorted({row.fold for row in listed.values()} - found):
        many = sum(row.fold in gone for row in listed.values())
        which = f"folds {', '.join(map(str, gone))} are" if len(gone) > 1 else f"fold {gone[0]} is"
        raise UserError(f"{which} missing, all {many:,} clips that the table lists (in {folder})")
    extra = sorted(present - listed.keys())
    for paths, what, lists in ((missing, "missing", "lists"), (extra, "there", "does not list")):
        if paths:
            one = len(paths) == 1
            which = f"{paths[0]} is" if one else f"{paths[0]} and {len(paths) - 1} more clips are"
            raise UserError(f"{which} {what}, but the table {lists} {'it' if one else 'them'} (in {folder})")
    check_all(folder / path for path in sorted(listed))


def check_all(clips: Iterable[Path], check: Callable[[Path], None] = check_audio) -> None:
    """Check every clip; UserError with the first one's fault and the names of the other faulty ones."""
    faults = []
    for clip in clips:
        try:
            check(clip)
        except UserError as error:
            faults.append((clip, error))
    if faults:
        (_, first), *others = faults
        names = ", ".join(str(clip) for clip, _ in others[:NAMED]) + (" and so on" if len(others) > NAMED else "")
        raise UserError(f"{first}; {len(others)} more clips cannot be read: {names}" if others else str(first))


def unique(lines: Iterable[Line], key: Callable[[Line], str]) -> None:
    """Check that no two lines have the same ``key``."""
    seen: dict[str, str] = {}
    for line in lines:
        if (value := key(line)) in seen:
            raise UserError(f"{line.place}: {value} is listed twice, first in {seen[value]}")
        seen[value] = line.place


def _without_empty(values: list[str], least: int) -> list[str]:
    """A row without empty values at its end, which spreadsheets add; at least ``least`` values stay."""
    while len(values) > least and not values[-1].strip():
        values = values[:-1]
    return values


def _delimiter(text: str, required: Sequence[str]) -> str:
    """A comma, or a semicolon, which spreadsheets write in countries with decimal commas."""
    header = next(csv.reader(io.StringIO(text, newline=""), delimiter=";"), [])
    return ";" if set(required) <= set(header) else ","


def _check_header(path: Path, header: list[str], required: Sequence[str], optional: Sequence[str]) -> None:
    known = [*required, *optional]
    absent = [column for column in required if column not in header]
    unknown = [column for column in header if column not in known]
    repeated = [column for column in known if header.count(column) > 1]
    for columns, fault in ((absent, "lacks the column"), (unknown, "has the column"), (repeated, "has more than once")):
        if columns:
            choice = ",".join(required) + (f" and may be {','.join(optional)}" if optional else "")
            raise UserError(f"{path}: {fault} `{columns[0]}`; its columns must be {choice}")
