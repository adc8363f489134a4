"""An epoch's batches."""

from collections.abc import Sequence

import torch
from torch import Tensor


def batch_count(clips: int, size: int) -> int:
    """How many batches :func:`shuffled` makes."""
    return max(1, clips // size + (clips % size > 1))


def shuffled(indices: Tensor, size: int, random: torch.Generator) -> Sequence[Tensor]:
    """``indices`` (clips,) in a random order, in batches of ``size``; the last, smaller batch is kept.

    A clip that would be alone in it is in the batch before: alone it has no variance for a batch norm to divide by,
    and no other clip for a contrastive loss.
    """
    order = indices[torch.randperm(len(indices), generator=random)]
    count = batch_count(len(order), size)
    return [*order[: (count - 1) * size].split(size), order[(count - 1) * size :]] if count > 1 else [order]
