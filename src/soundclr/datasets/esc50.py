"""ESC-50: 2000 WAV clips of 5 s, 50 classes, 5 folds; and ESC-10, which is ten of these classes."""

from pathlib import Path

from soundclr.datasets.index import IndexRow
from soundclr.datasets.source import source_folder
from soundclr.datasets.table import Line, read_table, unique, verify_listed
from soundclr.errors import UserError
from soundclr.params import DatasetSettings

COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
ESC10 = (0, 1, 10, 11, 12, 20, 21, 38, 40, 41)
"""The targets of ESC-10's classes in ESC-50, in the order of their labels 0 to 9."""


def fetch_esc50(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch ESC-50 below ``data/<name>``, or find a copy of it; check it; return its rows.

    Classes have the numbers and names of ``meta/esc50.csv``. Clips are checked against that table, not by hash:
    hosts pack the archive anew, with other bytes.
    """
    return [row for row, _ in _fetch(name, settings, data, mirror)]


def fetch_esc10_of_esc50(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch and check all of ESC-50; return the rows of ESC-10, its classes in their order, from 0."""
    return [
        row._replace(label=ESC10.index(row.label)) for row, of_esc10 in _fetch(name, settings, data, mirror) if of_esc10
    ]


def _fetch(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[tuple[IndexRow, bool]]:
    """The rows of ESC-50, each with whether its clip is in ESC-10 too."""
    with source_folder(name, settings, data, mirror) as folder:
        lines = read_table(folder / "meta" / "esc50.csv", COLUMNS)
        unique(lines, lambda line: line.values["filename"])
        rows = [(index_row(line), _of_esc10(line)) for line in lines]
        verify_listed(folder, "audio", [row for row, _ in rows])
    below = folder.relative_to(data / name).as_posix()
    return [(row._replace(path=f"{below}/{row.path}"), of_esc10) for row, of_esc10 in rows]


def index_row(line: Line) -> IndexRow:
    """The index row of a line of ``meta/esc50.csv``, its path relative to the release."""
    values = line.values
    fold, target = line.number("fold", 1), line.number("target")
    clip = f"{fold}-{values['src_file']}-{values['take']}-{target}"
    if values["filename"] != f"{clip}.wav":
        raise UserError(
            f"{line.place}: {values['filename']} is not {clip}.wav, fold-source-take-target as the line says"
        )
    return IndexRow(clip, f"audio/{clip}.wav", target, values["category"], fold, values["src_file"])


def _of_esc10(line: Line) -> bool:
    said, is_so = line.values["esc10"], line.number("target") in ESC10
    if said.lower() != str(is_so).lower():  # a spreadsheet saves TRUE
        raise UserError(f"{line.place}: `esc10` of {line.values['filename']} is {said!r}; by its target it is {is_so}")
    return is_so
