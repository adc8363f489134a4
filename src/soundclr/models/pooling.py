"""Poolings by name: from an encoder's last feature maps to one row of features per clip.

To add one, write a function here and enter it in :data:`POOLINGS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    from torch import Tensor


def mean(features: Tensor) -> Tensor:
    """(batch, channels, ...) -> (batch, channels): the mean over bands and frames, or over samples."""
    return features.flatten(2).mean(dim=2)


def mean_max(features: Tensor) -> Tensor:
    """The mean over bands, then the mean over frames plus the maximum over them (CNN14; Kong et al. 2020)."""
    frames = features.mean(dim=2) if features.dim() == 4 else features
    return frames.mean(dim=2) + frames.amax(dim=2)


POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {"mean": mean, "mean_max": mean_max}
