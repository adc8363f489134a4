"""Reads sound files as mono arrays: decoding, resampling, trimming of exact zeros, int16."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from soundclr.audio.containers import check_container
from soundclr.errors import UserError

Samples = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int16] | npt.NDArray[np.uint8]  # of a sound, of a picture
Number = TypeVar("Number", bound=np.generic)
Mix = Literal["mean", "sum"]  # what several channels become

FULL_SCALE = 32768
"""The int16 value of amplitude 1."""
RATES = range(1_000, 768_001)  # hertz
LONGEST = 3600  # seconds
AT_ONCE = 1 << 22  # samples of all channels, decoded at a time: most clips whole, long ones in parts
MOST_FLOAT = 256  # times full scale; more cannot be a level that is merely too high
CLIPPED = 1e-3  # the share of a file's float samples beyond full scale from which a warning is printed
CANCELLED = 1e-4  # the mix's share of the channels' energy, -40 dB, below which a warning is printed
MP3_FRAME = 1152  # samples; some programs count one frame too many


class _Sound(soundfile.SoundFile):
    """A file that is read from beginning to end. soundfile would seek after each part, which breaks MP3."""

    def seekable(self) -> bool:
        return False


def read_audio(path: Path, sample_rate: int, channels: Mix = "mean") -> Samples:
    """Decode a WAV, FLAC, Ogg or MP3 file to mono float32 in [-1, 1] at ``sample_rate`` (in hertz).

    Several channels are averaged or summed. Another rate is resampled by soxr, as in librosa. Sums, lossy files and
    resampling may exceed full scale, so the samples are clipped.

    Raises:
        UserError: the file is missing, in another container, empty, longer than an hour, or has an unusual rate; it is
            incomplete; or it has samples that are NaN, or that are evidently integers saved as floats.
    """
    return read_with_losses(path, sample_rate, channels)[0]


def read_with_losses(path: Path, sample_rate: int, channels: Mix = "mean") -> tuple[Samples, dict[str, str]]:
    """As :func:`read_audio`, and also what the sound lost: kind of loss -> a phrase."""
    with _opened(path) as (sound, promised):
        levels = Levels(sound)
        blocks = _blocks(path, sound, promised, channels, levels)
        same = sound.samplerate == sample_rate
        samples = np.concatenate(list(blocks) if same else _resampled(blocks, sound.samplerate, sample_rate))
    levels.check(path)
    return samples.clip(-1.0, 1.0, out=samples), levels.losses()


def check_audio(path: Path) -> None:
    """Raise the UserError that :func:`read_audio` would; a WAV file of integers is not decoded for that."""
    with _opened(path) as (sound, promised):
        levels = Levels(sound)
        if sound.format not in ("WAV", "WAVEX", "RF64") or not sound.subtype.startswith("PCM"):
            for _ in _blocks(path, sound, promised, "mean", levels):
                pass
    levels.check(path)


class Levels:
    """Measures a file's decoded samples: floats may exceed full scale, and channels may cancel each other."""

    def __init__(self, sound: soundfile.SoundFile) -> None:
        self.floats = sound.subtype in ("FLOAT", "DOUBLE")
        self.several = sound.channels > 1
        self.samples = self.beyond = 0  # of all channels, and those beyond full scale
        self.peak, self.whole = 0.0, True
        self.energy = self.mixed = 0.0  # sums of squares: the mean over channels, and of the mix

    def take(self, block: Samples, mix: Samples) -> None:
        """Add a part of the file: its samples (samples, channels) and their mix (samples,)."""
        if self.floats:
            self.samples += block.size
            self.beyond += int((abs(block) > 1).sum())
            self.peak = max(self.peak, float(abs(block).max()))
            self.whole = self.whole and bool((block == np.rint(block)).all())
        if self.several:
            self.energy += float(np.square(block, dtype=np.float64).mean(axis=1).sum())
            self.mixed += float(np.square(mix, dtype=np.float64).sum())

    def check(self, path: Path) -> None:
        """Raise UserError for floats that are evidently integers."""
        if self.peak > MOST_FLOAT or (self.whole and self.peak > 1):
            raise UserError(
                f"{path}: has floating-point samples up to {self.peak:,.0f}, where 1 is full scale, as when integers "
                "are saved as floats; divide them by the integers' full scale (int16: 32768), or save them as integers"
            )

    def losses(self) -> dict[str, str]:
        """What the sound lost: kind of loss -> a phrase."""
        found = {}
        if self.beyond >= CLIPPED * self.samples > 0:
            share = f"{100 * self.beyond / self.samples:.2g} % of its samples"
            found["clipped"] = f"{share} exceed full scale, by up to {self.peak:.3g} times, and are clipped"
        if self.mixed < CANCELLED * self.energy:
            found["cancelled"] = "its channels cancel each other, so that hardly anything is left in mono"
        return found


@contextmanager
def _opened(path: Path) -> Iterator[tuple[_Sound, int]]:
    """Open a file whose container and header are in order; yields it and the number of samples it must have.

    Errors of libsndfile in the block become UserErrors.
    """
    most = check_container(path)
    try:
        with _Sound(path) as sound:
            if sound.frames == 0:
                raise UserError(f"{path}: has no samples; remove it or replace it")
            if sound.samplerate not in RATES:
                allowed = f"from {RATES[0]:,} to {RATES[-1]:,} Hz are read"
                raise UserError(f"{path}: has a rate of {sound.samplerate:,} Hz; rates {allowed}")
            promised = min(sound.frames, most)
            if promised > LONGEST * sound.samplerate:
                raise UserError(f"{path}: is longer than an hour; split it into parts")
            yield sound, promised
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        reason = getattr(error, "error_string", error)
        raise UserError(f"{path}: cannot be decoded, it is damaged or cut off ({reason})") from error


def _blocks(path: Path, sound: _Sound, promised: int, channels: Mix, levels: Levels) -> Iterator[Samples]:
    """Mix the channels part by part, so that a wrong length in the header takes no memory."""
    left, most = promised, AT_ONCE // sound.channels
    while left > 0 and len(block := sound.read(min(left, most), dtype="float32", always_2d=True)):
        if not np.isfinite(block).all():
            raise UserError(f"{path}: has samples that are NaN or infinite; remove it or replace it")
        left -= len(block)
        mix = block[:, 0] if sound.channels == 1 else getattr(block, channels)(axis=1)
        levels.take(block, mix)
        yield mix
    if left > (MP3_FRAME if sound.format == "MP3" and left < promised else 0):
        raise UserError(f"{path}: is cut off, {left} samples before the end that its header gives; replace it")


def _resampled(blocks: Iterator[Samples], rate: int, sample_rate: int) -> list[Samples]:
    """Resample to ``sample_rate``; the result has at least one sample."""
    stream = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32")
    parts = [stream.resample_chunk(block) for block in blocks]
    parts.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    return parts if any(map(len, parts)) else [np.zeros(1, np.float32)]


def sounding(samples: npt.NDArray[Number]) -> slice:
    """The slice without leading and trailing exact zeros; all samples if all are zero."""
    sounds = samples != 0
    return slice(int(sounds.argmax()), len(samples) - int(sounds[::-1].argmax()))


def trim(samples: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Remove leading and trailing exact zeros; a clip of zeros only is returned whole."""
    return samples[sounding(samples)]


def to_int16(samples: Samples) -> npt.NDArray[np.int16]:
    """Samples in [-1, 1] as int16: times 32768, rounded to the nearest, clipped to the range of int16."""
    scaled = samples * FULL_SCALE
    return np.clip(np.rint(scaled, out=scaled), -FULL_SCALE, FULL_SCALE - 1, out=scaled).astype(np.int16)
