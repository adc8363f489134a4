"""Optimisers by name.

A new one is a class here, entered in :data:`OPTIMIZERS`, and a line of params.yaml's ``defaults.optimizers``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from soundclr.entries import Entry

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    import torch

Groups = list[dict[str, Any]]  # of parameters, as torch's optimisers take them
Beta = Annotated[float, Field(ge=0, lt=1)]


class Optimizer(Entry):
    """Adam in some form; the learning rate is set each epoch."""

    weight_decay: Annotated[float, Field(ge=0)]
    betas: tuple[Beta, Beta] = (0.9, 0.999)

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """The optimiser of ``groups``."""
        raise NotImplementedError


class AdamW(Optimizer):
    """Weight decay apart from the gradient (Loshchilov and Hutter 2019), fused."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """The optimiser of ``groups``."""
        from torch.optim import AdamW as Fused

        return Fused(groups, weight_decay=self.weight_decay, betas=self.betas, fused=True)


class Adam(Optimizer):
    """Weight decay added to the gradient, as an L2 penalty (Kingma and Ba 2015), fused."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """The optimiser of ``groups``."""
        from torch.optim import Adam as Fused

        return Fused(groups, weight_decay=self.weight_decay, betas=self.betas, fused=True)


OPTIMIZERS: dict[str, type[Optimizer]] = {"adamw": AdamW, "adam": Adam}
