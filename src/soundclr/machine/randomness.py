"""Random numbers: each use has its own stream, seeded from its purpose."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    import torch
    from torch import Tensor


def seed_of(*parts: object) -> int:
    """A 63-bit seed from the hash of ``parts``, so that neighbouring seeds and epochs give unrelated streams."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def generator(*parts: object) -> torch.Generator:
    """A CPU generator seeded from ``parts``, such as (seed, fold, stage, epoch).

    Each epoch has its own, so a resumed run draws the same numbers as an uninterrupted one, without stored states.
    """
    import torch

    return torch.Generator().manual_seed(seed_of(*parts))


def uniform(random: torch.Generator, *shape: int) -> Tensor:
    """Uniform on [0, 1): float64, on the CPU, so that the numbers are the same for every device."""
    import torch

    return torch.rand(*shape, generator=random, dtype=torch.float64)


def integers(random: torch.Generator, *shape: int, size: int) -> Tensor:
    """Uniform on 0 .. ``size`` - 1: int64, on the CPU."""
    return (uniform(random, *shape) * size).long()
