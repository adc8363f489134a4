"""The path that a user writes with librosa and NumPy: one WAV file at a time, in data-loader workers."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from soundclr.audio.augmentations import FrequencyMask, TimeMask
from soundclr.audio.pipeline import Augment
from soundclr.audio.representations import LogMel, representation_of
from soundclr.errors import UserError
from soundclr.params import RunSettings

try:
    import librosa as librosa  # what baseline_clar has it from
except ImportError as error:
    raise UserError(
        "librosa is not installed; it comes with the test extra: pip install 'soundclr[test]', or `make env`"
    ) from error

Float = npt.NDArray[np.float32]


def write_wavs(arrays: Sequence[npt.NDArray[np.int16]], rate: int, folder: Path) -> list[Path]:
    """The clips as WAV files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:04}.wav" for number in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        soundfile.write(path, array, rate)
    return paths


def image(path: Path, settings: RunSettings, random: np.random.Generator, held_out: bool = False) -> Float:
    """Load, trim, scale, pad or crop, log-mel, masks: (bands, frames) in dB, as ``Inputs.train_batch`` makes them.

    Kept in float32, which is faster than what ``np.interp`` leaves. Of a clip that is ``held_out`` nothing is random.
    """
    augment, logmel = Augment.from_choices(() if held_out else settings.stages[0].augment), representation_of(settings)
    assert isinstance(logmel, LogMel)
    samples, rate = soundfile.read(path, dtype="float32")
    sounding = np.flatnonzero(samples)
    samples = samples[sounding[0] : sounding[-1] + 1] if len(sounding) else samples
    scale = augment.scale.factor ** random.uniform(-1, 1) if augment.scale else 1.0
    count = max(1, int(len(samples) * scale))
    scaled = np.interp(np.arange(count) / scale, np.arange(len(samples)), samples).astype(np.float32)
    spectrogram = librosa.feature.melspectrogram(
        y=place(scaled, settings.audio.samples, 0.5 if held_out else random.uniform()),
        sr=rate,
        n_fft=logmel.n_fft,
        hop_length=logmel.hop_length,
        n_mels=logmel.n_mels,
        window=logmel.window,
    )
    decibels = librosa.power_to_db(spectrogram * 32768**2, ref=np.max, top_db=-logmel.floor_db)
    for mask in augment.spectrogram:
        assert isinstance(mask, FrequencyMask | TimeMask)
        axis = mask.axis - 2  # without clips and channels
        for _ in range(mask.count):
            size = int(random.integers(0, min(mask.width, decibels.shape[axis]) + 1))
            start = int(random.integers(0, decibels.shape[axis] - size + 1))
            decibels[(slice(None),) * axis + (slice(start, start + size),)] = mask.value
    return decibels


def place(scaled: Float, length: int, position: float) -> Float:
    """Pad or crop to ``length`` samples; a quiet window gives way to the first one or the last."""
    spare = len(scaled) - length
    left = int(position * abs(spare))
    if spare <= 0:
        return np.pad(scaled, (left, -spare - left), mode="edge")
    window, half = scaled[left : left + length], 0.5 * scaled.std(ddof=1)
    if window.std(ddof=1) >= half:
        return window
    first, last = scaled[:length], scaled[-length:]
    return last if half > first.std(ddof=1) > window.std(ddof=1) else first


class Images(Dataset[tuple[Tensor, int]]):
    """``count`` images from WAV files, which are used as often as it takes, to train on or ``held_out``."""

    def __init__(
        self, paths: Sequence[Path], labels: Sequence[int], settings: RunSettings, count: int, held_out: bool = False
    ) -> None:
        self.paths, self.labels, self.settings, self.count = paths, labels, settings, count
        self.held_out = held_out

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        clip = index % len(self.paths)
        made = image(self.paths[clip], self.settings, np.random.default_rng(index), self.held_out)
        return torch.from_numpy(made)[None].repeat(representation_of(self.settings).channels, 1, 1), self.labels[clip]


def batches(images: Images, batch_size: int, workers: int, pin: bool) -> Iterator[tuple[Tensor, Tensor]]:
    """The images in a random order from a data loader with this many workers."""
    yield from DataLoader(images, batch_size, shuffle=True, num_workers=workers, pin_memory=pin)
