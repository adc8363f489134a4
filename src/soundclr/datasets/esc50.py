"""ESC-50: 2000 WAV clips of 5 s, 50 classes, 5 folds."""

from pathlib import Path

from soundclr.datasets.index import IndexRow
from soundclr.datasets.source import source_folder
from soundclr.datasets.table import Line, read_table, unique, verify_listed
from soundclr.errors import UserError
from soundclr.params import DatasetSettings

COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")


def fetch_esc50(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch ESC-50 below ``data/<name>``, or use a copy; check it; return its rows.

    Classes have the numbers and names of ``meta/esc50.csv``. Clips are checked against that table, not by hash:
    hosts repack the archive, with other bytes.
    """
    with source_folder(name, settings, data, mirror) as folder:
        lines = read_table(folder / "meta" / "esc50.csv", COLUMNS)
        unique(lines, lambda line: line.values["filename"])
        rows = [index_row(line) for line in lines]
        verify_listed(folder, "audio", rows)
    below = folder.relative_to(data / name).as_posix()
    return [row._replace(path=f"{below}/{row.path}") for row in rows]


def index_row(line: Line) -> IndexRow:
    """The index row of a line of ``meta/esc50.csv``, with a path relative to the release."""
    values = line.values
    fold, target = line.number("fold", 1), line.number("target")
    clip = f"{fold}-{values['src_file']}-{values['take']}-{target}"
    if values["filename"] != f"{clip}.wav":
        raise UserError(f"{line.place}: {values['filename']} is not {clip}.wav, the line's fold-source-take-target")
    return IndexRow(clip, f"audio/{clip}.wav", target, values["category"], fold, values["src_file"])
