"""Speech Commands v0.02 (Warden 2018, arXiv 1804.03209): spoken words of up to a second, a folder for each word.

The whole release has 105,829 clips of 35 words and a split by speaker; its separate test archive has ten of the words.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from soundclr.datasets.index import IndexRow
from soundclr.datasets.manifest import audio_files, read_manifest, verify_clips
from soundclr.datasets.source import source_folder
from soundclr.datasets.table import check_all
from soundclr.errors import UserError
from soundclr.machine.files import read_regular, reason
from soundclr.params import DatasetSettings

# `down/022cd682_nohash_0.wav`: the word, the speaker, and the number of the speaker's recording of the word, from 0
_CLIP = re.compile(r"(?P<clip>(?P<word>[^/]+)/(?P<speaker>[0-9a-f]+)_nohash_\d+)\.wav")
_WORDS = """
    backward bed bird cat dog down eight five follow forward four go happy house learn left marvin nine no off on one
    right seven sheila six stop three tree two up visual wow yes zero
"""
WORDS = tuple(_WORDS.split())
NO_WORDS = ("_background_noise_", "_silence_", "_unknown_")
"""Folders whose clips are not words."""
LISTS = {"testing_list.txt": 1, "validation_list.txt": 2}
"""The publisher's lists of clips, and their folds; clips in no list are for training, fold 3."""
TRAINING = 3


def fetch_speech_commands(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch all of Speech Commands below ``data/<name>``, or use a copy; check it; return its rows.

    Classes are numbered in the order of the words. Folds 1, 2 and 3 are the publisher's test, validation and training
    clips. UserError for a missing list, a list with a missing clip, a folder that is not a word, a clip with an unusual
    name or that cannot be read, and a speaker in two parts.
    """
    with source_folder(name, settings, data, mirror, topless=True) as folder:
        folds = _listed_folds(folder)
        present = {path for path in audio_files(folder) if path.split("/")[0] not in NO_WORDS}
        if missing := sorted(folds.keys() - present):
            raise UserError(f"{missing[0]} is missing, one of {len(missing)} clips that the lists name (in {folder})")
        rows = [index_row(path, WORDS)._replace(fold=folds.get(path, TRAINING)) for path in sorted(present)]
        fold_of: dict[str, int] = {}
        if shared := sorted({row.source for row in rows if fold_of.setdefault(row.source, row.fold) != row.fold}):
            raise UserError(
                f"speaker {shared[0]}, one of {len(shared)}, is in two of the test, validation and training clips: the "
                "lists do not belong to these clips"
            )
        check_all(folder / path for path in sorted(present))
    below = folder.relative_to(data / name).as_posix()
    return [row._replace(path=f"{below}/{row.path}") for row in rows]


def _listed_folds(folder: Path) -> dict[str, int]:
    """The folds of the clips in the publisher's lists, by path."""
    folds: dict[str, int] = {}
    for file, fold in LISTS.items():
        try:
            paths = read_regular(folder / file).decode().split()
        except FileNotFoundError as error:
            raise UserError(f"{folder / file}, the publisher's list of clips, is missing") from error
        except (OSError, UnicodeDecodeError) as error:
            detail = reason(error) if isinstance(error, OSError) else error
            raise UserError(f"{folder / file}: cannot be read as a list of clips ({detail})") from error
        if not paths:
            raise UserError(f"{folder / file}: lists no clips")
        if twice := sorted(folds.keys() & set(paths)):
            raise UserError(f"{folder / file}: names {twice[0]}, which is in both {' and '.join(LISTS)}")
        folds.update(dict.fromkeys(paths, fold))
    return folds


def fetch_words(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch the ten words of the test archive below ``data/<name>``, verify them by their manifest, return the rows.

    Classes are numbered in the order of the words. The archive has no folds, so :func:`fold_of_speaker` draws one for
    each speaker; no speaker is both trained and tested on. Silence and unknown words are left out.
    """
    manifest = read_manifest(settings.adapter)
    with source_folder(name, settings, data, mirror, topless=True) as folder:
        verify_clips(folder, manifest, besides=NO_WORDS)
    below = folder.relative_to(data / name).as_posix()
    words = sorted({path.split("/")[0] for path in manifest})
    rows = [index_row(path, words) for path in manifest]
    return [row._replace(path=f"{below}/{row.path}", fold=fold_of_speaker(row.source, settings.folds)) for row in rows]


def index_row(path: str, words: Sequence[str]) -> IndexRow:
    """The index row of the clip at ``path`` in the release; ``words`` numbers its class, and its fold is not set."""
    match = _CLIP.fullmatch(path)
    if match is None:
        raise UserError(f"{path} is not named like down/022cd682_nohash_0.wav, word/speaker_nohash_number.wav")
    if match["word"] not in words:
        raise UserError(f"{path} is in the folder {match['word']}, which is not one of the {len(words)} words")
    return IndexRow(match["clip"], path, words.index(match["word"]), match["word"], 0, match["speaker"])


def fold_of_speaker(speaker: str, folds: int) -> int:
    """A speaker's fold, from 1, by the SHA-256 of the name, as the publisher selected test speakers by SHA-1."""
    return 1 + int(hashlib.sha256(speaker.encode()).hexdigest()[:8], 16) % folds
