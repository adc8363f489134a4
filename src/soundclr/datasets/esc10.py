"""ESC-10 in its first release: 400 clips of Ogg Vorbis, 10 class folders, 5 folds."""

import re
from pathlib import Path

from soundclr.datasets.index import IndexRow
from soundclr.datasets.manifest import read_manifest, verify_clips
from soundclr.datasets.source import source_folder
from soundclr.errors import UserError
from soundclr.params import DatasetSettings

# `001 - Dog bark/1-100032-A.ogg`: number and name of the class, then fold, Freesound's clip, take
_CLIP = re.compile(r"(?P<number>\d+) - (?P<name>[^/]+)/(?P<clip>(?P<fold>\d+)-(?P<source>\d+)-\w+)\.ogg")


def fetch_esc10(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch and verify the release below ``data/<name>``; return its rows, paths relative to that folder."""
    manifest = read_manifest("esc10")
    with source_folder(name, settings, data, mirror) as folder:
        verify_clips(folder, manifest)
    below = folder.relative_to(data / name).as_posix()
    return [index_row(path, below) for path in manifest]


def index_row(path: str, folder: str) -> IndexRow:
    """The index row of the clip at ``path`` in the release, which the index finds in ``folder``."""
    match = _CLIP.fullmatch(path)
    if match is None:
        raise UserError(f"ESC-10: {path} is not named like `001 - Dog bark/1-100032-A.ogg`")
    return IndexRow(
        clip=match["clip"],
        path=f"{folder}/{path}",
        label=int(match["number"]) - 1,
        class_name=match["name"].lower().replace(" ", "_"),
        fold=int(match["fold"]),
        source=match["source"],
    )
