"""Datasets: fetches each from its source, checks it against a manifest or a table, and writes an index.

- source: the folder of a dataset's published clips, unpacked from an archive (:mod:`.source`);
- manifest: a list of a dataset's clips with their SHA-256, part of this package (:mod:`.manifest`);
- table: a CSV file that lists clips, a publisher's or yours (:mod:`.table`);
- index: the common table format of all datasets (:mod:`.index`);
- decoding: an index's clips decoded into one features file, the only file that trainings read (:mod:`.decoding`).

To add a dataset, write a function in a module of its own, an :data:`Adapter`, and enter it in :data:`ADAPTERS`.

    >>> from soundclr.datasets.source import source_folder
    >>> from soundclr.datasets.table import read_table, verify_listed
    >>> def fetch_birds(name, settings, data, mirror):
    ...     with source_folder(name, settings, data, mirror) as folder:
    ...         lines = read_table(folder / "meta.csv", ("file", "species", "fold", "recording"))
    ...         rows = [
    ...             IndexRow(
    ...                 clip=line.values["file"],
    ...                 path=f"audio/{line.values['file']}.wav",
    ...                 label=line.choice("species", ("robin", "wren")),
    ...                 class_name=line.values["species"],
    ...                 fold=line.number("fold", 1),
    ...                 source=line.values["recording"],
    ...             )
    ...             for line in lines
    ...         ]
    ...         verify_listed(folder, "audio", rows)
    ...     below = folder.relative_to(data / name).as_posix()
    ...     return [row._replace(path=f"{below}/{row.path}") for row in rows]
    >>> fetch_birds("birds", settings, data, mirror)[0]
    IndexRow(clip='w1', path='unpacked/birds/audio/w1.wav', label=1, class_name='wren', fold=1, source='r1')
"""

import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from soundclr.datasets.csv_dataset import fetch_csv, fetch_folders
from soundclr.datasets.download import Source, obtain, record
from soundclr.datasets.esc import fetch_esc50, fetch_esc_ogg
from soundclr.datasets.gtzan import fetch_gtzan, fetch_gtzan_filtered
from soundclr.datasets.index import IndexRow, identical_clips, read_index, write_index
from soundclr.datasets.nsynth import fetch_families, fetch_pitches
from soundclr.datasets.speech_commands import fetch_speech_commands, fetch_words
from soundclr.datasets.synthetic import fetch_synthetic
from soundclr.datasets.tiny_imagenet import fetch_tiny_imagenet
from soundclr.datasets.us8k import fetch_us8k, fetch_us8k_three_folds
from soundclr.errors import UserError
from soundclr.machine.locks import in_turn
from soundclr.params import DatasetSettings, WeightsFile, known
from soundclr.run import unlearnt
from soundclr.run.index_record import known_index, read_made_of, remedy
from soundclr.run.runs import definition_hash

# adapter(name, settings, data, mirror) puts the clips of dataset `name` below `data / name` and returns their index
# rows, with paths relative to that folder.
Adapter = Callable[[str, DatasetSettings, Path, Path | None], list[IndexRow]]

ADAPTERS: dict[str, Adapter] = {
    "csv": fetch_csv,
    "esc10": fetch_esc_ogg,
    "esc50": fetch_esc50,
    "esc50_ogg": fetch_esc_ogg,
    "folders": fetch_folders,
    "gtzan": fetch_gtzan,
    "gtzan_filtered": fetch_gtzan_filtered,
    "nsynth_family": fetch_families,
    "nsynth_pitch": fetch_pitches,
    "speech_commands": fetch_speech_commands,
    "synthetic": fetch_synthetic,
    "tiny_imagenet": fetch_tiny_imagenet,
    "us8k": fetch_us8k,
    "us8k_three_folds": fetch_us8k_three_folds,
    "words10": fetch_words,
}


def fetch_dataset(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> Path:
    """Fetch or make dataset ``name`` below ``data``; return its checked index, ``data/<name>/index.csv``.

    It first looks for sources in the folder ``mirror``, which may have an archive or the folder that it unpacks to (see
    :mod:`soundclr.datasets.source`). The index is written last, so if it exists, so do the clips. If another process
    fetches the same dataset, this one waits.

    Raises:
        UserError: the dataset has no adapter, cannot be obtained, or lacks a clip, a class or a fold.
    """
    adapter = adapter_of(name, settings)
    path = data / name / "index.csv"
    with in_turn(data / f".{name}.lock"):
        before = known_index(path)
        path.unlink(missing_ok=True)
        definition = definition_hash(settings)  # before the table is read: if that changes, the index is outdated
        rows = _of_classes(name, adapter(name, settings, data, mirror), settings)
        _check_counts(name, rows, settings)
        write_index(path, _without(name, rows, settings), definition, before)
        try:
            index = read_index(path)
            _check_size(name, index, settings)
        except UserError:
            path.unlink()
            raise
    _report_identical(name, index)
    held_out = settings.held_out or range(1, settings.folds + 1)
    for line in unlearnt.lines(zip(index["class"], index["fold"], strict=True), held_out, settings.folds):
        print(f"soundclr: warning: {UserError(f'dataset {name}: {line}')}", file=sys.stderr)
    return path


def adapter_of(name: str, settings: DatasetSettings) -> Adapter:
    """Return the adapter of dataset ``name``; UserError if there is none."""
    return ADAPTERS[known(settings.adapter, ADAPTERS, f"adapter in datasets.{name}.adapter")]


def check_current(name: str, settings: DatasetSettings, data: Path) -> None:
    """Raise UserError if the dataset's index is older than its table or settings."""
    path = data / name / "index.csv"
    if read_made_of(path).get("definition") != definition_hash(settings):
        raise UserError(f"{path}: is older than the dataset's table or settings; {remedy(path)}")


def fetch_weights(name: str, encoder: str, settings: WeightsFile, data: Path, mirror: Path | None) -> Path:
    """Obtain the published weights ``name`` of ``encoder``; return ``data/weights/<name>-<encoder>.pth``.

    Raises:
        UserError: the file cannot be obtained, or its hash differs from the settings' or from the recorded one.
    """
    if settings.torchvision is not None:
        settings = torchvision_file(encoder, settings)
    source = Source(**settings.model_dump(exclude={"mapping", "torchvision"}))
    destination = obtain(source, data / "weights" / f"{name}-{encoder}.pth", mirror)
    if settings.sha256 is None:  # record no hash of something else, such as an error page
        from soundclr.models.weights import read_weights  # PyTorch takes seconds, which other fetches need not wait for

        try:
            read_weights(destination, settings.mapping)
        except UserError:
            destination.unlink()
            raise
    record(source, destination)
    return destination


def torchvision_file(network: str, settings: WeightsFile) -> WeightsFile:
    """The file of a network's weights with torchvision's name, address and hash."""
    from torchvision import models  # seconds, which other fetches need not wait for

    known(network, models.list_models(module=models), "network of torchvision's")
    weights = models.get_model_weights(network).__members__
    url = weights[known(settings.torchvision, weights, f"weights of torchvision's {network}")].value.url
    file = url.rpartition("/")[2]
    digits = re.search(r"-([0-9a-f]{8,64})\.pth$", file)
    return settings.model_copy(update={"file": file, "url": url, "sha256": digits[1] if digits else None})


def _of_classes(name: str, rows: list[IndexRow], settings: DatasetSettings) -> list[IndexRow]:
    """The rows of the classes in ``settings.only``, renumbered from 0 in that order."""
    if settings.only is None:
        return rows
    if missing := sorted(set(settings.only) - {row.label for row in rows}):
        raise UserError(f"dataset {name}: `only` names class {missing[0]}, which has no clip")
    return [row._replace(label=settings.only.index(row.label)) for row in rows if row.label in settings.only]


def _check_counts(name: str, rows: list[IndexRow], settings: DatasetSettings) -> None:
    """Check the number of clips, in all or in each fold, including those in ``without``."""
    if isinstance(settings.clips, int) and len(rows) != settings.clips:
        raise UserError(f"dataset {name}: found {len(rows)} clips; its `clips` is {settings.clips}")
    if isinstance(settings.clips, tuple):
        of_fold = Counter(row.fold for row in rows)
        for fold, wanted in enumerate(settings.clips, start=1):
            if of_fold[fold] != wanted:
                raise UserError(f"dataset {name}: fold {fold} has {of_fold[fold]} clips; its `clips` has {wanted}")


def _without(name: str, rows: list[IndexRow], settings: DatasetSettings) -> list[IndexRow]:
    """The rows without those in ``settings.without``, which are printed."""
    if missing := sorted(set(settings.without) - {row.clip for row in rows}):
        raise UserError(f"dataset {name}: `without` names {missing[0]}, which is not one of its clips")
    if settings.without:
        print(f"dataset {name}: left out by `without`: {', '.join(settings.without)}", file=sys.stderr)
    return [row for row in rows if row.clip not in settings.without]


def _report_identical(name: str, index: pd.DataFrame) -> None:
    """Print how many clips are byte-identical, and warn about identical clips in different folds or classes."""
    found = identical_clips(index)
    if found["groups"]:
        counts = f"{found['groups']} groups of byte-identical clips, {found['clips']} clips in all"
        across = f"{found['across_folds']} of these groups in several folds"
        print(f"dataset {name}: {counts}, {across}", file=sys.stderr)
    for column, why in (
        ("fold", "a held-out clip was trained on, so accuracy may be too high"),
        ("class", "one of the two classes is wrong"),
    ):
        several = index.groupby("sha256")[column].transform("nunique") > 1
        if several.any():
            first = index[index["sha256"] == index["sha256"][several].iloc[0]].drop_duplicates(column)
            (one, two), (its, other) = first["clip"][:2], first[column][:2]
            warning = f"dataset {name}: {one} in {column} {its} equals {two} in {column} {other}, byte for byte; {why}"
            print(f"soundclr: warning: {UserError(warning)}", file=sys.stderr)


def _check_size(name: str, index: pd.DataFrame, settings: DatasetSettings) -> None:
    """Check that the index has exactly the classes and the folds of the settings."""
    classes = settings.classes or index["label"].max() + 1
    wanted = {"label": range(classes), "fold": range(1, settings.folds + 1)}
    for column, values in wanted.items():
        present = set(index[column])
        expected = f"its settings have {column}s {values[0]} to {values[-1]}"
        for value in sorted(set(values) - present):
            has = f", and the clips have {', '.join(map(str, sorted(present)))}" if column == "fold" else ""
            raise UserError(f"dataset {name}: no clip has {column} {value}; {expected}{has}")
        for value in sorted(present - set(values)):
            clip = index["clip"][index[column] == value].iloc[0]
            raise UserError(f"dataset {name}: clip {clip} has {column} {value}; {expected}")
