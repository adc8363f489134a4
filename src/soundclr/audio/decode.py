"""Audio files as mono arrays: decoding, resampling, int16, and the trim of exact zeros."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from torchaudio.functional import resample

from soundclr.errors import UserError
from soundclr.wav import missing_bytes

FULL_SCALE = 32768
"""The int16 value that stands for an amplitude of 1."""


def read_audio(path: Path, sample_rate: int) -> npt.NDArray[np.float32]:
    """Decode a WAV, FLAC, Ogg or MP3 file to mono float32 in [-1, 1] at ``sample_rate`` (in hertz).

    Several channels become their mean; another rate is resampled (windowed sinc). Lossy files may decode,
    and resampling may ring, a little past full scale: the samples are clipped to it.

    Raises:
        UserError: the file is missing, is not audio that libsndfile reads, is empty, is a WAV file that was cut
            off, or has a sample that is not a number.
    """
    try:
        channels, rate = soundfile.read(path, dtype="float32", always_2d=True)
        missing = missing_bytes(path)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"{path}: cannot be decoded as audio ({error})") from error
    if missing:
        raise UserError(f"{path}: is cut off, {missing} bytes before the end that its header gives; replace it")
    if len(channels) == 0:
        raise UserError(f"{path}: has no samples; remove it or replace it")
    if not np.isfinite(channels).all():
        raise UserError(f"{path}: has samples that are NaN or infinite; remove it or replace it")
    samples: npt.NDArray[np.float32] = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1)
    if rate != sample_rate:
        samples = resample(torch.from_numpy(samples), rate, sample_rate).numpy()
    return samples.clip(-1.0, 1.0)


def to_int16(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """Samples in [-1, 1] as int16: times 32768, rounded to the nearest, clipped to the range of int16."""
    scaled = samples * FULL_SCALE
    return np.clip(np.rint(scaled, out=scaled), -FULL_SCALE, FULL_SCALE - 1, out=scaled).astype(np.int16)


def trim(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """``samples`` without their leading and trailing exact zeros; a clip of nothing but zeros stays whole."""
    sounding = samples != 0
    return samples[sounding.argmax() : len(samples) - sounding[::-1].argmax()]
