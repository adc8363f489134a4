"""CLAR's three channels of a batch of waveforms: magnitude and phase at geometric frequencies, and mel bands."""

import functools
import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from soundclr.audio.logmel import MelBands, mel_filters, power

# In dB. The reference code has these 20 and 10 by an argument (`db_multiplier`) that it probably did not intend.
MAGNITUDE_OFFSET, MEL_OFFSET = -20.0, -10.0
POWER_FLOOR, MEL_FLOOR = 1e-8, 1e-5
BANDS_AT_ONCE = 16  # in one matrix product


class ClarTransform:
    """(clips, samples) in [-1, 1] -> (clips, 3, bands, frames), channels-last: see :class:`representations.Clar`.

    A frequency off the Fourier transform's grid needs a product with a cosine and a sine. Frames overlap many times, so
    the products are computed once per block and rotated to the block's place; a frame is the sum of its blocks. These
    products have no window. Hann's window gives 1/2 of the frequency's product minus 1/4 of the products of the two
    frequencies that are one cycle per window away.
    The result is in float32, also under autocast.
    """

    def __init__(
        self,
        sample_rate: int,
        device: torch.device,
        n_fft: int,
        window: int,
        hop_length: int,
        bands: int,
        lowest: float,
        highest: float,
    ) -> None:
        self.n_fft, self.hop_length, self.bands = n_fft, hop_length, bands
        self.block = math.gcd(window, hop_length)
        self.window = torch.hann_window(window, device=device)
        self.around = n_fft // 2 - window // 2  # zeros on both sides of the window in a frame
        side = 2 * torch.pi / window
        self.radians = 2 * torch.pi / sample_rate * frequencies(bands, lowest, highest)  # a sample
        self.shifted = torch.cat([self.radians + turn for turn in (0, -side, side)])[:, None]
        angles = self.shifted * (torch.arange(self.block // 2) + 0.5)  # about the block's middle
        self.cosines, self.sines = angles.cos().float().to(device), angles.sin().float().to(device)
        self.turns = functools.lru_cache(maxsize=4)(self._turns)
        self.mel = MelBands(mel_filters(sample_rate, n_fft, bands, lowest, highest).to(device), BANDS_AT_ONCE)

    def __call__(self, waveforms: Tensor) -> Tensor:
        """Compute the channels of ``waveforms``."""
        with torch.autocast(waveforms.device.type, enabled=False):
            padded = pad(waveforms, (self.n_fft // 2, self.n_fft // 2), mode="reflect")
            real, minus_imaginary = self._products(padded)
            magnitude = torch.addcmul(real.square(), minus_imaginary, minus_imaginary)
            magnitude.add_(POWER_FLOOR).log10_().mul_(10).add_(MAGNITUDE_OFFSET)
            phase = torch.atan2(-minus_imaginary, real.add_(0))  # + 0: the phase of silence is 0, not that of -0
            mel = self._mel_bands(padded).clamp_(min=MEL_FLOOR).log10_().mul_(10).add_(MEL_OFFSET)
            image = torch.stack([magnitude, phase, mel.transpose(1, 2)], -1)
        return image.permute(0, 3, 1, 2)

    def _products(self, padded: Tensor) -> tuple[Tensor, Tensor]:
        """The products of the windowed frames with cosines and with sines: (clips, bands, frames) each."""
        blocks = padded[:, self.around : padded.shape[1] - self.around]
        blocks = blocks[:, : blocks.shape[1] // self.block * self.block].unflatten(1, (-1, self.block))
        before, after = blocks[..., : self.block // 2].flip(-1), blocks[..., self.block // 2 :]
        even = self.cosines @ (after + before).transpose(1, 2)
        odd = self.sines @ (after - before).transpose(1, 2)
        cosine, sine, back_cosine, back_sine = self.turns(blocks.shape[1])
        count, step = len(self.window) // self.block, self.hop_length // self.block
        real = sums(torch.addcmul(even * cosine, odd, sine, value=-1), count)[..., ::step]
        minus_imaginary = sums(torch.addcmul(even * sine, odd, cosine), count)[..., ::step]
        real, minus_imaginary = (
            torch.addcmul(real * back_cosine, minus_imaginary, back_sine),
            torch.addcmul(minus_imaginary * back_cosine, real, back_sine, value=-1),
        )
        return real.unflatten(1, (3, -1)).sum(1), minus_imaginary.unflatten(1, (3, -1)).sum(1)

    def _turns(self, blocks: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Cosines and sines that rotate ``blocks`` blocks to the clip's beginning, and frames back to theirs.

        Those of the frames include the weights of Hann's window.
        """
        middles = self.block * torch.arange(blocks) + (self.block - 1) / 2
        there = self.shifted * middles
        begins = torch.arange(0, (blocks + 1) * self.block - len(self.window), self.hop_length)
        back = self.shifted * begins - self.around * self.radians.repeat(3)[:, None]
        weights = torch.tensor([0.5, -0.25, -0.25]).repeat_interleave(self.bands)[:, None]
        tables = there.cos(), there.sin(), weights * back.cos(), weights * back.sin()
        device = self.window.device
        cosine, sine, back_cosine, back_sine = (table.float().to(device, non_blocking=True) for table in tables)
        return cosine, sine, back_cosine, back_sine

    def _mel_bands(self, padded: Tensor) -> Tensor:
        """The frames' power in mel bands: (clips, frames, bands)."""
        spectra = torch.stft(
            padded,
            self.n_fft,
            self.hop_length,
            len(self.window),
            window=self.window,
            center=False,
            return_complex=True,
        )
        return self.mel(power(spectra.transpose(1, 2)))


def frequencies(bands: int, lowest: float, highest: float) -> Tensor:
    """``bands`` frequencies in geometric progression, from ``lowest`` to one step below ``highest``: float64."""
    return lowest * (highest / lowest) ** (torch.arange(bands, dtype=torch.float64) / bands)


def sums(values: Tensor, count: int) -> Tensor:
    """Sums over ``count`` neighbours on the last axis, combined from sums over 1, 2, 4 and so on."""
    width = values.shape[-1] - count + 1
    total, begin, size = None, 0, 1
    while True:
        if count & size:
            part = values[..., begin : begin + width]
            total = part if total is None else total + part
            begin += size
        if 2 * size > count:
            assert total is not None
            return total
        values = values[..., :-size] + values[..., size:]
        size *= 2
