"""Splits an epoch's clips into batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the plan counts batches without torch, which takes seconds to import
    import torch
    from torch import Tensor


def batch_count(clips: int, size: int) -> int:
    """The number of batches that :func:`shuffled` returns."""
    return max(1, clips // size + (clips % size > 1))


def shuffled(indices: Tensor, size: int, random: torch.Generator) -> Sequence[Tensor]:
    """``indices`` (clips,) in a random order, in batches of ``size``; the last, smaller batch is kept.

    A last batch of one clip joins the batch before it: a batch norm needs variance, and a contrastive loss needs other
    clips.
    """
    import torch

    order = indices[torch.randperm(len(indices), generator=random)]
    count = batch_count(len(order), size)
    return [*order[: (count - 1) * size].split(size), order[(count - 1) * size :]] if count > 1 else [order]
