"""The two ways to train that are compared: the package's own loop, and the bare network on one fixed batch."""

import copy
import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from soundclr.audio.features import Waveforms
from soundclr.devices import precision
from soundclr.losses import combined
from soundclr.models import Network, build_encoder
from soundclr.params import RunSettings
from soundclr.training.job import make_inputs
from soundclr.training.loop import Task, evaluate, train_epoch
from soundclr.training.optimizer import make_optimizer
from soundclr.training.progress import Progress
from soundclr.training.signals import never
from soundclr.training.state import State


def make_network(settings: RunSettings, classes: int, device: torch.device) -> Network:
    """A network from scratch in the layout that trainings have."""
    network = Network(build_encoder(settings.encoder, None), settings.projection.size, classes).to(device)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch has it, its stubs do not


def make_task(settings: RunSettings, waveforms: Waveforms, device: torch.device) -> Task:
    """A run on ``waveforms``, the first fold held out."""
    folds = waveforms.folds
    return Task(
        identity="benchmark",
        stages=settings.stages,
        inputs=make_inputs(waveforms.to(device), settings),
        labels=waveforms.labels,
        train=(folds != 1).nonzero()[:, 0],
        watch=(folds == 1).nonzero()[:, 0],
        seed=(0, 1),
        device=device,
    )


class Trainer:
    """One stage of a run, trained by the package's loop for as many batches as asked."""

    def __init__(self, settings: RunSettings, waveforms: Waveforms, device: torch.device, stage: int = 0) -> None:
        """Prepare stage number ``stage`` of the run; the network is from scratch."""
        self.stage = settings.stages[stage]
        self.task = make_task(settings, waveforms, device)
        self.network = make_network(settings, len(waveforms.classes), device)
        self.optimizer = make_optimizer(self.network, self.stage)

    def train(self, batches: int) -> None:
        """One epoch of this many batches; clips come as often as it takes."""
        clips = self._clips(self.task.train, batches)
        progress = Progress("benchmark", 1, 0, len(clips), self.task.watched)
        progress.bar.disable = True
        task = dataclasses.replace(self.task, train=clips)
        train_epoch(task, self.stage, self.network, self.optimizer, State(), progress, never)

    def evaluate(self, batches: int) -> None:
        """The held-out loss over this many batches."""
        evaluate(self.task, self.stage, self.network, self._clips(self.task.watch, batches), [])

    def _clips(self, clips: Tensor, batches: int) -> Tensor:
        return clips[torch.arange(batches * self.stage.training.batch_size) % len(clips)]


def bare(trainer: Trainer) -> Callable[[int], None]:
    """Steps of a second network, like the trainer's, on one batch that already lies on the device.

    Forward, loss, backward and optimiser in the same precision and layout, and nothing else.
    """
    task, stage = trainer.task, trainer.stage
    indices = task.train[torch.arange(stage.training.batch_size) % len(task.train)]
    images = task.inputs.train_batch(indices, torch.Generator().manual_seed(0))
    labels = task.labels[indices].to(task.device)
    dtype = precision(task.device, stage.training.precision)
    network = copy.deepcopy(trainer.network)
    optimizer = make_optimizer(network, stage)

    def train(batches: int) -> None:
        for _ in range(batches):
            with torch.autocast(task.device.type, dtype=dtype, enabled=dtype != torch.float32):
                embeddings, logits = network(images)
            loss = combined(embeddings, logits, labels, stage.loss)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return train
