"""The training loop: stage after stage, epoch after epoch, resumable, the same for every scheme."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from soundclr.audio.pipeline import Inputs
from soundclr.devices import precision
from soundclr.errors import UserError
from soundclr.losses import combined
from soundclr.models import Network
from soundclr.params import StageSettings
from soundclr.training import state as checkpoints
from soundclr.training.batches import generator, shuffled
from soundclr.training.progress import Progress
from soundclr.training.schedule import learning_rate
from soundclr.training.state import Best, State


@dataclass(frozen=True)
class Task:
    """What one run trains on: ``train`` and ``test`` are clip indices, ``labels`` those of all clips."""

    identity: str
    stages: Sequence[StageSettings]
    inputs: Inputs
    labels: Tensor
    train: Tensor
    test: Tensor
    seed: tuple[int, int]
    device: torch.device


def train(task: Task, network: Network, checkpoint: Path) -> State:
    """Train ``network`` through all stages, going on from ``checkpoint`` where there is one.

    Returns the state after the last epoch; ``network`` holds the weights of the epoch that the last stage
    keeps. Raises UserError with
    epoch and batch for a loss that is not finite.
    """
    state = State()
    saved = checkpoints.load(checkpoint, task.identity)
    if saved is not None:
        state, weights, _ = saved
        network.load_state_dict(weights)
    for index in range(state.stage, len(task.stages)):
        stage = task.stages[index]
        if index > state.stage:
            state = State(stage=index, history=state.history)
        optimizer = make_optimizer(network, stage)
        if saved is not None:
            optimizer.load_state_dict(saved[2])
            saved = None
        train_stage(task, stage, network, optimizer, state, checkpoint)
        if stage.training.keep == "best" and state.best.network is not None:
            network.load_state_dict(state.best.network)
    return state


def make_optimizer(network: Network, stage: StageSettings) -> torch.optim.Optimizer:
    """Fused AdamW over the parts that the stage trains; the heads' learning rate is ``head_factor`` times."""
    network.set_training(stage.trains)
    groups = []
    for part in stage.trains:
        parameters = [p for p in network.get_submodule(part).parameters() if p.requires_grad]
        factor = 1.0 if part == "encoder" else stage.training.head_factor
        groups.append({"params": parameters, "factor": factor})
    return torch.optim.AdamW(groups, weight_decay=stage.training.weight_decay, fused=True)


def train_stage(
    task: Task,
    stage: StageSettings,
    network: Network,
    optimizer: torch.optim.Optimizer,
    state: State,
    checkpoint: Path,
) -> None:
    """The epochs of one stage from where ``state`` is, which it updates; a checkpoint after each."""
    settings = stage.training
    progress = Progress(f"{task.identity} {stage.name}", settings.epochs, state.epoch, len(task.train))
    while state.epoch < settings.epochs and state.epoch - state.best.epoch < settings.patience:
        started = time.perf_counter()
        rate = learning_rate(settings, state.epoch)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        train_loss, train_accuracy = train_epoch(task, stage, network, optimizer, state.epoch, progress)
        trained = time.perf_counter() - started
        test_loss, logits = evaluate(task, stage, network)
        if not math.isfinite(test_loss):
            raise UserError(
                f"{task.identity}: the held-out loss is {test_loss} in epoch {state.epoch + 1} of stage "
                f"'{stage.name}'; try a lower learning rate or precision float32"
            )
        state.epoch += 1
        state.last = logits.softmax(dim=1)
        test_accuracy = float((logits.argmax(dim=1) == task.labels[task.test]).float().mean())
        classifies = stage.loss.alpha < 1
        row: dict[str, Any] = {
            "stage": stage.name,
            "epoch": state.epoch,
            "learning_rate": rate,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy if classifies else None,
            "test_loss": test_loss,
            "test_accuracy": test_accuracy if classifies else None,
            "seconds": time.perf_counter() - started,
            "clips_per_second": len(task.train) / trained,
        }
        state.history.append(row)
        value = test_accuracy if settings.monitor == "accuracy" else -test_loss
        if value > state.best.value:
            weights = {k: v.cpu().clone() for k, v in network.state_dict().items()} if settings.keep == "best" else None
            state.best = Best(state.epoch, value, state.last, weights)
        checkpoints.save(checkpoint, task.identity, state, network.state_dict(), optimizer.state_dict())
        progress.epoch(row)
    progress.close()


def train_epoch(
    task: Task,
    stage: StageSettings,
    network: Network,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    progress: Progress,
) -> tuple[float, float]:
    """One pass over the training clips; mean loss and accuracy of its batches, weighted by their clips."""
    network.set_training(stage.trains)
    random = generator(*task.seed, stage.name, epoch)
    losses, correct, sizes = [], [], []
    for indices in shuffled(task.train, stage.training.batch_size, random):
        labels = task.labels[indices].to(task.device)
        embeddings, logits = forward(task, stage, network, task.inputs.train_batch(indices, random))
        loss = combined(embeddings, logits, labels, stage.loss)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        correct.append((logits.argmax(dim=1) == labels).sum())
        sizes.append(len(indices))
        progress.batch(len(indices))
    per_batch = torch.stack(losses).cpu()  # the epoch's only wait for the device
    finite = per_batch.isfinite()
    if not finite.all():
        batch = int(finite.int().argmin()) + 1
        raise UserError(
            f"{task.identity}: the loss is {float(per_batch[batch - 1])} in epoch {epoch + 1}, batch {batch} "
            f"of stage '{stage.name}'; try a lower learning rate or precision float32"
        )
    weights = torch.tensor(sizes, dtype=torch.float64)
    return float((per_batch * weights).sum() / weights.sum()), float(torch.stack(correct).sum()) / len(task.train)


def forward(task: Task, stage: StageSettings, network: Network, batch: Tensor) -> tuple[Tensor, Tensor]:
    """The network's embeddings and logits of a batch, the encoder in the stage's precision."""
    dtype = precision(task.device, stage.training.precision)
    with torch.autocast(task.device.type, dtype=dtype, enabled=dtype != torch.float32):
        return network(batch)


def evaluate(task: Task, stage: StageSettings, network: Network) -> tuple[float, Tensor]:
    """The held-out loss, over all held-out clips as one batch, and their logits (clips, classes) on the CPU."""
    network.eval()
    random = generator(*task.seed, "test")
    embeddings, logits = [], []
    with torch.inference_mode():
        for indices in task.test.split(stage.training.batch_size):
            z, scores = forward(task, stage, network, task.inputs.eval_batch(indices, random))
            embeddings.append(z)
            logits.append(scores)
        scores = torch.cat(logits)
        labels = task.labels[task.test].to(task.device)
        loss = float(combined(torch.cat(embeddings), scores, labels, stage.loss))
    return loss, scores.float().cpu().clone()
