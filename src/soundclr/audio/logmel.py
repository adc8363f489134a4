"""Log-mel spectrograms of a batch of waveforms, in dB relative to each clip's maximum or another reference."""

import math
import warnings
from typing import Literal

import torch
from torch import Tensor
from torchaudio.functional import melscale_fbanks

from soundclr.audio.decode import FULL_SCALE

SMALLEST_POWER = 1e-10
BANDS_AT_ONCE = 16  # in one matrix product
WINDOWS = {"hann": torch.hann_window, "hamming": torch.hamming_window}
PADDINGS = {"zeros": "constant", "reflect": "reflect"}


class LogMelTransform:
    """(batch, samples) in [-1, 1] -> (batch, 1, bands, frames) in dB: see :class:`representations.LogMel`.

    The result is in float32, also under autocast; its memory order is (batch, frames, bands).
    """

    def __init__(
        self,
        sample_rate: int,
        device: torch.device,
        n_fft: int,
        hop_length: int,
        n_mels: int,
        window: str = "hann",
        padding: str = "zeros",
        floor_db: float = -80.0,
        fmin_hz: float = 0.0,
        fmax_hz: float | None = None,
        reference_power: float | None = None,
    ) -> None:
        self.n_fft, self.hop_length, self.floor_db = n_fft, hop_length, floor_db
        self.reference_db = None if reference_power is None else 10 * math.log10(reference_power * FULL_SCALE**2)
        self.padding = PADDINGS[padding]
        # A power of two, so exact; cheaper than scaling the samples
        self.window = FULL_SCALE * WINDOWS[window](n_fft).to(device)
        self.mel = MelBands(mel_filters(sample_rate, n_fft, n_mels, fmin_hz, fmax_hz).to(device))

    def __call__(self, waveforms: Tensor) -> Tensor:
        """Compute the spectrograms of ``waveforms``."""
        with torch.autocast(waveforms.device.type, enabled=False):
            spectra = torch.stft(
                waveforms,
                self.n_fft,
                self.hop_length,
                window=self.window,
                center=True,
                pad_mode=self.padding,
                return_complex=True,
            ).transpose(1, 2)
            decibels = self.mel(power(spectra)).clamp_(min=SMALLEST_POWER).log10_().mul_(10)
        decibels -= decibels.amax((1, 2), keepdim=True) if self.reference_db is None else self.reference_db
        return decibels.clamp_(min=self.floor_db).transpose(1, 2)[:, None]


class MelBands:
    """Power of bins (..., frames, bins) -> power of mel bands (..., frames, bands), with ``filters`` (bins, bands).

    It multiplies ``at_once`` bands at a time with the few bins that contribute to them.
    """

    def __init__(self, filters: Tensor, at_once: int = BANDS_AT_ONCE) -> None:
        self.filters, self.parts = filters, blocks(filters, at_once)

    def __call__(self, power: Tensor) -> Tensor:
        """Compute the bands' power; to get float32, call it outside autocast."""
        return torch.cat([power[..., bins] @ self.filters[bins, bands] for bins, bands in self.parts], -1)


def power(spectra: Tensor) -> Tensor:
    """The squared magnitude of complex ``spectra``, which are overwritten."""
    real, imaginary = torch.view_as_real(spectra).square_().unbind(-1)
    return real + imaginary


def mel_filters(
    sample_rate: int,
    n_fft: int,
    n_mels: int,
    lowest: float = 0.0,
    highest: float | None = None,
    scale: Literal["slaney", "htk"] = "slaney",
) -> Tensor:
    """Mel filters from ``lowest`` to ``highest`` hertz (None: half the sample rate): (n_fft // 2 + 1, n_mels).

    Slaney's have area norm, HTK's have none, which are the defaults of librosa and torchaudio.
    """
    with warnings.catch_warnings():
        # With few bins some bands have none; they are zero, as in librosa.
        warnings.filterwarnings("ignore", message="At least one mel filterbank has all zero values")
        bins, norm = n_fft // 2 + 1, "slaney" if scale == "slaney" else None
        top = sample_rate / 2 if highest is None else highest
        filters: Tensor = melscale_fbanks(bins, lowest, top, n_mels, sample_rate, norm, scale)
    return filters


def blocks(filters: Tensor, at_once: int) -> list[tuple[slice, slice]]:
    """Blocks of bins and bands that cover all nonzero filters: a quarter of the whole product."""
    parts = []
    for first in range(0, filters.shape[1], at_once):
        bands = slice(first, first + at_once)
        used = filters[:, bands].any(1).nonzero().flatten().tolist() or [0]
        parts.append((slice(used[0], used[-1] + 1), bands))
    return parts
