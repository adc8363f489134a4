"""UrbanSound8K: 8732 WAV clips of up to 4 s in their uploaded formats, 10 classes, 10 folds.

Also a public, resampled copy of three of its folds, for people without the whole release.
"""

import re
from pathlib import Path

from soundclr.datasets.index import IndexRow
from soundclr.datasets.manifest import read_manifest, verify_clips
from soundclr.datasets.source import source_folder
from soundclr.datasets.table import Line, read_table, unique, verify_listed
from soundclr.errors import UserError
from soundclr.params import DatasetSettings

COLUMNS = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")
# `100032-3-0-0.wav`: Freesound's recording, class, occurrence in the recording, slice of the occurrence
_CLIP = re.compile(r"(?P<clip>(?P<source>\d+)-(?P<label>\d+)-\d+-\d+)\.wav")
# The SHA-256 of the release's clips. It is not named as the adapter's manifest, because that would change the dataset's
# hash and the paths of its runs; the archive's md5 in params.yaml already determines the clips.
CLIPS = "us8k_clips"
CLASSES = (
    "air_conditioner", "car_horn", "children_playing", "dog_bark", "drilling",
    "engine_idling", "gun_shot", "jackhammer", "siren", "street_music",
)  # fmt: skip
THREE_FOLDS = {"fold1": 1, "fold2": 2, "fold10": 3}
"""The release's folds in the copy, and their numbers in its index."""


def fetch_us8k(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch UrbanSound8K below ``data/<name>``, or use a copy; check it; return its rows.

    The folds are the release's, which keep slices of one recording together. Every clip must equal the release's, byte
    for byte. In Kaggle's copy, folds and table are in one folder, so its index has other paths.
    """
    with source_folder(name, settings, data, mirror) as folder:
        flat = (folder / "UrbanSound8K.csv").is_file() and not (folder / "audio").exists()  # as Kaggle packs it
        table, clips = ("UrbanSound8K.csv", ".") if flat else ("metadata/UrbanSound8K.csv", "audio")
        lines = read_table(folder / table, COLUMNS)
        unique(lines, lambda line: line.values["slice_file_name"])
        rows = [index_row(line, clips) for line in lines]
        verify_listed(folder, clips, rows)
        verify_clips(folder / clips, read_manifest(CLIPS))
    below = folder.relative_to(data / name).as_posix()
    return [row._replace(path=f"{below}/{row.path}") for row in rows]


def index_row(line: Line, clips: str = "audio") -> IndexRow:
    """The index row of a line of the table, with a path relative to the release; the folds are in ``clips``."""
    file, source = line.values["slice_file_name"], line.values["fsID"]
    fold, label = line.number("fold", 1), line.number("classID")
    match = _CLIP.fullmatch(file)
    if match is None:
        raise UserError(f"{line.place}: {file} is not named like 100032-3-0-0.wav, fsID-classID-occurrence-slice")
    if (match["source"], int(match["label"])) != (source, label):
        raise UserError(f"{line.place}: {file} does not match the line's fsID {source} and classID {label}")
    return IndexRow(
        match["clip"], (Path(clips) / f"fold{fold}" / file).as_posix(), label, line.values["class"], fold, source
    )


def fetch_us8k_three_folds(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch the copy of UrbanSound8K's folds 1, 2 and 10 below ``data/<name>`` and verify it; return its rows.

    Its clips are not the originals: all have 22,050 Hz, one channel and 4 s; shorter ones are repeated to that length.
    Their names and folders, which contain class, recording and fold, are the release's.
    """
    manifest = read_manifest(settings.adapter)
    with source_folder(name, settings, data, mirror) as folder:
        audio = folder / "UrbanSound8K" / "audio"
        others = {entry.name for entry in audio.glob("*")} - THREE_FOLDS.keys()
        verify_clips(audio, manifest, besides=others)
    below = audio.relative_to(data / name).as_posix()
    rows = []
    for path in manifest:
        fold, _, file = path.partition("/")
        match = _CLIP.fullmatch(file)
        if match is None or fold not in THREE_FOLDS:
            raise UserError(f"{path} is not named like fold10/100648-1-0-0.wav, fold/fsID-classID-occurrence-slice")
        label, place = int(match["label"]), f"{below}/{path}"
        rows.append(IndexRow(match["clip"], place, label, CLASSES[label], THREE_FOLDS[fold], match["source"]))
    return rows
