"""Your own sounds as a dataset: the clips in a CSV table, or in a folder for each class.

The table's columns are ``path`` (relative to the table's folder, or absolute; WAV, FLAC, Ogg or MP3), ``label`` (the
class's name) and optionally ``fold`` (from 1) and ``source`` (the recording that a clip was cut from; by default each
clip is one of its own). Commas or semicolons separate values. In params.yaml::

    datasets:
      birds:
        title: birds of the garden
        adapter: csv
        file: sounds/birds.csv # relative to the repository, or absolute
        classes: 3 # optional; default: as many as the table has
        folds: 5
        sample_rate: 44100
        samples: 220500
        fold_seed: 0 # optional; draws the folds if the table has none

Classes are numbered in the order of their names. The clips are not copied. The hash of runs and features includes the
table's contents but not the clips', so a clip that changes needs another name.

With the adapter ``folders``, ``file`` is a folder that has a folder for each class; their files replace the table.
"""

import csv
import hashlib
import io
import os
import random
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from soundclr.audio.decode import check_audio
from soundclr.datasets.index import IndexRow
from soundclr.datasets.manifest import AUDIO_SUFFIXES
from soundclr.datasets.table import Line, check_all, read_table, unique
from soundclr.errors import UserError
from soundclr.params import DatasetSettings
from soundclr.run.runs import table_of_folders

STEPS = 2000  # the most steps to spread classes that drawn folds leave in one fold
RESERVED = {"clip", "source", "label", "epoch"}  # other columns of predictions.csv


def fetch_csv(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Read and check the table ``settings.file``; return its rows, with paths relative to ``data/<name>``.

    A clip's name is its path in the table without the suffix. Folds are the table's, or drawn from the seed.
    """
    if settings.file is None:
        raise UserError(f"dataset {name}: its settings have no `file`, the path of a CSV table with path,label")
    table = Path(settings.file)
    lines = read_table(table, ("path", "label"), ("fold", "source"))
    return index_rows(name, settings, lines, table, table.parent, data)


def fetch_folders(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """The rows of the clips in ``settings.file``, which has a folder for each class, as in :func:`fetch_csv`.

    Each file is a clip and a source of its own. UserError for a file that is not a sound, or a sound outside the
    folders.
    """
    if settings.file is None:
        raise UserError(f"dataset {name}: its settings have no `file`, the path of a folder of class folders")
    folder = Path(settings.file)
    rows = csv.DictReader(io.StringIO(table_of_folders(folder).decode(), newline=""))
    lines = [Line(str(folder / row["path"]), row) for row in rows]
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file():
            raise UserError(
                f"{path}: is not in a class's folder; move it into one, such as {folder / 'wren' / path.name}"
            )
    return index_rows(name, settings, lines, folder, folder, data)


def index_rows(
    name: str, settings: DatasetSettings, lines: Sequence[Line], table: Path, folder: Path, data: Path
) -> list[IndexRow]:
    """Check a table's ``lines`` and return their index rows. ``path`` in the lines is relative to ``folder``."""
    unique(lines, _clip)
    labels = _labels(name, table, lines, settings.classes)
    sources = [line.values.get("source") or _clip(line) for line in lines]
    refuse_alike(table, "source", [source for line in lines if (source := line.values.get("source"))])
    if lines and "fold" in lines[0].values:
        folds = [line.number("fold", 1) for line in lines]
        _warn_of_shared(table, sources, folds)
    else:
        folds = _drawn(table, labels, sources, settings)
    home, start = folder.resolve(), (data / name).resolve()  # links would break a path with ..
    for line, source in zip(lines, sources, strict=True):
        if "\r" in line.values["path"] + source:
            raise UserError(f"{line.place}: {line.values['path']!r} has a carriage return, which no table can contain")
    paths = [home / line.values["path"] for line in lines]
    places = {path: line.place for path, line in zip(paths, lines, strict=True)}

    def check(path: Path) -> None:
        if path != home and os.path.isdir(path):
            raise UserError(f"{places[path]}: {path} is a folder, not a sound file")
        if not os.path.isfile(path):
            what = "is no regular file" if os.path.exists(path) else "is a link that leads nowhere"
            fault = what if os.path.lexists(path) else "is missing"
            raise UserError(f"{places[path]}: the file {path} {fault}")
        check_audio(path)

    check_all(places, check)
    return [
        IndexRow(_clip(line), os.path.relpath(path, start), label, class_name, fold, source)
        for line, path, (class_name, label), source, fold in zip(lines, paths, labels, sources, folds, strict=True)
    ]


def draw_folds(labels: Sequence[int], sources: Sequence[str], folds: int, seed: int) -> list[int]:
    """Draw folds 1 to ``folds`` that spread each class evenly and keep each source's clips in one fold.

    The algorithm is greedy: sources with more clips come first, equal ones in an order drawn from the seed. Each goes
    to the fold in which its classes are scarcest so far. If a class ends up in one fold only, sources are moved. The
    result depends neither on the order of the clips nor on a library's version.
    """
    counts: dict[str, Counter[int]] = {}  # source -> label -> clips
    for label, source in zip(labels, sources, strict=True):
        counts.setdefault(source, Counter())[label] += 1
    names = sorted(counts, key=lambda source: hashlib.sha256(f"{seed} {source}".encode()).digest())
    weight = 1.0 / np.maximum(1, np.bincount(labels)) ** 2  # a rare class counts as much as a frequent one
    filled, total = np.zeros((len(weight), folds)), np.zeros(folds)
    chosen = {}
    for source in sorted(names, key=lambda source: -counts[source].total()):
        own = sorted(counts[source])  # a source has few classes
        clips = np.array([counts[source][label] for label in own])
        scarcest = np.round((weight[own] * clips) @ filled[own], 12)
        fold = int(np.lexsort((total, scarcest))[0])  # of equally scarce folds the smallest
        filled[own, fold] += clips
        total[fold] += clips.sum()
        chosen[source] = fold + 1
    spread_classes(chosen, counts, folds, seed)
    return [chosen[source] for source in sources]


def spread_classes(chosen: dict[str, int], counts: dict[str, Counter[int]], folds: int, seed: int) -> None:
    """Change the fold ``chosen`` for each source until no class is in one fold only, or the steps are used up.

    ``counts`` has each source's clips by label. A step moves a source of such a class so that fewest classes are in one
    fold only. Sometimes it makes a random move, drawn from the seed, to avoid cycles.
    """
    of_class: dict[int, list[str]] = {}
    for source in sorted(counts):
        for label in counts[source]:
            of_class.setdefault(label, []).append(source)

    def in_one_fold(labels: Iterable[int]) -> list[int]:
        return [k for k in sorted(labels) if len(of_class[k]) > 1 and len({chosen[s] for s in of_class[k]}) == 1]

    def harm(move: tuple[str, int]) -> tuple[int, int]:
        """How many classes a move leaves in one fold only, and how many clips its fold then has."""
        source, before = move[0], chosen[move[0]]
        chosen[source] = move[1]
        found = len(in_one_fold(counts[source])), sum(counts[s].total() for s in counts if chosen[s] == move[1])
        chosen[source] = before
        return found

    dice = random.Random(seed)
    for _ in range(STEPS):
        if not (wrong := in_one_fold(of_class)):
            return
        label = wrong[int(dice.random() * len(wrong))]
        filled = Counter(chosen.values())
        movable = [source for source in of_class[label] if filled[chosen[source]] > 1]
        moves = [(source, fold) for source in movable for fold in range(1, folds + 1) if fold != chosen[source]]
        if not moves:
            return
        source, fold = moves[int(dice.random() * len(moves))] if dice.random() < 0.2 else min(moves, key=harm)
        chosen[source] = fold


def refuse_alike(table: Path, column: str, values: Iterable[str]) -> None:
    """Raise UserError for values that look equal: two Unicode forms of one text, or text with invisible characters.

    Values that differ only in case, spacing or typography raise a warning, because they may be intended.
    """
    seen: dict[str, str] = {}
    alike = []
    for value in sorted(set(values)):
        composed = "".join(c for c in unicodedata.normalize("NFC", value) if unicodedata.category(c) != "Cf")
        folded = re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", composed).casefold())
        if (other := seen.setdefault(f"composed {composed}", value)) != value:
            raise UserError(
                f"{table}: the {column}s {other!a} and {value!a} look the same but differ, as names from a Mac may: "
                "give them one spelling"
            )
        if (other := seen.setdefault(f"folded {folded}", value)) != value:
            alike.append(f"{other!r} and {value!r}")
    if alike:
        more = f", and {len(alike) - 1} more pairs," if len(alike) > 1 else ""
        warning = f"{table}: the {column}s {alike[0]}{more} are nearly the same, but count as two"
        print(f"soundclr: warning: {UserError(warning)}", file=sys.stderr)


def _warn_of_shared(table: Path, sources: Sequence[str], folds: Sequence[int]) -> None:
    """Warn about sources in several folds, whose clips are both trained and tested on."""
    of_source: dict[str, set[int]] = {}
    for source, fold in zip(sources, folds, strict=True):
        of_source.setdefault(source, set()).add(fold)
    shared = [source for source in sorted(of_source) if len(of_source[source]) > 1]
    if shared:
        where = ", ".join(map(str, sorted(of_source[shared[0]])))
        others = f", and {len(shared) - 1} more sources are in several" if len(shared) > 1 else ""
        warning = f"{table}: source {shared[0]!r} is in folds {where}{others}; test clips resemble training clips"
        print(f"soundclr: warning: {UserError(warning)}, so accuracy may be too high", file=sys.stderr)


def _clip(line: Line) -> str:
    return os.path.splitext(os.path.normpath(line.values["path"]))[0]


def _labels(name: str, table: Path, lines: Sequence[Line], classes: int | None) -> list[tuple[str, int]]:
    """Each line's class and its number; classes are numbered in the order of their names."""
    for line in lines:
        label = line.values["label"]
        faults = {
            "another column's name in results": label in RESERVED,
            "empty or has superfluous spaces": not label or label != " ".join(label.split()),
            "a text with control characters": any(unicodedata.category(letter) == "Cc" for letter in label),
        }
        if why := next((fault for fault, is_so in faults.items() if is_so), None):
            raise UserError(f"{line.place}: `label` is {label!r}, which is {why}; give the class another name")
    names = sorted({line.values["label"] for line in lines})
    if len(names) != (classes or max(2, len(names))):
        shown = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
        wanted = f"its `classes` is {classes}" if classes else "a dataset needs 2 or more"
        raise UserError(f"dataset {name}: {table} has {len(names)} classes ({shown}); {wanted}")
    refuse_alike(table, "label", names)
    number = {label: position for position, label in enumerate(names)}
    return [(line.values["label"], number[line.values["label"]]) for line in lines]


def _drawn(
    table: Path, labels: Sequence[tuple[str, int]], sources: Sequence[str], settings: DatasetSettings
) -> list[int]:
    """Draw folds from the seed; UserError if there are too few sources."""
    if len(set(sources)) < settings.folds:
        raise UserError(f"{table}: has {len(set(sources))} sources, too few for {settings.folds} folds")
    of_class = Counter(class_name for class_name, _ in set(zip((c for c, _ in labels), sources, strict=True)))
    for class_name, count in sorted(of_class.items()):
        if count < 2:
            raise UserError(
                f"{table}: all clips of {class_name} have one source, so no drawn fold would leave any to learn from; "
                "add another source, or give the folds"
            )
    return draw_folds([label for _, label in labels], sources, settings.folds, settings.fold_seed)
