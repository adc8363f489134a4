"""The usual way to train a network on sounds: float32, contiguous, librosa clip by clip in data-loader workers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from benchmarks import baseline
from benchmarks.context import Context
from soundclr.audio.features import Waveforms
from soundclr.audio.representations import representation_of
from soundclr.models.network import Network
from soundclr.params import Params, RunSettings
from soundclr.params.entries import entry_of
from soundclr.training.optimizers import make_optimizer
from soundclr.training.schedule import SCHEDULES

NAME = "usual"  # of the study
THE_PAPERS = ("schedule", "schedules", "training")
"""Settings which are not the study's but params.yaml's defaults, the paper's."""


def usual_settings(params: Params, study: str, dataset: str, recipe: str, epochs: int) -> RunSettings:
    """A study's recipe with the paper's training settings and its schedule, shortened to so many epochs."""
    own = params.studies[study]
    kept = {key: value for key, value in own.settings.items() if key not in THE_PAPERS}
    training = {"epochs": epochs, "patience": epochs, "precision": "float32"}
    usual = own.model_copy(update={"settings": {**kept, "training": training}})
    return params.model_copy(update={"studies": {**params.studies, NAME: usual}}).resolve(NAME, dataset, recipe)


@dataclass(frozen=True)
class Usual:
    """The usual way on clips that are WAV files at ``paths``; the encoder starts from the file ``weights``."""

    context: Context
    settings: RunSettings
    waveforms: Waveforms
    paths: Sequence[Path]
    weights: Path | None

    def train(self, fold: int) -> float:
        """Train with a fold held out; its accuracy in percent after the last epoch."""
        torch.manual_seed(fold)
        stage, device = self.settings.stages[0], self.context.device
        channels = representation_of(self.settings).channels
        network = Network.from_settings(self.settings, channels, len(self.waveforms.classes), self.weights).to(device)
        optimizer = make_optimizer(network, stage)
        schedule = entry_of(SCHEDULES, stage.schedule, "schedule", f"stage '{stage.name}'")
        network.train()
        for epoch, images, labels in self.batches(fold):
            for group in optimizer.param_groups:
                rate = stage.training.lr * schedule.factor(epoch, stage.training.epochs)
                group["lr"] = rate * group["factor"]
            loss = cross_entropy(network(images.to(device))[1], labels.to(device))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        return self.accuracy(network, fold)

    def train_clips(self, fold: int) -> list[int]:
        """The clips that are not held out."""
        clips: list[int] = (self.waveforms.folds != fold).nonzero()[:, 0].tolist()
        return clips

    def batches(self, fold: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Epoch, images and labels of all epochs, from one data loader, so that its workers start once."""
        training, random = self.settings.stages[0].training, np.random.default_rng(fold)
        clips = self.train_clips(fold)
        ends = range(training.batch_size, len(clips), training.batch_size)
        drawn: list[list[int]] = []
        for epoch in range(training.epochs):
            # An image is drawn from its number: the same clip is another image in each epoch.
            order = random.permutation(len(clips)) + epoch * len(clips)
            drawn += [part.tolist() for part in np.split(order, ends)]
        images = baseline.Images(*self.of(clips), self.settings, training.epochs * len(clips))
        pin = self.context.device.type == "cuda"
        loader = DataLoader(images, batch_sampler=drawn, num_workers=self.context.cores, pin_memory=pin)
        for numbers, (batch, labels) in zip(drawn, loader, strict=True):
            yield numbers[0] // len(clips), batch, labels

    def of(self, clips: Sequence[int]) -> tuple[list[Path], list[int]]:
        """Paths and labels of clips."""
        labels = self.waveforms.labels.tolist()
        return [self.paths[clip] for clip in clips], [labels[clip] for clip in clips]

    @torch.no_grad()
    def accuracy(self, network: Network, fold: int) -> float:
        """The share of a fold's clips, centred and not augmented, that the network takes for what they are."""
        network.eval()
        paths, labels = self.of((self.waveforms.folds == fold).nonzero()[:, 0].tolist())
        images = baseline.Images(paths, labels, self.settings, len(paths), held_out=True)
        loader = DataLoader(images, self.settings.stages[0].training.batch_size, num_workers=self.context.cores)
        right = [(network(batch.to(self.context.device))[1].argmax(1).cpu() == known).sum() for batch, known in loader]
        return 100 * float(sum(right)) / len(paths)
