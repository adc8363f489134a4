"""Small faithful copies of ESC-50, in both releases, and UrbanSound8K: layouts, columns, kinds of file; tiny clips."""

import csv
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from soundclr.datasets import fetch_dataset, read_index
from soundclr.datasets.manifest import audio_files, read_manifest
from soundclr.errors import UserError
from soundclr.machine.files import sha256_of_file
from soundclr.params import DatasetSettings

ESC50_ARCHIVE, US8K_ARCHIVE = "ESC-50-master.zip", "UrbanSound8K.tar.gz"
ESC50_TABLE, US8K_TABLE = "ESC-50-master/meta/esc50.csv", "UrbanSound8K/metadata/UrbanSound8K.csv"
ESC50_AUDIO, US8K_AUDIO = "ESC-50-master/audio", "UrbanSound8K/audio"
ESC50: dict[str, Any] = {
    "adapter": "esc50",
    "title": "ESC-50",
    "file": ESC50_ARCHIVE,
    "clips": 100,
    "classes": 50,
    "folds": 2,
    "sample_rate": 44100,
    "samples": 4410,
}
ESC10: dict[str, Any] = {
    **ESC50,
    "only": [0, 1, 10, 11, 12, 20, 21, 38, 40, 41],
    "title": "ESC-10 (from ESC-50)",
    "clips": 20,
    "classes": 10,
}
ESC50_OGG: dict[str, Any] = {
    "adapter": "esc50_ogg",
    "title": "ESC-50 (first release)",
    "file": "ESC-50-c6371fcfe5198bcdf6a6ae41f628275c6d3a335d.zip",
    "classes": 50,
    "folds": 2,
    "sample_rate": 44100,
    "samples": 4410,
    "channels": "sum",
    "longest": 4410,
}
US8K: dict[str, Any] = {
    "adapter": "us8k",
    "title": "UrbanSound8K",
    "file": US8K_ARCHIVE,
    "clips": 100,
    "classes": 10,
    "folds": 10,
    "sample_rate": 44100,
    "samples": 8820,
}

# By target; the real names of the ten that are ESC-10's.
ESC10_CLASSES = {
    0: "dog",
    1: "rooster",
    10: "rain",
    11: "sea_waves",
    12: "crackling_fire",
    20: "crying_baby",
    21: "sneezing",
    38: "clock_tick",
    40: "helicopter",
    41: "chainsaw",
}
US8K_CLASSES = (
    "air_conditioner",
    "car_horn",
    "children_playing",
    "dog_bark",
    "drilling",
    "engine_idling",
    "gun_shot",
    "jackhammer",
    "siren",
    "street_music",
)
# What UrbanSound8K's clips are encoded as: rate in hertz, channels, encoding, container (WAVEX: format tag 65534).
FORMATS = (
    (44100, 2, "PCM_16", "WAV"),
    (48000, 2, "PCM_24", "WAVEX"),
    (8000, 1, "PCM_U8", "WAV"),
    (96000, 2, "PCM_32", "WAV"),
    (192000, 1, "PCM_24", "WAV"),
    (22050, 1, "FLOAT", "WAV"),
    (11025, 1, "MS_ADPCM", "WAV"),
    (16000, 1, "IMA_ADPCM", "WAV"),
    (24000, 1, "PCM_16", "WAVEX"),
    (32000, 2, "ULAW", "WAV"),
)


def write_clip(
    path: Path, frames: int, rate: int, channels: int = 1, subtype: str = "PCM_16", kind: str = "WAV"
) -> None:
    """A clip that is nowhere exactly zero, so that nothing of it is trimmed: a tone on 0.3, channels alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = 0.3 + 0.1 * np.sin(2 * np.pi * 440 * np.arange(frames) / rate)
    soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), rate, subtype=subtype, format=kind)


def write_table(path: Path, columns: str, rows: Iterable[Iterable[object]]) -> None:
    """A CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns.split(","))
        writer.writerows(rows)


def make_esc50(folder: Path) -> Path:
    """Below ``folder``: ESC-50-master with a clip of 0.1 s for each of 50 classes and two folds."""
    top = folder / "ESC-50-master"
    rows = []
    for fold in (1, 2):
        for target in range(50):
            source = 1000 + 100 * fold + target
            name = f"{fold}-{source}-A-{target}.wav"
            write_clip(top / "audio" / name, 4410, 44100)
            category = ESC10_CLASSES.get(target, f"class_{target}")
            rows.append((name, fold, target, category, target in ESC10_CLASSES, source, "A"))
    write_table(top / "meta" / "esc50.csv", "filename,fold,target,category,esc10,src_file,take", rows)
    (top / "audio" / "._1-1100-A-0.wav").write_bytes(b"macOS")
    (top / "README.md").write_text("ESC-50\n")
    return top


def make_esc50_ogg(folder: Path) -> Path:
    """Below ``folder``: ESC-50's first release with an Ogg clip for each of 50 classes and two folds.

    Of four clips in a row one is mono and 0.1 s long, one is longer, one stereo, with channels that differ and are
    past full scale together, and one stereo at 48 kHz.
    """
    top = folder / ESC50_OGG["file"].removesuffix(".zip")
    classes = sorted({path.split("/")[0] for path in read_manifest("esc50_ogg")})
    for fold in (1, 2):
        for target in range(50):
            kind = (target + fold) % 4
            rate, channels, seconds = ((44100, 1, 0.1), (44100, 1, 0.15), (44100, 2, 0.1), (48000, 2, 0.1))[kind]
            path = top / classes[target] / f"{fold}-{1000 * fold + target}-A.ogg"
            path.parent.mkdir(parents=True, exist_ok=True)
            moments = np.arange(round(seconds * rate)) / rate
            sound = [0.7 * np.sin(2 * np.pi * (400 + 100 * side) * moments + 1) for side in range(channels)]
            soundfile.write(path, np.stack(sound, 1), rate, format="OGG", subtype="VORBIS")
    (top / "README.txt").write_text("ESC-50\n")
    return top


def manifest_of(top: Path) -> dict[str, str]:
    """The clips below ``top`` and their hashes, as :func:`soundclr.datasets.manifest.read_manifest` has them."""
    return {path: sha256_of_file(top / path) for path in sorted(audio_files(top))}


def make_us8k(folder: Path) -> Path:
    """Below ``folder``: UrbanSound8K with a clip for each of ten classes and folds, a format for each class.

    They last 0.05 s and more, by fold.
    """
    top = folder / "UrbanSound8K"
    rows = []
    for fold in range(1, 11):
        for label, (rate, channels, subtype, kind) in enumerate(FORMATS):
            source = 10 * (1000 + fold) + label
            name = f"{source}-{label}-0-{fold}.wav"
            seconds = 0.05 + 0.01 * (fold - 1)
            write_clip(top / "audio" / f"fold{fold}" / name, round(seconds * rate), rate, channels, subtype, kind)
            rows.append((name, source, 1.5, 1.5 + seconds, 1 + label % 2, fold, label, US8K_CLASSES[label]))
    write_table(
        top / "metadata" / "UrbanSound8K.csv", "slice_file_name,fsID,start,end,salience,fold,classID,class", rows
    )
    (top / "audio" / ".DS_Store").write_bytes(b"macOS")
    return top


def zipped(top: Path, archive: Path) -> Path:
    """``top`` as a zip file, with it as the only top folder."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(top.rglob("*")):
            file.write(path, path.relative_to(top.parent))
    return archive


def tarred(folder: Path, archive: Path, top: str | None = None) -> Path:
    """``folder`` as a tar.gz file, with it, or ``top``, as the only top folder."""
    with tarfile.open(archive, "w:gz", compresslevel=1) as file:
        file.add(folder, top or folder.name)
    return archive


def fetch(settings: dict[str, Any], data: Path, mirror: Path | None, **changes: Any) -> pd.DataFrame:
    """The index of a dataset with these settings, fetched from a mirror."""
    return read_index(fetch_dataset("set", DatasetSettings.model_validate({**settings, **changes}), data, mirror))


def refusal(settings: dict[str, Any], data: Path, mirror: Path | None, **changes: Any) -> str:
    """What :func:`fetch` says that does not make an index."""
    with pytest.raises(UserError) as caught:
        fetch(settings, data, mirror, **changes)
    assert "\n" not in str(caught.value)
    assert not (data / "set" / "index.csv").exists()
    return str(caught.value)


def edit(path: Path, old: str, new: str) -> None:
    """Put ``new`` in place of the first ``old`` in a file of text."""
    text = path.read_bytes().decode()
    assert text.count(old) >= 1
    path.write_bytes(text.replace(old, new, 1).encode())
