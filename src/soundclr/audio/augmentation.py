"""The base classes of augmentations, which change the clips of a batch at random on the batch's device.

Random numbers are drawn on the CPU from a given generator, so that they are the same on every device. They are sent
with ``non_blocking``: a plain ``.to(device)`` waits until the GPU has finished all queued work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from soundclr.machine.randomness import uniform
from soundclr.params import Fraction
from soundclr.params.entries import Entry

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    import torch
    from torch import Tensor

Domain = Literal["clip", "waveform", "spectrogram", "picture"]
DOMAINS: tuple[Domain, ...] = ("clip", "waveform", "spectrogram", "picture")
SAMPLES_AT_ONCE_ON_CPU = 2**17  # as many as fit into its caches: eight clips of a second, which is fastest


def at_once(clips: int, samples: int, device: torch.device) -> int:
    """How many of ``clips`` to process at a time: on a CPU as many as fit into its caches, on a GPU all."""
    return max(1, SAMPLES_AT_ONCE_ON_CPU // samples) if device.type == "cpu" else clips


class Augmentation(Entry):
    """Changes each clip of a batch with probability ``probability``.

    ``domain`` is what it is applied to: ``clip``, before clips are padded or cropped to one length (only
    :class:`Scale`); ``waveform`` (clips, samples) in [-1, 1]; ``spectrogram`` (clips, channels, bands, frames);
    ``picture`` (pictures, 3, side, side) in [0, 1].

        >>> class Inverted(Augmentation):
        ...     domain = "waveform"
        ...
        ...     def apply(self, batch, random):
        ...         return -batch
        >>> Inverted(probability=1.0)(torch.tensor([[0.5, -0.25]]), torch.Generator())
        tensor([[-0.5000,  0.2500]])
    """

    domain: ClassVar[Domain]
    probability: Fraction = 1.0

    def __call__(self, batch: Tensor, random: torch.Generator) -> Tensor:
        """Return a tensor in which the clips that ``random`` picks are changed; ``batch`` keeps its values."""
        changed = self.apply(batch, random)
        if self.probability == 1:
            return changed
        picked = (uniform(random, len(batch)) < self.probability).to(batch.device, non_blocking=True)
        return changed.where(picked.view(-1, *[1] * (batch.dim() - 1)), batch)

    def apply(self, batch: Tensor, random: torch.Generator) -> Tensor:
        """Return a tensor of the same shape in which all clips are changed; ``batch`` must keep its values."""
        raise NotImplementedError


class DrawnAugmentation(Augmentation):
    """Computes the change for the picked clips only; on a CPU a few at a time, which fit into its caches.

    :meth:`draw` draws all random numbers for the whole batch first. Then :meth:`change` is applied to some clips.

        >>> class Louder(WaveformAugmentation):
        ...     most_db: float
        ...
        ...     def draw(self, clips, samples, random):
        ...         return (self.most_db * uniform(random, clips, 1),)
        ...
        ...     def change(self, waves, *drawn):
        ...         (decibels,) = drawn
        ...         return waves * 10 ** (decibels / 20).to(waves.device, torch.float32, non_blocking=True)
        >>> waves = torch.full((3, 8000), 0.1)
        >>> louder = Louder(most_db=6)(waves, torch.Generator().manual_seed(0))
        >>> bool(((louder >= waves) & (louder < 0.2)).all())
        True
    """

    def __call__(self, batch: Tensor, random: torch.Generator) -> Tensor:
        """Return a tensor in which the clips that ``random`` picks are changed; ``batch`` keeps its values."""
        size = batch[0].numel()
        drawn = self.draw(len(batch), size, random)
        rows = (uniform(random, len(batch)) < self.probability).nonzero()[:, 0]
        every = len(rows) == len(batch)
        result = batch.clone() if not every else batch.new_empty(batch.shape)
        for part in rows.split(at_once(len(batch), size, batch.device)):
            if len(part):
                # A slice copies nothing.
                there = slice(int(part[0]), int(part[-1]) + 1) if every else part.to(batch.device, non_blocking=True)
                result[there] = self.change(batch[there], *(values[part] for values in drawn))
        return result

    def draw(self, clips: int, size: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Draw what :meth:`change` needs for ``clips`` clips of ``size`` numbers: tensors (clips, ...), on the CPU."""
        raise NotImplementedError

    def change(self, batch: Tensor, *drawn: Tensor) -> Tensor:
        """Return some of the batch's clips changed; ``drawn`` holds these clips' rows of what :meth:`draw` returned."""
        raise NotImplementedError


class WaveformAugmentation(DrawnAugmentation):
    """Changes waveforms, (clips, samples) in [-1, 1]."""

    domain = "waveform"

    def draw(self, clips: int, samples: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Draw what :meth:`change` needs for ``clips`` clips of ``samples`` samples."""
        raise NotImplementedError

    def change(self, waves: Tensor, *drawn: Tensor) -> Tensor:
        """Return ``waves`` (clips, samples) changed."""
        raise NotImplementedError
