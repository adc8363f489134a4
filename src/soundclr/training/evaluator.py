"""Applies a network to clips without augmentation and without training it."""

from collections.abc import Callable

import torch
from torch import Tensor

from soundclr.audio.pipeline import Inputs
from soundclr.machine.devices import precision
from soundclr.machine.randomness import generator
from soundclr.models.network import Network
from soundclr.params import StageSettings
from soundclr.training.signals import never


class Evaluator:
    """Computes a network's outputs for clips without augmentation, with the batch size and precision of ``stage``.

    ``seed`` is the run's seed and fold. If the encoder is ``fixed``, a clip's representation is computed once and kept.
    """

    def __init__(
        self, network: Network, inputs: Inputs, stage: StageSettings, seed: tuple[int, int], fixed: bool
    ) -> None:
        self.network, self.inputs, self.stage, self.seed, self.fixed = network, inputs, stage, seed, fixed
        device = inputs.waveforms.samples.device
        self.kept = torch.empty(0, network.encoder.size, device=device)
        self.row = torch.full((len(inputs.waveforms),), -1)  # each clip's row in ``kept``; -1: not there

    @torch.no_grad()
    def forward(self, clips: Tensor, pause: Callable[[], None] = never) -> tuple[Tensor, Tensor]:
        """Compute embeddings (clips, size) and logits (clips, classes) of ``clips`` (indices) in evaluation mode.

        ``pause`` is called after each batch.
        """
        self.network.eval()
        return self.network.heads(self.represent(clips, pause))

    @torch.no_grad()
    def represent(self, clips: Tensor, pause: Callable[[], None] = never) -> Tensor:
        """Compute the representations h (clips, features) of ``clips``, or take those that were kept."""
        if not self.fixed:
            return self.encode(clips, pause)
        missing = clips[self.row[clips] < 0]
        if len(missing):
            found = self.encode(missing, pause)
            self.row[missing] = torch.arange(len(self.kept), len(self.kept) + len(found))
            self.kept = torch.cat([self.kept, found])
        return self.kept[self.row[clips].to(self.kept.device, non_blocking=True)]

    def encode(self, clips: Tensor, pause: Callable[[], None]) -> Tensor:
        """Compute the representations of ``clips`` with the encoder's current weights."""
        random = generator(*self.seed, "val")
        parts = []
        for indices in clips.split(self.stage.training.batch_size):
            with in_precision(self.kept.device, self.stage):
                parts.append(self.network.represent(self.inputs.eval_batch(indices, random)))
            pause()
        return torch.cat(parts)


def in_precision(device: torch.device, stage: StageSettings) -> torch.autocast:
    """A context in which the encoder computes in the stage's precision."""
    dtype = precision(device, stage.training.precision)
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)
