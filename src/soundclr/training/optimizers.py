"""Optimisers by name.

A new one is a class here, entered in :data:`OPTIMIZERS`, and a line of params.yaml's ``defaults.optimizers``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from soundclr.params import StageSettings
from soundclr.params.entries import Entry, entry_of

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    import torch
    from torch import nn

    from soundclr.losses import Loss
    from soundclr.models.network import Network

Groups = list[dict[str, Any]]  # of parameters, as torch's optimisers take them
Beta = Annotated[float, Field(ge=0, lt=1)]


class Optimizer(Entry):
    """What moves the weights; the learning rate is set each epoch. ``moments`` it keeps of each of them.

    Without ``decay_vectors`` what has one dimension, biases and batch norms' weights, has no weight decay.
    """

    moments: ClassVar[tuple[str, ...]]
    weight_decay: Annotated[float, Field(ge=0)]
    decay_vectors: bool = True

    def groups(self, parameters: Sequence[nn.Parameter], factor: float) -> Groups:
        """``parameters``, whose learning rate is ``factor`` times the stage's, in groups of one weight decay."""
        if self.decay_vectors:
            return [{"params": list(parameters), "factor": factor}]
        vectors = [p for p in parameters if p.dim() < 2]
        others = [p for p in parameters if p.dim() >= 2]
        groups = [{"params": others, "factor": factor}, {"params": vectors, "factor": factor, "weight_decay": 0.0}]
        return [group for group in groups if group["params"]]

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """The optimiser of ``groups``."""
        raise NotImplementedError


class AdamW(Optimizer):
    """Weight decay apart from the gradient (Loshchilov and Hutter 2019), fused."""

    moments = ("exp_avg", "exp_avg_sq")
    kind: ClassVar[str] = "AdamW"
    betas: tuple[Beta, Beta] = (0.9, 0.999)

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """torch's of the same name."""
        import torch

        kind = getattr(torch.optim, self.kind)
        return kind(groups, weight_decay=self.weight_decay, betas=self.betas, fused=True)


class Adam(AdamW):
    """Weight decay added to the gradient, as an L2 penalty (Kingma and Ba 2015), fused."""

    kind = "Adam"


class LARSAdam(AdamW):
    """Adam behind LARS, whose ``trust`` is how far a tensor may move of its own length (CLAR's reference code)."""

    trust: Annotated[float, Field(gt=0)]

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """The optimiser of ``groups``."""
        from soundclr.training import lars

        options = {"weight_decay": self.weight_decay, "betas": self.betas, "fused": True}
        return lars.LARSAdam(groups, self.trust, **options)


OPTIMIZERS: dict[str, type[Optimizer]] = {"adamw": AdamW, "adam": Adam, "lars_adam": LARSAdam}


def make_optimizer(network: Network, stage: StageSettings, loss: Loss | None = None) -> torch.optim.Optimizer:
    """The stage's optimiser over the parts that it trains and the ``loss``'s parameters.

    The learning rate of the heads and the loss is ``head_factor`` times the encoder's.
    """
    network.set_training(stage.trains)
    entry = entry_of(OPTIMIZERS, stage.optimizer, "optimizer", f"stage '{stage.name}'")
    groups: Groups = []
    for part in stage.trains:
        parameters = [p for p in network.get_submodule(part).parameters() if p.requires_grad]
        factor = 1.0 if part == "encoder" else stage.training.head_factor
        groups += entry.groups(parameters, factor)
    if loss is not None and (parameters := loss.parameters):
        groups += entry.groups(parameters, stage.training.head_factor)
    return entry.build(groups)
