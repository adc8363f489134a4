"""Optimisers by name.

A new one is a class here, entered in :data:`OPTIMIZERS`, and a line of params.yaml's ``defaults.optimizers``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from soundclr.entries import Entry, entry_of
from soundclr.params import StageSettings

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    import torch

    from soundclr.models.network import Network

Groups = list[dict[str, Any]]  # of parameters, as torch's optimisers take them
Beta = Annotated[float, Field(ge=0, lt=1)]


class Optimizer(Entry):
    """What moves the weights; the learning rate is set each epoch. ``moments`` it keeps of each of them."""

    moments: ClassVar[tuple[str, ...]]

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """The optimiser of ``groups``."""
        raise NotImplementedError


class AdamW(Optimizer):
    """Weight decay apart from the gradient (Loshchilov and Hutter 2019), fused."""

    moments = ("exp_avg", "exp_avg_sq")
    kind: ClassVar[str] = "AdamW"
    weight_decay: Annotated[float, Field(ge=0)]
    betas: tuple[Beta, Beta] = (0.9, 0.999)

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        """torch's of the same name."""
        import torch

        kind = getattr(torch.optim, self.kind)
        return kind(groups, weight_decay=self.weight_decay, betas=self.betas, fused=True)


class Adam(AdamW):
    """Weight decay added to the gradient, as an L2 penalty (Kingma and Ba 2015), fused."""

    kind = "Adam"


OPTIMIZERS: dict[str, type[Optimizer]] = {"adamw": AdamW, "adam": Adam}


def make_optimizer(network: Network, stage: StageSettings) -> torch.optim.Optimizer:
    """The stage's optimiser over the parts that it trains; the heads' learning rate is ``head_factor`` times."""
    network.set_training(stage.trains)
    groups = []
    for part in stage.trains:
        parameters = [p for p in network.get_submodule(part).parameters() if p.requires_grad]
        factor = 1.0 if part == "encoder" else stage.training.head_factor
        groups.append({"params": parameters, "factor": factor})
    return entry_of(OPTIMIZERS, stage.optimizer, "optimizer", f"stage '{stage.name}'").build(groups)
