"""What a network makes of clips as they are, while it does not learn."""

from collections.abc import Callable

import torch
from torch import Tensor

from soundclr.audio.pipeline import Inputs
from soundclr.machine.devices import precision
from soundclr.machine.randomness import generator
from soundclr.models.network import Network
from soundclr.params import StageSettings
from soundclr.training.signals import never


class Listener:
    """Hears clips, not augmented, in the batches and the precision of ``stage``; ``seed`` is the run's and its fold.

    Where ``fixed`` says that the encoder does not learn meanwhile, a clip's representation is made once and kept.
    """

    def __init__(
        self, network: Network, inputs: Inputs, stage: StageSettings, seed: tuple[int, int], fixed: bool
    ) -> None:
        self.network, self.inputs, self.stage, self.seed, self.fixed = network, inputs, stage, seed, fixed
        device = inputs.waveforms.samples.device
        self.kept = torch.empty(0, network.encoder.size, device=device)
        self.row = torch.full((len(inputs.waveforms),), -1)  # of each clip in ``kept``; -1: it is not there

    @torch.no_grad()
    def hear(self, clips: Tensor, pause: Callable[[], None] = never) -> tuple[Tensor, Tensor]:
        """Embeddings (clips, size) and logits (clips, classes) of ``clips`` (indices), the network in evaluation mode.

        ``pause`` is called after each batch.
        """
        self.network.eval()
        return self.network.heads(self.represent(clips, pause))

    @torch.no_grad()
    def represent(self, clips: Tensor, pause: Callable[[], None] = never) -> Tensor:
        """The representations h (clips, features) of ``clips``."""
        if not self.fixed:
            return self.encode(clips, pause)
        unheard = clips[self.row[clips] < 0]
        if len(unheard):
            found = self.encode(unheard, pause)
            self.row[unheard] = torch.arange(len(self.kept), len(self.kept) + len(found))
            self.kept = torch.cat([self.kept, found])
        return self.kept[self.row[clips].to(self.kept.device, non_blocking=True)]

    def encode(self, clips: Tensor, pause: Callable[[], None]) -> Tensor:
        """What the encoder makes of ``clips`` now."""
        random = generator(*self.seed, "val")
        parts = []
        for indices in clips.split(self.stage.training.batch_size):
            with in_precision(self.kept.device, self.stage):
                parts.append(self.network.represent(self.inputs.eval_batch(indices, random)))
            pause()
        return torch.cat(parts)


def in_precision(device: torch.device, stage: StageSettings) -> torch.autocast:
    """The stage's precision, for the encoder."""
    dtype = precision(device, stage.training.precision)
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)
