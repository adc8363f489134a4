"""UrbanSound8K: 8732 WAV clips of up to 4 s in whatever format they were uploaded in, 10 classes, 10 folds."""

import re
from pathlib import Path

from soundclr.datasets.index import IndexRow
from soundclr.datasets.source import source_folder
from soundclr.datasets.table import Line, read_table, unique, verify_listed
from soundclr.errors import UserError
from soundclr.params import DatasetSettings

COLUMNS = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")
# `100032-3-0-0.wav`: Freesound's recording, class, occurrence in the recording, slice of the occurrence
_CLIP = re.compile(r"(?P<clip>(?P<source>\d+)-(?P<label>\d+)-\d+-\d+)\.wav")


def fetch_us8k(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch UrbanSound8K below ``data/<name>``, or find a copy of it; check it; return its rows.

    The folds are the release's own: slices of one recording stay together in them. In Kaggle's copy they and the table
    lie side by side, so that its index has other paths than the release's.
    """
    with source_folder(name, settings, data, mirror) as folder:
        flat = (folder / "UrbanSound8K.csv").is_file() and not (folder / "audio").exists()  # as Kaggle packs it
        table, clips = ("UrbanSound8K.csv", ".") if flat else ("metadata/UrbanSound8K.csv", "audio")
        lines = read_table(folder / table, COLUMNS)
        unique(lines, lambda line: line.values["slice_file_name"])
        rows = [index_row(line, clips) for line in lines]
        verify_listed(folder, clips, rows)
    below = folder.relative_to(data / name).as_posix()
    return [row._replace(path=f"{below}/{row.path}") for row in rows]


def index_row(line: Line, clips: str = "audio") -> IndexRow:
    """The index row of a line of the table, whose path is relative to the release, with the folds in ``clips``."""
    file, source = line.values["slice_file_name"], line.values["fsID"]
    fold, label = line.number("fold", 1), line.number("classID")
    match = _CLIP.fullmatch(file)
    if match is None:
        raise UserError(f"{line.place}: {file} is not named like 100032-3-0-0.wav, fsID-classID-occurrence-slice")
    if (match["source"], int(match["label"])) != (source, label):
        raise UserError(f"{line.place}: {file} is not a clip of fsID {source} and classID {label}, as the line says")
    return IndexRow(
        match["clip"], (Path(clips) / f"fold{fold}" / file).as_posix(), label, line.values["class"], fold, source
    )
