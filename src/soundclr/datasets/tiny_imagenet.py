"""Tiny-ImageNet (Stanford's course CS231n): 64 x 64 JPEGs of 200 ImageNet classes, 500 training and 50 validation each.

Its 10,000 test pictures, whose classes were not published, are not used.
"""

import hashlib
from pathlib import Path

from soundclr.datasets.index import IndexRow
from soundclr.datasets.manifest import read_manifest
from soundclr.datasets.source import source_folder
from soundclr.errors import UserError
from soundclr.machine.files import reason, sha256_of_file
from soundclr.params import DatasetSettings

VALIDATION, TRAINING = 1, 2  # folds


def fetch_tiny_imagenet(name: str, settings: DatasetSettings, data: Path, mirror: Path | None) -> list[IndexRow]:
    """Fetch the release below ``data/<name>`` and verify it against its manifest; return its rows.

    Fold 1 is the publisher's validation part, fold 2 the training part. Classes are numbered in the order of their
    WordNet numbers, and have their first WordNet name.
    """
    with source_folder(name, settings, data, mirror) as folder:
        manifest = read_manifest(settings.adapter)
        for place, expected in manifest.items():
            if (has := hash_of(folder, place)) != expected:
                what = f"its files differ from the release's (SHA-256 {has}, not {expected})"
                raise UserError(f"{folder / place}: {what}")
        words = dict(line.split("\t") for line in (folder / "words.txt").read_text().splitlines())
        numbers = sorted((folder / "wnids.txt").read_text().split())
        pictures = [
            (path, Path(place).name, TRAINING)
            for place in manifest
            for path in sorted((folder / place).glob("images/*.JPEG"))
            if place.startswith("train/")
        ]
        for line in (folder / "val/val_annotations.txt").read_text().splitlines():
            file, number, *_box = line.split("\t")
            pictures.append((folder / "val/images" / file, number, VALIDATION))
    return [
        IndexRow(
            clip=path.stem,
            path=path.relative_to(data / name).as_posix(),
            label=numbers.index(number),
            class_name=words[number].split(",")[0],
            fold=fold,
            source=path.stem,
        )
        for path, number, fold in pictures
    ]


def hash_of(folder: Path, place: str) -> str:
    """The SHA-256 of the output of ``sha256sum`` for all files at ``place`` in ``folder``, in the order of their paths.

    Hidden files, which systems add, do not count.
    """
    found = [folder / place, *(folder / place).rglob("[!.]*")]
    files = sorted(path for path in found if path.is_file())
    try:
        lines = [f"{sha256_of_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    except OSError as error:
        raise UserError(f"{folder / place}: cannot be read ({reason(error)})") from error
    return hashlib.sha256("".join(lines).encode()).hexdigest()
