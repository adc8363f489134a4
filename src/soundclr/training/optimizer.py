"""The optimiser of a stage."""

import torch

from soundclr.models import Network
from soundclr.params import StageSettings


def make_optimizer(network: Network, stage: StageSettings) -> torch.optim.Optimizer:
    """Fused AdamW over the parts that the stage trains; the heads' learning rate is ``head_factor`` times."""
    network.set_training(stage.trains)
    groups = []
    for part in stage.trains:
        parameters = [p for p in network.get_submodule(part).parameters() if p.requires_grad]
        factor = 1.0 if part == "encoder" else stage.training.head_factor
        groups.append({"params": parameters, "factor": factor})
    return torch.optim.AdamW(groups, weight_decay=stage.training.weight_decay, fused=True)
