"""Log-mel spectrograms of a batch of waveforms, in decibels below each clip's maximum."""

import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torchaudio.functional import melscale_fbanks

from soundclr.audio.decode import FULL_SCALE

if TYPE_CHECKING:
    from soundclr.params import LogMelSettings

SMALLEST_POWER = 1e-10
BANDS_AT_ONCE = 32  # in one matrix product, over the few bins that they have
WINDOWS = {"hann": torch.hann_window, "hamming": torch.hamming_window}
PADDINGS = {"zeros": "constant", "reflect": "reflect"}


class LogMel(torch.nn.Module):
    """(batch, samples) in [-1, 1] -> (batch, bands, frames) in dB, 0 the clip's maximum, down to the floor.

    frames = samples // hop + 1: 128 x 431 for 5 s at 44.1 kHz. The same numbers as librosa's
    ``power_to_db(melspectrogram(32768 * waveform), ref=np.max)``: centred frames, periodic window, power,
    Slaney's mel scale and area norm from 0 to half the sample rate. A silent clip is 0 everywhere, as there.
    Computed in float32, whatever autocast says.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, settings: "LogMelSettings", sample_rate: int) -> None:
        """Prepare window and filters; ``sample_rate`` in hertz."""
        super().__init__()
        self.settings = settings
        self.register_buffer("window", WINDOWS[settings.window](settings.fft), persistent=False)
        self.register_buffer("filters", _filters(settings, sample_rate), persistent=False)
        self.parts = _parts(self.filters)

    def forward(self, waveforms: Tensor) -> Tensor:
        """The spectrograms of ``waveforms``; the result's memory order is (batch, frames, bands)."""
        settings = self.settings
        with torch.autocast(waveforms.device.type, enabled=False):
            spectra = torch.stft(
                waveforms * FULL_SCALE,
                settings.fft,
                settings.hop,
                window=self.window,
                center=True,
                pad_mode=PADDINGS[settings.padding],
                return_complex=True,
            ).transpose(1, 2)
            real, imaginary = torch.view_as_real(spectra).square_().unbind(-1)
            power = real + imaginary
            mel = torch.cat([power[..., bins] @ self.filters[bins, bands] for bins, bands in self.parts], -1)
            decibels = mel.clamp_(min=SMALLEST_POWER).log10_().mul_(10)
        decibels -= decibels.amax((1, 2), keepdim=True)
        return decibels.clamp_(min=settings.floor_db).transpose(1, 2)


def _filters(settings: "LogMelSettings", sample_rate: int) -> Tensor:
    """The mel filters, (fft // 2 + 1, bands)."""
    with warnings.catch_warnings():
        # Small settings have bands that no bin falls into; librosa, too, leaves them at zero.
        warnings.filterwarnings("ignore", message="At least one mel filterbank has all zero values")
        bins = settings.fft // 2 + 1
        filters: Tensor = melscale_fbanks(bins, 0.0, sample_rate / 2, settings.bands, sample_rate, "slaney", "slaney")
    return filters


def _parts(filters: Tensor) -> list[tuple[slice, slice]]:
    """The bins and bands of the blocks outside which all filters are zero: a quarter of the whole product."""
    parts = []
    for first in range(0, filters.shape[1], BANDS_AT_ONCE):
        bands = slice(first, first + BANDS_AT_ONCE)
        used = filters[:, bands].any(1).nonzero().flatten().tolist() or [0]
        parts.append((slice(used[0], used[-1] + 1), bands))
    return parts
