"""Frequency and time masks on a batch of spectrograms (SpecAugment without warping)."""

import torch
from torch import Tensor


def draw_masks(clips: int, masks: int, width: int, size: int, generator: torch.Generator) -> Tensor:
    """Which of ``size`` bands (or frames) ``masks`` random stripes hide, for each clip.

    A stripe's width is uniform on the integers 0..``width`` (no wider than ``size``), its start uniform on
    the integers 0..size - its width.

    Returns:
        bool, (clips, size), on the CPU.
    """
    uniform = torch.rand(2, masks, clips, 1, generator=generator, dtype=torch.float64)
    widths = torch.floor(uniform[0] * (min(width, size) + 1))
    starts = torch.floor(uniform[1] * (size - widths + 1))
    places = torch.arange(size)
    return ((places >= starts) & (places < starts + widths)).any(0)


def apply_masks(spectrograms: Tensor, bands: Tensor, frames: Tensor, value: float) -> Tensor:
    """Set the hidden ``bands`` (clips, bands) and ``frames`` (clips, frames) to ``value``, in place."""
    hidden = bands[:, :, None] | frames[:, None, :]
    return spectrograms.masked_fill_(hidden, value)
