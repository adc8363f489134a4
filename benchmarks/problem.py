"""Made-up clips of ESC's lengths, and a study to train on them, so that the benchmark runs for anybody."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from soundclr.audio.decode import trim
from soundclr.audio.features import UNSEALED, Waveforms, beginning, seal
from soundclr.params import DatasetSettings, Params, RunSettings, StudySettings

NAME = "benchmark"  # of the dataset and of the study
RATE, SAMPLES = 44100, 220500
CLASSES, FOLDS = 10, 5


def clips(count: int, samples: int = SAMPLES) -> list[npt.NDArray[np.int16]]:
    """Tones in noise that swell and fade, ``samples`` each; about a quarter end in zeros, as in ESC-10."""
    random = np.random.default_rng(0)
    time = np.arange(samples) / RATE
    made = []
    for _ in range(count):
        swell = 0.05 + np.sin(np.pi * (random.uniform(0.2, 2) * time + random.uniform())) ** 2
        tone = np.sin(2 * np.pi * random.uniform(100, 8000) * time)
        clip = 4000 * swell * (tone + 0.3 * random.standard_normal(samples))
        if random.uniform() < 0.24:
            clip[int(random.uniform(0.08, 0.96) * samples) :] = 0
        made.append(clip.astype(np.int16))
    return made


def waveforms(arrays: list[npt.NDArray[np.int16]], rate: int = RATE) -> Waveforms:
    """``arrays`` trimmed, in memory, with labels and folds in turn."""
    bare = Waveforms.from_arrays([trim(array) for array in arrays], rate)
    number = torch.arange(len(arrays))
    classes = tuple(f"class{label}" for label in range(CLASSES))
    return Waveforms(
        bare.samples, bare.offsets, number % CLASSES, number % FOLDS + 1, bare.clips, classes, rate, bare.clips
    )


def parameters(params: Params, samples: int = SAMPLES, rate: int = RATE, **settings: Any) -> Params:
    """``params`` with the dataset and the study ``benchmark``, which lays ``settings`` over the defaults."""
    dataset = DatasetSettings(
        adapter="synthetic", title=NAME, classes=CLASSES, folds=FOLDS, sample_rate=rate, samples=samples
    )
    recipes = ("cross_entropy", "supervised_contrastive", "hybrid")
    study = StudySettings(title=NAME, note=NAME, datasets=(NAME,), recipes=recipes, seeds=(0,), settings=settings)
    datasets = {**params.datasets, NAME: dataset}  # recipes name some of the others
    return params.model_copy(update={"study": NAME, "datasets": datasets, "studies": {NAME: study}})


def run_settings(params: Params, recipe: str, batch_size: int, encoder: str = "resnet50") -> RunSettings:
    """The settings of a recipe at the paper's input size, its encoder from scratch."""
    training = {"batch_size": batch_size, "precision": "auto"}
    study = parameters(params, encoder=encoder, start={"weights": "none"}, training=training)
    return study.resolve(NAME, NAME, recipe)


def write_sparse(path: Path, count: int, samples: int) -> None:
    """A features file of ``count`` clips of ``samples`` zeros, which takes no room on the disk."""
    number = np.arange(count, dtype=np.int64)
    small = {
        "offsets": np.arange(count + 1, dtype=np.int64) * samples,
        "labels": number % CLASSES,
        "folds": number % FOLDS + 1,
    }
    metadata = {
        "clips": json.dumps([f"clip{index}" for index in range(count)]),
        "sources": json.dumps([f"clip{index}" for index in range(count)]),
        "classes": json.dumps([f"class{label}" for label in range(CLASSES)]),
        "sample_rate": str(RATE),
        "index_sha256": "0" * 64,
        "sha256": UNSEALED,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(beginning(small, count * samples, metadata, np.dtype(np.int16)))
        file.truncate(file.tell() + 2 * count * samples)
    seal(path)
