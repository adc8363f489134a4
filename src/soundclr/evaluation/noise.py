"""Adds noise to held-out waveforms, the same for every model (SoundCLR, figure 5).

A clip's noise depends only on the evaluation's seed, the clip's name and the colour: one draw per clip and colour,
scaled to each level. So it is the same for all schemes, seeds, levels and batch sizes. Noisy waveforms are not clipped:
they may leave [-1, 1].
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
    """Draw the noise of the named clips before scaling: float32, (clips, length), on ``device``.

    White noise is standard normal. NumPy draws it clip by clip, with the same numbers in every batch and on every
    machine; PyTorch's numbers depend on the batch and the processor's vector units.
    """
    noise = np.empty((len(clips), length), dtype=np.float32)
    for row, clip in zip(noise, clips, strict=True):
        random = np.random.default_rng(seed_of(seed, clip, colour))
        row[:] = COLOURS[colour](random.standard_normal(length, dtype=np.float32))
    return torch.from_numpy(noise).to(device, non_blocking=True)


def pink(normal: Samples) -> Samples:
    """Divide the power of white noise (length,) by frequency: 3 dB less per octave, and mean 0."""
    frequency = np.arange(len(normal) // 2 + 1, dtype=np.float32)
    gain = 1 / np.sqrt(np.maximum(frequency, 1))
    gain[0] = 0
    return np.fft.irfft(np.fft.rfft(normal) * gain, n=len(normal))


COLOURS: dict[str, Callable[[Samples], Samples]] = {"white": lambda normal: normal, "pink": pink}


def add(waveforms: Tensor, span: Tensor, noise: Tensor, level: Noise) -> Tensor:
    """Add ``noise`` from :func:`draw`, scaled to ``level``, to ``waveforms`` (clips, samples) in [-1, 1].

    ``sigma`` multiplies the noise. A ratio is the clip's mean square over the noise's. The clip's is taken without
    padding, over ``span``, int64 (clips, 2): its first sample and the one after its last; a constant part counts. The
    noise's is taken over all samples, since padding gets noise too. The ratio holds exactly for every clip. A clip that
    is zero everywhere gets no noise.
    """
    if level.sigma is not None:
        return torch.add(waveforms, noise, alpha=level.sigma)
    assert level.snr_db is not None
    places = torch.arange(waveforms.shape[1], device=waveforms.device)
    begin, end = span.split(1, 1)
    signal = waveforms.square().masked_fill_((places < begin) | (places >= end), 0).sum(1, keepdim=True) / (end - begin)
    powers = signal / noise.square().mean(1, keepdim=True)
    return torch.addcmul(waveforms, noise, (powers * 10 ** (-level.snr_db / 10)).sqrt())
