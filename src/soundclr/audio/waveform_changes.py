"""Computes fades, masks, shifts and noise for a batch of waveforms, on its device.

The random numbers are tensors on the CPU with a row for each clip.
"""

import functools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Gains of a fade, for a ramp from 0 to 1; they are clipped to [0, 1].
CURVES: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda ramp: ramp,
    "logarithmic": lambda ramp: 1 + (ramp + 0.1).log10_(),
    "exponential": lambda ramp: ramp * (ramp - 1).exp2_(),
    "quarter_sine": lambda ramp: (math.pi / 2 * ramp).sin_(),
    "half_sine": lambda ramp: 0.5 + 0.5 * (math.pi * ramp - math.pi / 2).sin_(),
}
# The power of frequency by which a noise's power falls.
EXPONENTS = {"white": 0, "pink": 1, "brown": 2}


def faded(waves: Tensor, names: Sequence[str], curve: Tensor, lengths: Tensor) -> Tensor:
    """``waves`` (clips, samples) faded in and out.

    Args:
        waves: float32, on any device.
        names: of :data:`CURVES`.
        curve: int64, (clips,), the index in ``names`` of a clip's curve, on both sides.
        lengths: int64, (clips, 2), samples of the fades at the beginning and at the end; together at most the clip's.
            The gain at the first sample is 0.
    """
    slopes = torch.cat([1 / (lengths - 1).clamp(min=1), lengths == 0], 1).float().to(waves.device, non_blocking=True)
    rise, fall, no_rise, no_fall = slopes.split(1, 1)
    place = torch.arange(waves.shape[1], device=waves.device, dtype=torch.float32)
    into, out = torch.addcmul(no_rise, rise, place), torch.addcmul(no_fall, fall, place.flip(0))
    ramp = torch.minimum(into, out).clamp_(max=1)
    result = torch.empty_like(waves)
    for number in curve.unique().tolist():
        rows = (curve == number).nonzero()[:, 0].to(waves.device, non_blocking=True)
        result[rows] = waves[rows] * CURVES[names[number]](ramp[rows]).clamp_(0, 1)
    return result


def masked(waves: Tensor, start: Tensor, width: Tensor, filling: Tensor) -> Tensor:
    """Replace ``width`` samples of ``waves`` (clips, samples) from ``start`` on by the first of ``filling``.

    ``start`` and ``width`` are int64, (clips, 1), inside the clip; ``filling`` is float32, (clips, greatest width).
    """
    most, samples = filling.shape[1], waves.shape[1]
    begin = start.clamp(max=samples - most)  # of a stretch of ``most`` samples that holds the mask
    places = begin + torch.arange(most)
    hidden = (places >= start) & (places < start + width)
    places, hidden, filling = (values.to(waves.device, non_blocking=True) for values in (places, hidden, filling))
    return waves.scatter(1, places, torch.where(hidden, filling, waves.gather(1, places)))


def shifted(waves: Tensor, shift: Tensor) -> Tensor:
    """Rotate ``waves`` (clips, samples) to the right by ``shift`` samples (int64, (clips, 1))."""
    samples = waves.shape[1]
    first = (-shift) % samples
    places = torch.arange(samples, device=waves.device) + first.to(waves.device, non_blocking=True)
    return torch.cat([waves, waves], 1).gather(1, places)


def coloured(normal: Tensor, colours: Sequence[str], colour: Tensor, samples: int) -> Tensor:
    """Noise of ``samples`` samples with mean 0 and power 1, 1/f or 1/f**2, down to one cycle per clip.

    Args:
        normal: standard normal numbers, float32, (clips, samples // 2 + 1, 2), on the device of the result.
        colours: of :data:`EXPONENTS`.
        colour: int64, (clips,), the index in ``colours`` of a clip's colour.
    """
    gains = _gains(tuple(colours), samples, normal.device)[colour.to(normal.device, non_blocking=True)]
    return torch.fft.irfft(torch.view_as_complex(normal * gains[..., None]), n=samples)


@functools.lru_cache(maxsize=4)
def _gains(colours: tuple[str, ...], samples: int, device: torch.device) -> Tensor:
    """The gain of each frequency of white noise: (colours, samples // 2 + 1)."""
    cycles = torch.arange(samples // 2 + 1, dtype=torch.float32).clamp(min=1)
    gains = torch.stack([cycles ** (-EXPONENTS[colour] / 2) for colour in colours])
    gains[:, 0] = 0
    return gains.to(device, non_blocking=True)


def with_noise(waves: Tensor, noise: Tensor, ratio: Tensor) -> Tensor:
    """Add ``noise`` to ``waves`` (clips, samples), scaled so that the clip's power is ``ratio`` dB (clips, 1) above it.

    Powers are mean squares over the whole clip, including padding. A silent clip gets no noise. Nothing is clipped.
    """
    levels = torch.linalg.vector_norm(waves, dim=1, keepdim=True)
    levels /= torch.linalg.vector_norm(noise, dim=1, keepdim=True).clamp_(min=1e-30)
    levels = levels * (10 ** (-ratio / 20)).float().to(waves.device, non_blocking=True)
    return torch.addcmul(waves, noise, levels)
