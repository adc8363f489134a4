"""Checks whether a checkpoint fits the run that resumes from it; other code may have written it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from soundclr.losses import Loss
from soundclr.models.network import Network
from soundclr.params import StageSettings
from soundclr.training.optimizers import OPTIMIZERS, make_optimizer
from soundclr.training.state import Checkpoint


def check_resume(saved: Checkpoint, network: Network, stages: Sequence[StageSettings]) -> None:
    """Raise ValueError if the checkpoint has another network, loss or optimiser. ``network`` keeps its weights."""
    stage = stages[saved.state.stage]
    loss = Loss.from_stage(stage).with_modules(network.embedding_size, network.classes, torch.device("cpu"))
    modules = nn.ModuleDict(loss.modules)
    if (form(saved.network), form(saved.loss)) != (form(network.state_dict()), form(modules.state_dict())):
        raise ValueError("its network or loss differs")
    optimizer = make_optimizer(network, stage, loss)
    if form(saved.optimizer["param_groups"]) != form(optimizer.state_dict()["param_groups"]):
        raise ValueError("its optimiser has other parameters or options")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    names = OPTIMIZERS[stage.optimizer.name].moments
    for index, moments in saved.optimizer["state"].items():
        if form(moments) != {"step": form(moments["step"]), **dict.fromkeys(names, form(parameters[index].data))}:
            raise ValueError("its optimiser has another state")


def form(value: Any) -> Any:
    """The structure of ``value`` without its numbers: types, names, and the shapes and dtypes of tensors."""
    if isinstance(value, Tensor):
        return tuple(value.shape), value.dtype
    if isinstance(value, dict):
        return {key: form(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [form(part) for part in value]
    return type(value)
