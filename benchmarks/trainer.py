"""The two ways to train that are compared: the package's own loop, and the bare network on one fixed batch."""

import contextlib
import copy
import io
from collections.abc import Callable
from pathlib import Path

import torch

from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Augment, Inputs
from soundclr.audio.representations import representation_of
from soundclr.losses import Loss
from soundclr.models.network import Network
from soundclr.params import RunSettings
from soundclr.training.evaluator import in_precision
from soundclr.training.loop import StageLoop, outputs_of
from soundclr.training.optimizers import make_optimizer
from soundclr.training.state import Saver, State
from soundclr.training.task import Task


def make_network(settings: RunSettings, classes: int, device: torch.device) -> Network:
    """A network from scratch in the layout that trainings have."""
    network = Network.from_settings(settings, representation_of(settings).channels, classes).to(device)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch has it, its stubs do not


def make_task(settings: RunSettings, waveforms: Waveforms, device: torch.device) -> Task:
    """A run on ``waveforms``, the first fold held out."""
    return Task(
        identity="benchmark",
        stages=settings.stages,
        inputs=Inputs(waveforms.to(device), settings),
        labels=waveforms.labels,
        known=waveforms.labels,
        train=(waveforms.folds != 1).nonzero()[:, 0],
        val=(waveforms.folds == 1).nonzero()[:, 0],
        seed=(0, 1),
        device=device,
    )


class Trainer:
    """The first stage of a run, trained by the package's loop for as many batches as asked."""

    def __init__(self, settings: RunSettings, waveforms: Waveforms, device: torch.device, folder: Path) -> None:
        """Prepare the stage; the network is from scratch, and a checkpoint is in ``folder`` where one is due."""
        self.settings, self.stage = settings, settings.stages[0]
        self.task = make_task(settings, waveforms, device)
        self.network = make_network(settings, len(waveforms.classes), device)
        with contextlib.redirect_stderr(io.StringIO()):  # for a terminal's progress bar, which takes time
            saver = Saver(folder / "trainer.resume", "benchmark")
            self.loop = StageLoop(self.task, self.stage, self.network, State(), saver)

    def train(self, batches: int) -> None:
        """One epoch of this many batches; clips come as often as it takes."""
        clips = self.task.train
        self.loop.clips = clips[torch.arange(batches * self.stage.training.batch_size) % len(clips)]
        self.loop.state.partial = None
        self.loop.train_epoch()


def bare(trainer: Trainer) -> Callable[[int], None]:
    """Steps of a second network, like the trainer's, on one batch that already lies on the device.

    Forward, loss, backward and optimiser in the same precision and layout, and nothing else.
    """
    task, stage = trainer.task, trainer.stage
    indices = task.train[torch.arange(stage.training.batch_size) % len(task.train)]
    images = task.inputs.train_batch(
        indices, Augment.from_choices(stage.augment), torch.Generator().manual_seed(0), stage.views
    )
    labels = task.labels[indices].to(task.device)
    network, loss_of = copy.deepcopy(trainer.network), Loss.from_stage(stage)
    optimizer = make_optimizer(network, stage)

    def train(batches: int) -> None:
        for _ in range(batches):
            with in_precision(task.device, stage):
                embeddings, logits = network(images)
            loss = loss_of(outputs_of(embeddings, logits, labels, indices, stage.views))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return train
