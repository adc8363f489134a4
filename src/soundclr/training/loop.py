"""The training loop, which is the same for every scheme: stage after stage, epoch after epoch, resumable."""

import functools
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from soundclr.audio.pipeline import Augment
from soundclr.errors import UserError
from soundclr.losses import UNLABELLED, Loss, Outputs
from soundclr.machine.devices import describe
from soundclr.machine.provenance import code_version
from soundclr.machine.randomness import generator, seed_of
from soundclr.models.network import Network
from soundclr.params import StageSettings
from soundclr.params.entries import entry_of
from soundclr.training import state as checkpoints
from soundclr.training.batches import shuffled
from soundclr.training.evaluator import Evaluator, in_precision
from soundclr.training.memory import advice, is_out_of_memory
from soundclr.training.optimizers import make_optimizer
from soundclr.training.probe import probe_accuracy
from soundclr.training.progress import Progress
from soundclr.training.resume import check_resume
from soundclr.training.schedule import SCHEDULES
from soundclr.training.signals import Stop, never
from soundclr.training.solvers import SOLVERS
from soundclr.training.solving import solve_stage
from soundclr.training.split import learnt_from
from soundclr.training.state import Best, Partial, Saver, State
from soundclr.training.task import Task


def train(
    task: Task,
    network: Network,
    checkpoint: Path,
    stop: Stop = never,
    clock: Callable[[], float] = time.monotonic,
) -> State:
    """Train ``network`` through all stages, resuming from ``checkpoint`` if it exists.

    Returns the state after the last epoch; ``network`` then has that epoch's weights. Raises UserError, with epoch and
    batch, for a loss that is not finite, or if a batch is too large for the device's memory. When ``stop`` returns a
    signal, it saves a checkpoint and raises Interrupted. ``clock`` returns seconds.
    """
    state = State()
    identity = f"{task.identity} {task.source}".strip()
    saver = Saver(checkpoint, identity, stop, clock, describe(task.device))
    check = functools.partial(check_resume, network=network, stages=task.stages)
    saved = checkpoints.load(checkpoint, identity, check)
    if saved is not None:
        state, saver.in_checkpoint = saved.state, len(saved.state.history)
        network.load_state_dict(saved.network)
        done = len(state.history)
        print(f"{task.identity}: resumes after {done} epoch{'s' * (done != 1)}", file=sys.stderr, flush=True)
    saver.beat(state)
    state.code = list(dict.fromkeys([*state.code, code_version()]))
    for index in range(state.stage, len(task.stages)):
        if index > state.stage:
            if state.best.network is not None:
                network.load_state_dict(state.best.network)
            state = State(stage=index, history=state.history, code=state.code)
        if task.stages[index].optimizer.name in SOLVERS:
            solve_stage(task, task.stages[index], network, state, saver)
            continue
        loop = StageLoop(task, task.stages[index], network, state, saver)
        if saved is not None:
            loop.optimizer.load_state_dict(saved.optimizer)
            loop.modules.load_state_dict(saved.loss)
            saved = None
        loop.run()
    return state


class StageLoop:
    """Trains one stage, epoch by epoch, from ``state``, which it updates; saves a checkpoint after each epoch."""

    def __init__(self, task: Task, stage: StageSettings, network: Network, state: State, saver: Saver) -> None:
        self.task, self.stage, self.network, self.state, self.saver = task, stage, network, state, saver
        place = f"stage '{stage.name}'"
        torch.manual_seed(seed_of(*task.seed, stage.name, "loss"))
        self.loss = Loss.from_stage(stage).with_modules(network.embedding_size, network.classes, task.device)
        self.modules = nn.ModuleDict(self.loss.modules)
        self.class_clips = class_clips(task, network.classes)
        self.augment = Augment.from_choices(stage.augment)
        self.schedule = entry_of(SCHEDULES, stage.schedule, "schedule", place)
        self.clips = learnt_from(task.train, task.known, self.loss.needs_labels)
        self.optimizer = make_optimizer(network, stage, self.loss)
        self.keeps_best = task.keeps_best(stage)
        title = f"{task.identity} {stage.name}"
        self.progress = Progress(title, stage.training.epochs, state.epoch, len(task.train), task.val_name)
        fixed, crop = "encoder" not in stage.trains, task.inputs.crop
        self.evaluator = Evaluator(network, task.inputs, stage, task.seed, fixed)
        # The encoder is fixed and nothing is random, so the heads get the same representations in every epoch.
        self.still = fixed and not self.augment and crop.train == crop.eval != "random"

    def run(self) -> None:
        """Train until the budget or the patience is used up."""
        state, settings = self.state, self.stage.training
        while state.epoch < settings.epochs and state.epoch - state.best.epoch < settings.patience:
            lr = settings.lr * self.schedule.factor(state.epoch, settings.epochs)
            for group in self.optimizer.param_groups:
                group["lr"] = lr * group["factor"]
            memory_ran_out = False
            try:
                self.epoch(lr)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                memory_ran_out = True  # handled below, where the error no longer holds the batch
            if memory_ran_out:
                raise UserError(advice(self.place, self.task.device, self.stage, self.batch_size, self.try_batch))
            self.saver.end_of_epoch(state, self.network, self.optimizer, self.modules)
        self.progress.close()

    def epoch(self, lr: float) -> None:
        """Train one epoch, evaluate the validation clips, and add a row to the history."""
        state, task, classifies = self.state, self.task, "classifier" in self.loss.reads
        train_loss, train_accuracy, seconds = self.train_epoch()
        started = time.perf_counter()
        val_loss, logits = self.validate()
        probed = self.probe()
        if not math.isfinite(val_loss):
            raise UserError(f"{self.place}: the {task.val_name} loss is {val_loss}; try {self.remedy}")
        state.epoch += 1
        state.partial = None
        state.last = logits.softmax(dim=1)
        val_accuracy = float((logits.argmax(dim=1) == task.labels[task.val]).float().mean())
        row: dict[str, Any] = {
            "stage": self.stage.name,
            "epoch": state.epoch,
            "lr": lr,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy if classifies else None,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy if classifies else None,
            **({"probe_accuracy": probed} if any(one.training.probe_every for one in task.stages) else {}),
            "seconds": seconds + time.perf_counter() - started,
            "clips_per_second": len(task.train) / seconds,
        }
        state.history.append(row)
        value = val_accuracy if self.stage.training.monitor == "accuracy" else -val_loss
        if value > state.best.value:
            weights = {k: v.cpu().clone() for k, v in self.network.state_dict().items()} if self.keeps_best else None
            state.best = Best(state.epoch, value, state.last, weights)
        self.progress.epoch(row)
        task.on_epoch(len(state.history), row)

    def train_epoch(self) -> tuple[float, float, float]:
        """Train on all training clips once, from ``state.partial`` on.

        Returns the mean loss per clip, the accuracy on labelled clips, and the seconds it took.
        """
        self.network.set_training(self.stage.trains)
        self.modules.train()
        random = generator(*self.task.seed, self.stage.name, self.state.epoch)
        batches = shuffled(self.clips, self.stage.training.batch_size, random)
        partial = self.begin(batches, random)
        started = time.perf_counter() - partial.seconds
        if self.still:  # all at once: rounding may depend on the batch, and a resumed epoch has other batches left
            self.evaluator.represent(self.task.train, self.pause)
        for indices in batches[partial.batches :]:
            torch.manual_seed(seed_of(*self.task.seed, self.stage.name, self.state.epoch, partial.batches))  # dropout's
            outputs = self.outputs(indices, random)
            loss = self.loss(outputs)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            partial.losses[partial.batches] = loss.detach()
            partial.right += (outputs.logits.argmax(dim=1) == outputs.labels).sum()
            partial.batches += 1
            partial.seconds, partial.random = time.perf_counter() - started, random.get_state()
            self.progress.batch(len(indices))
            self.pause()
        losses = self.check_losses()  # besides checkpoints, the epoch's only wait for the device
        partial.seconds = time.perf_counter() - started
        sizes = torch.tensor([len(batch) for batch in batches], dtype=torch.float64)
        labelled = int((self.task.known[self.clips] != UNLABELLED).sum()) * self.stage.views
        return float((losses * sizes).sum() / sizes.sum()), float(partial.right) / max(labelled, 1), partial.seconds

    def begin(self, batches: Sequence[Tensor], random: torch.Generator) -> Partial:
        """Begin the epoch, or continue the one in the checkpoint and set ``random`` to its state."""
        partial = self.state.partial
        if partial is None:
            partial = Partial(0, torch.zeros(len(batches)), torch.zeros((), dtype=torch.int64), 0.0, random.get_state())
            self.state.partial = partial
        random.set_state(partial.random)
        partial.losses = partial.losses.to(self.task.device, non_blocking=True)
        partial.right = partial.right.to(self.task.device, non_blocking=True)
        self.progress.batch(sum(len(batch) for batch in batches[: partial.batches]))
        return partial

    def outputs(self, indices: Tensor, random: torch.Generator) -> Outputs:
        """The network's outputs for the training clips ``indices``."""
        if self.still:
            embeddings, logits = self.network.heads(self.evaluator.represent(indices))
            return outputs_of(embeddings, logits, self.task.known[indices], indices, 1, self.class_clips)
        return self.views(indices, self.task.known, random)

    def views(self, indices: Tensor, labels: Tensor, random: torch.Generator) -> Outputs:
        """The network's outputs for the stage's views of clips ``indices``; ``labels`` are those of all clips."""
        views = self.stage.views
        with in_precision(self.task.device, self.stage):
            embeddings, logits = self.network(self.task.inputs.train_batch(indices, self.augment, random, views))
        return outputs_of(embeddings, logits, labels[indices], indices, views, self.class_clips)

    def validate(self) -> tuple[float, Tensor]:
        """Compute the loss of all validation clips as one batch, and their logits (clips, classes) on the CPU.

        If the loss needs several views, the stage's augmentations draw them, the same in every epoch.
        """
        task = self.task
        self.modules.eval()
        embeddings, logits = self.evaluator.forward(task.val, self.pause)
        with torch.no_grad():
            if self.loss.least_views == 1:
                outputs = outputs_of(embeddings, logits, task.labels[task.val], task.val, 1, self.class_clips)
            else:
                random, parts = generator(*task.seed, "val views"), []
                for indices in task.val.split(self.stage.training.batch_size):
                    parts.append(self.views(indices, task.labels, random))
                    self.pause()
                outputs = Outputs.joined(parts)
            return float(self.loss(outputs)), logits.float().cpu()

    def probe(self) -> float | None:
        """The validation accuracy of a linear probe on the labelled clips; None after epochs without a probe."""
        if not self.stage.training.probes(self.state.epoch + 1):
            return None
        task = self.task
        labelled = task.train[task.known[task.train] != UNLABELLED]
        train, val = (self.evaluator.represent(clips, self.pause).cpu() for clips in (labelled, task.val))
        return probe_accuracy(train, task.known[labelled], val, task.labels[task.val])

    def pause(self) -> None:
        """Save a checkpoint if one is due, and stop if a signal asks for it."""
        if self.saver.due():
            self.check_losses()
            self.saver.save(self.state, self.network, self.optimizer, self.modules)
            self.saver.stop_if_asked(self.state)

    def check_losses(self) -> Tensor:
        """The current epoch's losses, on the CPU; UserError if one is not finite."""
        assert self.state.partial is not None
        losses = self.state.partial.losses.cpu()
        finite = losses.isfinite()
        if not finite.all():
            batch = int(finite.int().argmin())
            raise UserError(f"{self.place}: the loss is {float(losses[batch])} in batch {batch + 1}; try {self.remedy}")
        return losses

    @property
    def remedy(self) -> str:
        """The settings that may keep the loss finite."""
        coarse = self.stage.training.precision != "float32"
        return "a lower learning rate (training.lr)" + (" or precision float32" if coarse else "")

    @property
    def place(self) -> str:
        """The run, epoch and stage, for messages."""
        return f"{self.task.identity}, epoch {self.state.epoch + 1} of stage '{self.stage.name}'"

    @property
    def batch_size(self) -> int:
        """The clips in a batch: the setting, or all training clips if there are fewer."""
        return min(self.stage.training.batch_size, len(self.task.train))

    def try_batch(self, clips: int) -> None:
        """Try a training step with ``clips`` clips, to see whether the memory suffices."""
        self.optimizer.zero_grad(set_to_none=True)
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        moments = [] if self.optimizer.state else [torch.empty_like(p) for p in parameters for _ in range(2)]
        self.network.set_training(self.stage.trains)
        random = generator(*self.task.seed)
        self.loss(self.views(self.clips[:clips], self.task.known, random)).backward()
        moments.clear()  # an optimiser keeps them from its first step on


def outputs_of(
    embeddings: Tensor, logits: Tensor, labels: Tensor, clips: Tensor, views: int, class_clips: Tensor | None = None
) -> Outputs:
    """Combine outputs (views * batch, ...) with the ``labels`` and ``clips`` (batch,) of one view."""
    of_rows, clip_of_rows = (each.repeat(views).to(embeddings.device, non_blocking=True) for each in (labels, clips))
    return Outputs(embeddings, logits, of_rows, clip_of_rows, views, class_clips)


def class_clips(task: Task, classes: int) -> Tensor:
    """Count the labelled training clips of each class: (classes,), on the run's device."""
    known = task.known[task.train]
    return known[known != UNLABELLED].bincount(minlength=classes).to(task.device)
