"""Whether what a checkpoint holds is of the run that would go on from it: asked before any of it is used."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from soundclr.losses import Loss
from soundclr.models.network import Network
from soundclr.params import StageSettings
from soundclr.training.batches import batch_count
from soundclr.training.optimizers import OPTIMIZERS, make_optimizer
from soundclr.training.state import Partial, State

ROW = {"stage": str, "epoch": int} | dict.fromkeys(
    ("lr", "train_loss", "val_loss", "seconds", "clips_per_second"), float
)  # what a history's row is made of, besides the accuracies


def check_resume(
    state: State,
    weights: dict[str, Tensor],
    moments: dict[str, Any],
    network: Network,
    stages: Sequence[StageSettings],
    keeps: Callable[[StageSettings], bool],
    clips: tuple[int, int],
) -> None:
    """Raise an error for a checkpoint's contents that a run of these stages would not have saved.

    ``network`` keeps its weights. ``keeps`` says of a stage whether its best epoch's weights are kept, ``clips``
    is how many the run trains on and how many it chooses its epoch by.
    """
    if form(weights) != form(network.state_dict()):
        raise ValueError("its network is another one")
    if set(map(type, state.code)) != {str}:
        raise ValueError("it does not say by which code it was trained")
    check_history(state, stages)
    stage = stages[state.stage]
    batches = batch_count(clips[0], stage.training.batch_size)
    check_predictions(state, weights, keeps(stage), (clips[1], network.classes))
    check_partial(state.partial, batches)
    steps = state.epoch * batches + (state.partial.batches if state.partial else 0)
    check_moments(moments, network, stage, steps)


def form(value: Any) -> Any:
    """What ``value`` is made of, without the numbers: types, names, and the shapes and number formats of tensors."""
    if isinstance(value, Tensor):
        return tuple(value.shape), value.dtype
    if isinstance(value, dict):
        return {key: form(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [form(part) for part in value]
    return type(value)


def check_history(state: State, stages: Sequence[StageSettings]) -> None:
    """Raise an error for a history whose rows are not the epochs, stage after stage, that ``state`` says are done."""
    stage, epoch = 0, 0
    for row in state.history:
        if epoch and row["epoch"] == 1:
            stage, epoch = stage + 1, 0
        epoch += 1
        accuracy = float if "classifier" in Loss.of(stages[stage]).reads else type(None)
        columns = ROW | {"train_accuracy": accuracy, "val_accuracy": accuracy}
        if any(one.training.probe_every for one in stages):
            columns["probe_accuracy"] = float if stages[stage].training.probes(epoch) else type(None)
        if (row["stage"], row["epoch"]) != (stages[stage].name, epoch) or form(row) != columns:
            raise ValueError(f"row {epoch} of stage {stages[stage].name} in its history is another one")
    done = [(stage, epoch)] + ([(stage + 1, 0)] if epoch else [])  # or at the next stage's beginning
    if (state.stage, state.epoch) not in done or epoch > stages[stage].training.epochs:
        raise ValueError("its history is not that of the epochs that it says are done")


def check_predictions(state: State, weights: dict[str, Tensor], keeps_best: bool, shape: tuple[int, int]) -> None:
    """Raise an error for a last or a best epoch without its predictions, of ``shape``, or its weights where kept."""
    best, predictions = state.best, (shape, torch.float32)
    some = best.epoch > 0
    expected = [int, float, predictions if some else type(None), form(weights) if some and keeps_best else type(None)]
    if [form(value) for value in vars(best).values()] != expected or not 0 <= best.epoch <= state.epoch:
        raise ValueError("its best epoch is of other clips or another network")
    if form(state.last) != (predictions if state.epoch else type(None)):
        raise ValueError("its last epoch is of other clips")


def check_partial(partial: Partial | None, batches: int) -> None:
    """Raise an error for an epoch under way that is not one of ``batches`` batches."""
    if partial is None:
        return
    like = Partial(0, torch.zeros(batches), torch.zeros((), dtype=torch.int64), 0.0, torch.Generator().get_state())
    if form(vars(partial)) != form(vars(like)) or not 0 <= partial.batches <= batches:
        raise ValueError("its epoch under way has other batches")


def check_moments(saved: dict[str, Any], network: Network, stage: StageSettings, steps: int) -> None:
    """Raise an error for what is not the state of the stage's optimiser after ``steps`` steps."""
    optimizer = make_optimizer(network, stage)
    if form(saved["param_groups"]) != form(optimizer.state_dict()["param_groups"]):
        raise ValueError("its optimiser has other parameters or options")
    # A head that the loss leaves alone gets no gradient, and so no state.
    parts = {"encoder", *network.learns_through(Loss.of(stage).reads)}
    learns = {id(parameter) for part in parts for parameter in network.get_submodule(part).parameters()}
    names = OPTIMIZERS[stage.optimizer.name].moments
    expected = {}
    for index, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"]):
        if steps and id(parameter) in learns:
            expected[index] = {"step": form(torch.zeros(())), **dict.fromkeys(names, form(parameter.data))}
    if form(saved["state"]) != expected:
        raise ValueError("its optimiser has another state")
    if any(int(moments["step"]) != steps for moments in saved["state"].values()):
        raise ValueError(f"its optimiser has not taken {steps} steps, as its history has")
