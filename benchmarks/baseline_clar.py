"""What a user writes for CLAR with librosa and NumPy: a clip at a time, in float32, matrix products where they help."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.baseline import Float, librosa
from soundclr.audio.pipeline import Augment
from soundclr.audio.representations import Clar, representation_of
from soundclr.audio.waveform_augmentations import (
    Fade,
    MixedNoise,
    PitchAndStretch,
    PitchShift,
    TimeShift,
    TimeStretch,
    WaveformMask,
    WhiteNoise,
)
from soundclr.params import RunSettings

RATE = 16_000
CURVES: dict[str, Callable[[Float], Float]] = {
    "linear": lambda ramp: ramp,
    "logarithmic": lambda ramp: np.clip(1 + np.log10(0.1 + ramp), 0, 1),
    "exponential": lambda ramp: ramp * np.exp2(ramp - 1),
}


def image(path: Path, settings: RunSettings, random: np.random.Generator) -> Float:
    """Load, pad, augment, three channels: (3, bands, frames), as ``Inputs.train_batch`` makes them."""
    clar = representation_of(settings)
    assert isinstance(clar, Clar)
    samples, rate = soundfile.read(path, dtype="float32")
    sounding = np.flatnonzero(samples)
    samples = samples[sounding[0] : sounding[-1] + 1] if len(sounding) else samples
    spare = settings.audio.samples - len(samples)
    samples = np.pad(samples, (spare // 2, spare - spare // 2), mode="edge")
    for choice, entry in zip(
        settings.stages[0].augment, Augment.from_choices(settings.stages[0].augment).waveform, strict=True
    ):
        samples = CHANGES[choice.name](samples, entry, random)
    return channels(samples, rate, clar)


def channels(samples: Float, rate: int, clar: Clar) -> Float:
    """Magnitude, phase and mel."""
    padded = np.pad(samples, clar.n_fft // 2, mode="reflect")
    frames = librosa.util.frame(padded, frame_length=clar.n_fft, hop_length=clar.hop_length)
    real, minus_imaginary = np.split(basis(rate, clar) @ frames, 2)
    power = librosa.feature.melspectrogram(
        y=samples,
        sr=rate,
        n_fft=clar.n_fft,
        win_length=clar.window,
        hop_length=clar.hop_length,
        n_mels=clar.bands,
        fmin=clar.lowest_hz,
        fmax=clar.highest_hz,
        pad_mode="reflect",
    )
    return np.stack(
        [
            10 * np.log10(real**2 + minus_imaginary**2 + 1e-8) - 20,
            np.arctan2(minus_imaginary, real),
            10 * np.log10(np.maximum(power, 1e-5)) - 10,
        ]
    )


@functools.cache
def basis(rate: int, clar: Clar) -> Float:
    """Windowed cosines, then minus sines: (2 * bands, n_fft)."""
    window = librosa.util.pad_center(librosa.filters.get_window("hann", clar.window), size=clar.n_fft)
    hertz = clar.lowest_hz * (clar.highest_hz / clar.lowest_hz) ** (np.arange(clar.bands) / clar.bands)
    angles = 2 * np.pi / rate * hertz[:, None] * np.arange(clar.n_fft)
    return (np.concatenate([np.cos(angles), -np.sin(angles)]) * window).astype(np.float32)


def fade(samples: Float, entry: Fade, random: np.random.Generator) -> Float:
    """Both sides."""
    curve, faded = CURVES[entry.curves[random.integers(len(entry.curves))]], samples.copy()
    into, out = random.integers(0, len(samples) // 2, 2)
    faded[:into] *= curve(np.linspace(0, 1, into, dtype=np.float32))
    faded[len(samples) - out :] *= curve(np.linspace(1, 0, out, dtype=np.float32))
    return faded


def waveform_mask(samples: Float, entry: WaveformMask, random: np.random.Generator) -> Float:
    """One stretch."""
    masked, width = samples.copy(), int(random.integers(0, int(entry.most_share * len(samples)) + 1))
    start = random.integers(0, len(samples) - width + 1)
    masked[start : start + width] = entry.sigma * random.standard_normal(width, dtype=np.float32)
    return masked


def time_shift(samples: Float, entry: TimeShift, random: np.random.Generator) -> Float:
    """Around the end."""
    furthest = int(entry.most_share * len(samples))
    return np.roll(samples, random.integers(-furthest, furthest))


def white_noise(samples: Float, entry: WhiteNoise, random: np.random.Generator) -> Float:
    """At a random ratio."""
    return noisy(samples, random.standard_normal(len(samples), dtype=np.float32), entry, random)


def mixed_noise(samples: Float, entry: MixedNoise, random: np.random.Generator) -> Float:
    """Of a random colour, filtered."""
    noise = random.standard_normal(len(samples), dtype=np.float32)
    exponent = {"white": 0.0, "pink": 0.5, "brown": 1.0}[entry.colours[random.integers(len(entry.colours))]]
    if exponent:
        cycles = np.maximum(np.arange(len(samples) // 2 + 1, dtype=np.float32), 1)
        filtered = np.fft.irfft(np.fft.rfft(noise) * cycles ** np.float32(-exponent), n=len(samples))
        noise = filtered.astype(np.float32, copy=False)
    return noisy(samples, noise, entry, random)


def noisy(samples: Float, noise: Float, entry: WhiteNoise | MixedNoise, random: np.random.Generator) -> Float:
    """``samples`` with ``noise``."""
    ratio = 10 ** (-random.uniform(entry.lowest_db, entry.highest_db) / 20)
    level = np.sqrt(np.mean(samples**2)) / np.sqrt(np.mean(noise**2))
    return samples + np.float32(level * ratio) * noise


def pitch_shift(samples: Float, entry: PitchShift, random: np.random.Generator) -> Float:
    """By librosa."""
    steps = float(random.integers(entry.lowest_semitones, entry.highest_semitones + 1))
    return librosa.effects.pitch_shift(samples, sr=RATE, n_steps=steps)


def time_stretch(samples: Float, entry: TimeStretch, random: np.random.Generator) -> Float:
    """By librosa, then cut or filled."""
    stretched = librosa.effects.time_stretch(samples, rate=random.uniform(entry.slowest, entry.fastest))
    return librosa.util.fix_length(stretched, size=len(samples))


def pitch_and_stretch(samples: Float, entry: PitchAndStretch, random: np.random.Generator) -> Float:
    """One after the other."""
    return time_stretch(pitch_shift(samples, entry, random), entry, random)


CHANGES: dict[str, Callable[[Float, Any, np.random.Generator], Float]] = {
    "fade": fade,
    "waveform_mask": waveform_mask,
    "time_shift": time_shift,
    "white_noise": white_noise,
    "mixed_noise": mixed_noise,
    "pitch_shift": pitch_shift,
    "time_stretch": time_stretch,
    "pitch_and_stretch": pitch_and_stretch,
}
