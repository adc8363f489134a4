"""Speech Commands v0.02 (Warden 2018, arXiv 1804.03209): spoken words of up to a second, a folder for each word."""

import hashlib
import re
from pathlib import Path

from soundclr.datasets.index import IndexRow
from soundclr.datasets.manifest import read_manifest, verify_clips
from soundclr.datasets.source import source_folder
from soundclr.errors import UserError
from soundclr.params import DatasetSettings

# `down/022cd682_nohash_0.wav`: the word, the speaker, and how often the speaker had said the word before
_CLIP = re.compile(r"(?P<clip>(?P<word>[^/]+)/(?P<speaker>[0-9a-f]+)_nohash_\d+)\.wav")
NO_WORDS = ("_background_noise_", "_silence_", "_unknown_")
"""Folders beside the words', whose clips are none of a word."""


def fetch_words(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch the test archive's ten words below ``data/<name>`` and verify them against their manifest; return the rows.

    Classes are numbered in the order of the words. The archive has no folds: a speaker's name draws one
    (:func:`fold_of_speaker`), so no speaker is both learnt from and tested on. Silence and unknown words are left out.
    """
    manifest = read_manifest(settings.adapter)
    with source_folder(name, settings, data, mirror, topless=True) as folder:
        verify_clips(folder, manifest, besides=NO_WORDS)
    below = folder.relative_to(data / name).as_posix()
    words = sorted({path.split("/")[0] for path in manifest})
    rows = [index_row(path, words) for path in manifest]
    return [row._replace(path=f"{below}/{row.path}", fold=fold_of_speaker(row.source, settings.folds)) for row in rows]


def index_row(path: str, words: list[str]) -> IndexRow:
    """The index row of the clip at ``path`` in the release, its class numbered by ``words``; its fold is not set."""
    match = _CLIP.fullmatch(path)
    if match is None:
        raise UserError(f"{path} is not named like down/022cd682_nohash_0.wav, word/speaker_nohash_number.wav")
    return IndexRow(match["clip"], path, words.index(match["word"]), match["word"], 0, match["speaker"])


def fold_of_speaker(speaker: str, folds: int) -> int:
    """The fold, from 1, that a speaker's name draws: by SHA-256, as SHA-1 chose these speakers for the test archive."""
    return 1 + int(hashlib.sha256(speaker.encode()).hexdigest()[:8], 16) % folds
