"""Optimisers by name.

To add one, write a class here, enter it in :data:`OPTIMIZERS` and add a line to params.yaml's ``defaults.optimizers``.
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

Groups = list[dict[str, Any]]  # parameter groups of torch's optimisers
Beta = Annotated[float, Field(ge=0, lt=1)]


class Optimizer(Entry):
    """Builds a torch optimiser. ``moments`` names the tensors that its state holds for each weight.

    The loop sets the learning rate before each epoch. Unless ``decay_vectors``, parameters with one dimension (biases
    and batch norms' weights) have no weight decay.
    """

    moments: ClassVar[tuple[str, ...]]
    weight_decay: Annotated[float, Field(ge=0)]
    decay_vectors: bool = True

    def groups(self, parameters: Sequence[nn.Parameter], factor: float) -> Groups:
        """Group ``parameters`` by weight decay; their learning rate is ``factor`` times the stage's."""
        if self.decay_vectors:
            return [{"params": list(parameters), "factor": factor}]
        vectors = [p for p in parameters if p.dim() < 2]
        others = [p for p in parameters if p.dim() >= 2]
        groups = [{"params": others, "factor": factor}, {"params": vectors, "factor": factor, "weight_decay": 0.0}]
        return [group for group in groups if group["params"]]

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Build the optimiser for ``groups``."""
        raise NotImplementedError


class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), fused."""

    moments = ("exp_avg", "exp_avg_sq")
    kind: ClassVar[str] = "AdamW"
    betas: tuple[Beta, Beta] = (0.9, 0.999)

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Build torch's optimiser of the same name."""
        import torch

        kind = getattr(torch.optim, self.kind)
        return kind(groups, weight_decay=self.weight_decay, betas=self.betas, fused=True)


class Adam(AdamW):
    """Adam with weight decay as an L2 penalty in the gradient (Kingma and Ba 2015), fused."""

    kind = "Adam"


class LARSAdam(AdamW):
    """Adam with LARS; ``trust`` is the share of its own norm that a tensor may move (CLAR's reference code)."""

    trust: Annotated[float, Field(gt=0)]

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """Build the optimiser for ``groups``."""
        from soundclr.training import lars

        options = {"weight_decay": self.weight_decay, "betas": self.betas, "fused": True}
        return lars.LARSAdam(groups, self.trust, **options)


OPTIMIZERS: dict[str, type[Optimizer]] = {"adamw": AdamW, "adam": Adam, "lars_adam": LARSAdam}


def make_optimizer(network: Network, stage: StageSettings, loss: Loss | None = None) -> torch.optim.Optimizer:
    """Build the stage's optimiser for the parts that it trains and the parameters of ``loss``.

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
