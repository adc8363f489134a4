"""A toy problem that trains in a second: three classes of tones at 4 kHz, three folds, the encoder 'small'."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save_file

from soundclr.audio.features import UNSEALED, Waveforms, seal
from soundclr.params import AudioSettings, Choice, Params, RunSettings, read_params
from soundclr.run import runs

RATE, SAMPLES, CLASSES, FOLDS = 4000, 2048, ("low", "middle", "high"), 3
HERTZ = (250, 700, 1600)

DATASET = {
    "title": "toy",
    "adapter": "synthetic",
    "classes": 3,
    "folds": FOLDS,
    "sample_rate": RATE,
    "samples": SAMPLES,
    "synthetic": {"clips_per_fold": 3, "seed": 0},
}
STUDY: dict[str, Any] = {
    "title": "toy",
    "note": "for the tests",
    "datasets": ["toy"],
    "recipes": ["cross_entropy", "supervised_contrastive", "hybrid"],
    "seeds": [0],
    "settings": {
        # Masks as loud as the tones would be tones.
        "augmentations": {
            "scale": {"factor": 1.1},
            "frequency_mask": {"width": 2, "value": -80.0},
            "time_mask": {"width": 2, "value": -80.0},
        },
        "representations": {"log_mel": {"n_fft": 128, "hop_length": 64, "n_mels": 32, "channels": 1}},
        "encoder": "small",
        "start": {"weights": "none"},
        "projection": {"layers": ["normalise", {"linear": 8}]},
        "schedules": {"exponential": {"warmup": 0.1, "final": 0.9}},
        "training": {"epochs": 3, "patience": 3, "batch_size": 5, "lr": 3.0e-3, "head_factor": 5.0},
    },
}


class Interrupted(BaseException):
    """Stands for a killed job: nothing in the package may catch it."""


def content(repo: Path) -> dict[str, Any]:
    """The repository's params.yaml with the dataset and the study ``toy``, which is the default, as plain values."""
    plain: dict[str, Any] = read_params(repo / "params.yaml")
    plain["datasets"]["toy"], plain["studies"]["toy"], plain["study"] = DATASET, STUDY, "toy"
    return json.loads(json.dumps(plain))


def params(repo: Path, **changes: Any) -> Params:
    """:func:`content` as parameters, with other settings: keys of `training` or of the settings themselves."""
    plain = content(repo)
    settings = plain["studies"]["toy"]["settings"]
    for key, value in changes.items():
        block = settings["training"] if key in plain["defaults"]["training"] else settings
        block[key] = value
    return Params.model_validate(plain)


def arrays(clips_per_fold: int = 3) -> tuple[list[np.ndarray], list[int], list[int], list[str]]:
    """int16 clips of different lengths, their labels from 0, folds from 1, and names."""
    random = np.random.default_rng(0)
    clips, labels, folds, names = [], [], [], []
    for fold in range(1, FOLDS + 1):
        for label, hertz in enumerate(HERTZ):
            for take in range(clips_per_fold):
                time = np.arange(int(random.integers(1200, 2600))) / RATE
                tone = np.sin(2 * np.pi * (hertz * random.uniform(0.95, 1.05) * time + random.uniform()))
                clips.append((8000 * tone + random.normal(0, 400, len(time))).astype(np.int16))
                labels.append(label)
                folds.append(fold)
                names.append(f"{fold}-{CLASSES[label]}-{take}")
    return clips, labels, folds, names


IDENTICAL = {  # made up
    "groups": 2,
    "clips": 5,
    "across_folds": 1,
    "across_classes": 0,
    "names": [["a", "b"], ["c", "d", "e"]],
}


def waveforms() -> Waveforms:
    """The toy clips in memory."""
    clips, labels, folds, names = arrays()
    bare = Waveforms.from_arrays(clips, RATE)
    named = tuple(names), CLASSES, RATE, tuple(names), "", IDENTICAL
    return Waveforms(bare.samples, bare.offsets, torch.tensor(labels), torch.tensor(folds), *named)


def pictures(side: int = 16) -> Waveforms:
    """As many pictures as clips, in the same folds: noise with more of its class's colour."""
    random = np.random.default_rng(0)
    clips = waveforms()
    arrays = []
    for label in clips.labels.tolist():
        noise = random.integers(0, 128, (3, side, side), dtype=np.uint8)
        noise[label] += 64
        arrays.append(noise.reshape(-1))
    return replace(
        clips, samples=(bare := Waveforms.from_arrays(arrays, 0)).samples, offsets=bare.offsets, sample_rate=0
    )


def of_pictures(settings: RunSettings, side: int = 16) -> RunSettings:
    """The same settings, of :func:`pictures`."""
    picture = Choice(name="picture", parameters={"channels": 3})
    audio = AudioSettings(sample_rate=0, samples=3 * side**2)
    return settings.model_copy(update={"audio": audio, "representation": picture})


def write_features(path: Path, source: Waveforms | None = None) -> Path:
    """The toy clips, or ``source``, as a features file."""
    source = source or waveforms()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {"samples": source.samples, "offsets": source.offsets, "labels": source.labels, "folds": source.folds},
        path,
        metadata={
            "clips": json.dumps(source.clips),
            "classes": json.dumps(source.classes),
            "sources": json.dumps(source.sources),
            "sample_rate": str(source.sample_rate),
            "index_sha256": source.index_sha256 or "0" * 64,
            "identical_clips": json.dumps(source.identical),
            "sha256": UNSEALED,
        },
    )
    seal(path)
    return path


def project(repo: Path, folder: Path) -> Params:
    """Write params.yaml and the features below ``folder``, as a person has them who is about to train."""
    (folder / "params.yaml").write_text(yaml.safe_dump(content(repo)), encoding="utf-8")
    parameters = params(repo)
    write_features(runs.features_path(parameters, "toy", folder / "data"))
    return parameters
