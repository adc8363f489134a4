"""ESC-50: 2000 clips of 5 s, 50 classes, 5 folds; as WAV files with a table, or as in its first release.

The first releases of ESC-10 and ESC-50 have Ogg Vorbis files in a folder for each class.
"""

import re
from pathlib import Path

from soundclr.datasets.index import IndexRow
from soundclr.datasets.manifest import read_manifest, verify_clips
from soundclr.datasets.source import source_folder
from soundclr.datasets.table import Line, read_table, unique, verify_listed
from soundclr.errors import UserError
from soundclr.params import DatasetSettings

COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")  # of the WAV release's table
# `001 - Dog bark/1-100032-A.ogg`: number and name of the class, then fold, Freesound's clip, take
_CLIP = re.compile(r"(?P<group>\d)(?P<number>\d\d) - (?P<name>[^/]+)/(?P<clip>(?P<fold>\d+)-(?P<source>\d+)-\w+)\.ogg")
RENAMED = {"door_knock": "door_wood_knock"}  # in the WAV release's table


def fetch_esc50(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch ESC-50 below ``data/<name>``, or use a copy; check it; return its rows.

    Classes have the numbers and names of ``meta/esc50.csv``. Clips are checked against that table, not by hash:
    hosts repack the archive, with other bytes.
    """
    with source_folder(name, settings, data, mirror) as folder:
        lines = read_table(folder / "meta" / "esc50.csv", COLUMNS)
        unique(lines, lambda line: line.values["filename"])
        rows = [wav_row(line) for line in lines]
        verify_listed(folder, "audio", rows)
    below = folder.relative_to(data / name).as_posix()
    return [row._replace(path=f"{below}/{row.path}") for row in rows]


def wav_row(line: Line) -> IndexRow:
    """The index row of a line of ``meta/esc50.csv``, with a path relative to the release."""
    values = line.values
    fold, target = line.number("fold", 1), line.number("target")
    clip = f"{fold}-{values['src_file']}-{values['take']}-{target}"
    if values["filename"] != f"{clip}.wav":
        raise UserError(f"{line.place}: {values['filename']} is not {clip}.wav, the line's fold-source-take-target")
    return IndexRow(clip, f"audio/{clip}.wav", target, values["category"], fold, values["src_file"])


def fetch_esc_ogg(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch the release below ``data/<name>`` and verify it against its manifest; return its rows.

    Classes have the numbers and names of the WAV release, if there is one.
    """
    manifest = read_manifest(settings.adapter)
    with source_folder(name, settings, data, mirror) as folder:
        verify_clips(folder, manifest)
    below = folder.relative_to(data / name).as_posix()
    return [ogg_row(path, below) for path in manifest]


def ogg_row(path: str, folder: str) -> IndexRow:
    """The index row of the clip at ``path`` in the release, which is in ``folder``."""
    match = _CLIP.fullmatch(path)
    if match is None:
        raise UserError(f"{path} is not named like `001 - Dog bark/1-100032-A.ogg`")
    group, number = int(match["group"]), int(match["number"])  # ESC-10's classes have group 0, ESC-50's 1 to 5
    class_name = re.sub("[ -]+", "_", match["name"].lower())
    return IndexRow(
        clip=match["clip"],
        path=f"{folder}/{path}",
        label=10 * max(group - 1, 0) + number - 1,
        class_name=RENAMED.get(class_name, class_name),
        fold=int(match["fold"]),
        source=match["source"],
    )
