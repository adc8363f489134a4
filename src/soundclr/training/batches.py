"""Which clips a batch holds, and the random numbers of each epoch: the same on every run with one seed."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor


def generator(*parts: object) -> torch.Generator:
    """A CPU generator seeded from ``parts``, such as (seed, fold, stage, epoch).

    Each epoch has its own, so a resumed run draws what an uninterrupted one does without stored states.
    """
    return torch.Generator().manual_seed(seed_of(*parts))


def seed_of(*parts: object) -> int:
    """A 63-bit seed from the hash of ``parts``: neighbouring seeds and epochs give unrelated streams."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def shuffled(indices: Tensor, size: int, random: torch.Generator) -> Sequence[Tensor]:
    """``indices`` in a random order, in batches of ``size``; the last, smaller batch is kept."""
    return indices[torch.randperm(len(indices), generator=random)].split(size)
