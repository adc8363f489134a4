"""The training loop: stage after stage, epoch after epoch, resumable, the same for every scheme."""

import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from soundclr.audio.pipeline import Inputs
from soundclr.devices import describe, precision
from soundclr.errors import UserError
from soundclr.losses import combined
from soundclr.models import Network
from soundclr.params import StageSettings
from soundclr.records import code_version
from soundclr.training import state as checkpoints
from soundclr.training.batches import generator, shuffled
from soundclr.training.fit import check_fit
from soundclr.training.memory import is_out_of_memory, largest_that_fits
from soundclr.training.optimizer import make_optimizer
from soundclr.training.progress import Progress
from soundclr.training.schedule import learning_rate
from soundclr.training.signals import Stop, never
from soundclr.training.state import Best, Partial, Saver, State


@dataclass(frozen=True)
class Task:
    """What one run trains on: ``train`` and ``watch`` are clip indices, ``labels`` those of all clips.

    The clips of ``watch`` decide the best epoch and when to stop; ``watched`` is what messages call them. With
    ``keep_best`` the last stage's best weights are kept too. ``features`` is the hash of the clips: a checkpoint of
    other ones is not gone on from.
    """

    identity: str
    stages: Sequence[StageSettings]
    inputs: Inputs
    labels: Tensor
    train: Tensor
    watch: Tensor
    seed: tuple[int, int]
    device: torch.device
    watched: str = "held-out"
    keep_best: bool = False
    features: str = ""

    def keeps_best(self, stage: StageSettings) -> bool:
        """Whether the weights of the stage's best epoch are needed afterwards."""
        return self.keep_best if stage is self.stages[-1] else stage.training.keep == "best"


def train(
    task: Task,
    network: Network,
    checkpoint: Path,
    stop: Stop = never,
    clock: Callable[[], float] = time.monotonic,
) -> State:
    """Train ``network`` through all stages, going on from ``checkpoint`` where there is one.

    Returns the state after the last epoch, whose weights ``network`` then has. Raises UserError with epoch and
    batch for a loss that is not finite or a batch that is too large for the device's memory, and Interrupted,
    the checkpoint saved, when ``stop`` names a signal. ``clock`` gives seconds.
    """
    state = State()
    identity = f"{task.identity} {task.features}".strip()
    saver = Saver(checkpoint, identity, stop, clock)
    clips = (len(task.train), len(task.watch))
    check = functools.partial(check_fit, network=network, stages=task.stages, keeps_best=task.keeps_best, clips=clips)
    saved = checkpoints.load(checkpoint, identity, check)
    if saved is not None:
        state, weights, _ = saved
        network.load_state_dict(weights)
    state.code = list(dict.fromkeys([*state.code, code_version()]))
    for index in range(state.stage, len(task.stages)):
        stage = task.stages[index]
        if index > state.stage:
            if state.best.network is not None:
                network.load_state_dict(state.best.network)
            state = State(stage=index, history=state.history, code=state.code)
        optimizer = make_optimizer(network, stage)
        if saved is not None:
            optimizer.load_state_dict(saved[2])
            saved = None
        train_stage(task, stage, network, optimizer, state, saver)
    return state


def train_stage(
    task: Task,
    stage: StageSettings,
    network: Network,
    optimizer: torch.optim.Optimizer,
    state: State,
    saver: Saver,
) -> None:
    """The epochs of one stage from where ``state`` is, which it updates; a checkpoint after each."""
    settings, keeps = stage.training, task.keeps_best(stage)
    progress = Progress(f"{task.identity} {stage.name}", settings.epochs, state.epoch, len(task.train), task.watched)

    kept: list[Tensor] = []

    def pause() -> None:
        if saver.due():
            check_losses(task, stage, state)
            saver.save(state, network, optimizer)
            saver.stop_if_asked(state)

    while state.epoch < settings.epochs and state.epoch - state.best.epoch < settings.patience:
        rate = learning_rate(settings, state.epoch)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        memory_ran_out = False
        try:
            train_loss, train_accuracy, seconds = train_epoch(task, stage, network, optimizer, state, progress, pause)
            started = time.perf_counter()
            test_loss, logits = evaluate(task, stage, network, task.watch, kept, pause)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            memory_ran_out = True  # for below, where the error no longer holds the batch
        if memory_ran_out:
            raise UserError(advice(task, stage, network, optimizer, state))
        if not math.isfinite(test_loss):
            raise UserError(
                f"{task.identity}: the {task.watched} loss is {test_loss} in epoch {state.epoch + 1} of stage "
                f"'{stage.name}'; try a lower learning rate or precision float32"
            )
        state.epoch += 1
        state.partial = None
        state.last = logits.softmax(dim=1)
        test_accuracy = float((logits.argmax(dim=1) == task.labels[task.watch]).float().mean())
        classifies = stage.loss.alpha < 1
        row: dict[str, Any] = {
            "stage": stage.name,
            "epoch": state.epoch,
            "learning_rate": rate,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy if classifies else None,
            "test_loss": test_loss,
            "test_accuracy": test_accuracy if classifies else None,
            "seconds": seconds + time.perf_counter() - started,
            "clips_per_second": len(task.train) / seconds,
        }
        state.history.append(row)
        value = test_accuracy if settings.monitor == "accuracy" else -test_loss
        if value > state.best.value:
            weights = {k: v.cpu().clone() for k, v in network.state_dict().items()} if keeps else None
            state.best = Best(state.epoch, value, state.last, weights)
        progress.epoch(row)
        saver.end_of_epoch(state, network, optimizer)
    progress.close()


def train_epoch(
    task: Task,
    stage: StageSettings,
    network: Network,
    optimizer: torch.optim.Optimizer,
    state: State,
    progress: Progress,
    pause: Callable[[], None],
) -> tuple[float, float, float]:
    """One pass over the training clips, from where ``state.partial`` is; ``pause`` is called after each batch.

    Returns the mean loss and accuracy of its batches, weighted by their clips, and its seconds.
    """
    network.set_training(stage.trains)
    random = generator(*task.seed, stage.name, state.epoch)
    batches = shuffled(task.train, stage.training.batch_size, random)
    partial = state.partial
    if partial is None:
        partial = Partial(0, torch.zeros(len(batches)), torch.zeros((), dtype=torch.int64), 0.0, random.get_state())
        state.partial = partial
    random.set_state(partial.random)
    partial.losses, partial.right = partial.losses.to(task.device), partial.right.to(task.device)
    progress.batch(sum(len(batch) for batch in batches[: partial.batches]))
    started = time.perf_counter() - partial.seconds
    for indices in batches[partial.batches :]:
        labels = task.labels[indices].to(task.device)
        embeddings, logits = forward(task, stage, network, task.inputs.train_batch(indices, random))
        loss = combined(embeddings, logits, labels, stage.loss)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        partial.losses[partial.batches] = loss.detach()
        partial.right += (logits.argmax(dim=1) == labels).sum()
        partial.batches += 1
        partial.seconds, partial.random = time.perf_counter() - started, random.get_state()
        progress.batch(len(indices))
        pause()
    losses = check_losses(task, stage, state)  # the epoch's only wait for the device, but for checkpoints within it
    partial.seconds = time.perf_counter() - started
    sizes = torch.tensor([len(batch) for batch in batches], dtype=torch.float64)
    mean = float((losses * sizes).sum() / sizes.sum())
    return mean, float(partial.right) / len(task.train), partial.seconds


def check_losses(task: Task, stage: StageSettings, state: State) -> Tensor:
    """The losses of the epoch under way, on the CPU; UserError where one of them is not finite."""
    assert state.partial is not None
    losses = state.partial.losses.cpu()
    finite = losses.isfinite()
    if not finite.all():
        batch = int(finite.int().argmin()) + 1
        raise UserError(
            f"{task.identity}: the loss is {float(losses[batch - 1])} in epoch {state.epoch + 1}, batch {batch} "
            f"of stage '{stage.name}'; try a lower learning rate or precision float32"
        )
    return losses


def forward(task: Task, stage: StageSettings, network: Network, batch: Tensor) -> tuple[Tensor, Tensor]:
    """The network's embeddings and logits of a batch, the encoder in the stage's precision."""
    with in_precision(task, stage):
        return network(batch)


def in_precision(task: Task, stage: StageSettings) -> torch.autocast:
    """The stage's precision, for the encoder."""
    dtype = precision(task.device, stage.training.precision)
    return torch.autocast(task.device.type, dtype=dtype, enabled=dtype != torch.float32)


def evaluate(
    task: Task,
    stage: StageSettings,
    network: Network,
    clips: Tensor,
    kept: list[Tensor],
    pause: Callable[[], None] = never,
) -> tuple[float, Tensor]:
    """The loss of ``clips``, over all of them as one batch, and their logits (clips, classes) on the CPU.

    ``kept`` has, batch by batch, the representations of an encoder that does not learn in the stage: an empty list is
    filled, a filled one used.
    """
    network.eval()
    random = generator(*task.seed, "test")
    fixed_encoder = "encoder" not in stage.trains
    embeddings, logits = [], []
    with torch.inference_mode(), in_precision(task, stage):
        for number, indices in enumerate(clips.split(stage.training.batch_size)):
            if number < len(kept):
                representation = kept[number]
            else:
                representation = network.represent(task.inputs.eval_batch(indices, random))
                if fixed_encoder:
                    kept.append(representation)
            z, scores = network.heads(representation)
            embeddings.append(z)
            logits.append(scores)
            pause()
        scores = torch.cat(logits)
        loss = float(combined(torch.cat(embeddings), scores, task.labels[clips].to(task.device), stage.loss))
    return loss, scores.float().cpu().clone()


def advice(task: Task, stage: StageSettings, network: Network, optimizer: torch.optim.Optimizer, state: State) -> str:
    """What to do about a batch that memory ran out for, with a size that fits.

    It is not trained in smaller pieces: batch norm's statistics and the contrastive loss are of the whole batch.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]

    def step(clips: int) -> None:
        optimizer.zero_grad(set_to_none=True)
        moments = [] if optimizer.state else [torch.empty_like(p) for p in parameters for _ in range(2)]
        network.set_training(stage.trains)
        indices = task.train[:clips]
        embeddings, logits = forward(task, stage, network, task.inputs.train_batch(indices, generator(*task.seed)))
        combined(embeddings, logits, task.labels[indices].to(task.device), stage.loss).backward()
        moments.clear()  # they stay when an optimiser has taken its first step

    size = min(stage.training.batch_size, len(task.train))
    fits = largest_that_fits(size, step)
    dtype = str(precision(task.device, stage.training.precision)).removeprefix("torch.")
    return (
        f"{task.identity}: {describe(task.device)} ran out of memory in epoch {state.epoch + 1} of stage "
        f"'{stage.name}' with batches of {size} in {dtype}; {f'{fits} fit' if fits else 'not even 2 fit'}: lower "
        "training.batch_size, which makes it another run, or take a device with more memory or fewer jobs"
    )
