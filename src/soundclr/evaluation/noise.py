"""Noise on held-out waveforms, the same for every model that hears a clip (paper, figure 5).

A clip's noise depends on the evaluation's seed, the clip's name and the colour alone: one draw for each clip and
colour, scaled to each level. Schemes, seeds and levels, batches of any size and order thus hear the same noise.
Noisy waveforms are not clipped: they may leave [-1, 1].
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from soundclr.evaluation.conditions import Noise
from soundclr.machine.randomness import seed_of

Samples = NDArray[np.floating]


def draw(seed: int, clips: Sequence[str], colour: str, length: int, device: torch.device) -> Tensor:
    """The noise of the named clips before it is scaled: float32, (clips, length), on ``device``.

    White noise is standard normal. Made by NumPy clip by clip, whose numbers are the same in every batch and on
    every machine; PyTorch's depend on the batch and the processor's vector units.
    """
    noise = np.empty((len(clips), length), dtype=np.float32)
    for row, clip in zip(noise, clips, strict=True):
        random = np.random.default_rng(seed_of(seed, clip, colour))
        row[:] = COLOURS[colour](random.standard_normal(length, dtype=np.float32))
    return torch.from_numpy(noise).to(device, non_blocking=True)


def pink(normal: Samples) -> Samples:
    """White noise (length,) with its power divided by frequency: 3 dB less an octave, and no constant part."""
    frequency = np.arange(len(normal) // 2 + 1, dtype=np.float32)
    gain = 1 / np.sqrt(np.maximum(frequency, 1))
    gain[0] = 0
    return np.fft.irfft(np.fft.rfft(normal) * gain, n=len(normal))


COLOURS: dict[str, Callable[[Samples], Samples]] = {"white": lambda normal: normal, "pink": pink}


def add(waveforms: Tensor, own: Tensor, noise: Tensor, level: Noise) -> Tensor:
    """``waveforms`` (clips, samples) in [-1, 1] with ``noise``, as :func:`draw` gives it, scaled to ``level``.

    ``sigma`` multiplies the draw. A ratio is that of two mean squares, the clip's to the noise's. The clip's is over
    its ``own`` samples, those from own[:, 0] to before own[:, 1], int64 (clips, 2): a constant part counts, padding
    does not. The noise's is over all samples that the network hears, since padding gets noise too. The ratio holds
    exactly for every clip. A clip that is zero everywhere has no such ratio and gets no noise.
    """
    if level.sigma is not None:
        return torch.add(waveforms, noise, alpha=level.sigma)
    assert level.snr_db is not None
    places = torch.arange(waveforms.shape[1], device=waveforms.device)
    begin, end = own.split(1, 1)
    signal = waveforms.square().masked_fill_((places < begin) | (places >= end), 0).sum(1, keepdim=True) / (end - begin)
    powers = signal / noise.square().mean(1, keepdim=True)
    return torch.addcmul(waveforms, noise, (powers * 10 ** (-level.snr_db / 10)).sqrt())
