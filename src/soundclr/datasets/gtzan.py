"""GTZAN (Tzanetakis and Cook 2002): 1,000 WAV clips of 30 s at 22,050 Hz, ten genres of a hundred each, in two splits.

The dataset has repetitions, distortions, wrong labels and many clips of one artist (Sturm 2013). A split by number, as
in Palanisamy et al. 2020, overestimates accuracy. The fault-filtered split (Kereliuk, Sturm and Larsen 2015) has 930 of
the clips, and no artist in two of its parts.
"""

from collections.abc import Callable
from pathlib import Path

from soundclr.audio.decode import check_audio
from soundclr.datasets.index import IndexRow
from soundclr.datasets.manifest import audio_files
from soundclr.datasets.source import source_folder
from soundclr.datasets.table import check_all
from soundclr.errors import UserError
from soundclr.params import DatasetSettings

COPIES = ("genres", "Data/genres_original", "genres_original")
"""The archive's top folder, and those of copies from Kaggle."""
NUMBERS = range(100)  # the numbers of a genre's clips
TEST, VALIDATION, TRAINING = 1, 2, 3
# The fault-filtered split by genre: the numbers of the test clips, of the validation clips, and of those that are left
# out for a fault; the others are training clips.
FILTERED = {
    "blues": ("12-28 61-72 98-99", "0-11 50-60", ""),
    "classical": ("11-29 34-41 49 77-79", "0-10 68-76", "42"),
    "country": ("30-40 43-44 46-48 50-51 53-64", "0-7 9-18 27 41-42 45 49", "8 52"),
    "disco": ("1 21 58 62-66 69 76-88 91-94 96-97 99", "0 2-4 6-14 46 48 52 67-68 72 75 90 95", "38 50-51 55 60 71 98"),
    "hiphop": ("0 26-27 30 40 43-45 51-54 62-75 99", "81-98", "1 39 46-50 76"),
    "jazz": ("73-99", "2-10 25-32", "33-40 42-46"),
    "metal": (
        "12-15 22-23 25-33 38-39 67 70 73-75 78 83 85 87-88",
        "0-1 6-11 16-20 36-37 68 76-77 81-82",
        "4 34 40-45 58",
    ),
    "pop": (
        "0-1 13-14 43 63-66 69-79 82 88-96",
        "10 53 55 58-62 81 83-86",
        "15 21-22 30 37 45 47-48 51-52 54 56-57 67-68 87",
    ),
    "reggae": (
        "34-40 46-48 52-53 64-68 71 79 82-84 87-90",
        "61-62 70 72 74 76-78 85 92-99",
        "3 5 7-8 10 13 33 41 73 75 80-81 86 91",
    ),
    "rock": ("10-15 27-37 39-48 86-90", "38 49-56 71-85", ""),
}
GENRES = tuple(FILTERED)


def fetch_gtzan(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch GTZAN below ``data/<name>``, or use a copy; check it; return all its rows.

    Fold 1 has each genre's clips 80 to 99, the test clips, fold 2 the others. A clip that cannot be read, such as
    ``jazz.00054`` in the copy from Kaggle, is a UserError unless ``settings.without`` names it.
    """
    return _fetch(name, settings, data, mirror, lambda genre, number: 1 if number >= 80 else 2)


def fetch_gtzan_filtered(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch GTZAN without its 70 faulty clips: folds 1, 2 and 3 are the fault-filtered test, validation and training.

    Otherwise as :func:`fetch_gtzan`; ``jazz.00054`` is a training clip.
    """
    return _fetch(name, settings, data, mirror, filtered_fold)


def filtered_fold(genre: str, number: int) -> int | None:
    """A clip's fold in the fault-filtered split; None if it is left out."""
    parts = (TEST, VALIDATION, None)
    return next(
        (part for part, listed in zip(parts, FILTERED[genre], strict=True) if number in _numbers(listed)), TRAINING
    )


def _numbers(listed: str) -> set[int]:
    ends = [[int(end) for end in part.split("-")] for part in listed.split()]
    return {number for end in ends for number in range(end[0], end[-1] + 1)}


def _fetch(
    name: str, settings: DatasetSettings, data: Path, mirror: Path | None, fold_of: Callable[[str, int], int | None]
) -> list[IndexRow]:
    """Check the clips that have a fold, and return their rows."""
    rows = [
        IndexRow(clip, f"{genre}/{clip}.wav", label, genre, fold, clip)
        for label, genre in enumerate(GENRES)
        for number in NUMBERS
        if (fold := fold_of(genre, number)) is not None
        for clip in [_clip(genre, number)]
    ]
    with source_folder(name, settings, data, mirror, COPIES) as folder:
        _check(folder, [row for row in rows if row.clip not in settings.without])
    below = folder.relative_to(data / name).as_posix()
    return [row._replace(path=f"{below}/{row.path}") for row in rows]


def _clip(genre: str, number: int) -> str:
    return f"{genre}.{number:05d}"


def _check(folder: Path, rows: list[IndexRow]) -> None:
    """Check that the clips of ``rows`` exist and can be read, and that there are no clips beyond GTZAN's."""
    present = audio_files(folder)
    known = {f"{genre}/{_clip(genre, number)}.wav" for genre in GENRES for number in NUMBERS}
    if extra := sorted(present - known):
        raise UserError(f"{extra[0]} is not a clip of GTZAN, such as blues/blues.00000.wav (in {folder})")
    if missing := [row for row in rows if row.path not in present]:
        others = f", and {len(missing) - 1} more of {len(rows)} clips are" if len(missing) > 1 else ""
        raise UserError(f"{missing[0].path} is missing{others} (in {folder}){_or_without(missing[0])}")
    of = {folder / row.path: row for row in rows}

    def check(path: Path) -> None:
        try:
            check_audio(path)
        except UserError as error:
            raise UserError(f"{error}{_or_without(of[path])}") from error

    check_all(of, check)


def _or_without(row: IndexRow) -> str:
    return f"; or leave it out with the dataset's `without: [{row.clip}]` in params.yaml, which gives other runs"
