"""What an augmentation is: a change of each clip of a batch at random, on the device of the batch.

Random numbers are drawn on the CPU from a given generator: the same on every device. They are sent with
``non_blocking``: a plain ``.to(device)`` waits until a GPU has done all that it was told before.
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
SAMPLES_AT_ONCE_ON_CPU = 2**17  # that stay in its caches: of clips of a second eight, which is fastest


def at_once(clips: int, samples: int, device: torch.device) -> int:
    """How many of so many clips of so many samples are worked on at a time: on a CPU what stays in its caches."""
    return max(1, SAMPLES_AT_ONCE_ON_CPU // samples) if device.type == "cpu" else clips


class Augmentation(Entry):
    """Changes each clip of a batch with probability ``probability``.

    ``domain`` is where it works: ``clip``, before clips are padded or cropped to one length (only
    :class:`Scale`); ``waveform`` (clips, samples) in [-1, 1]; ``spectrogram`` (clips, channels, bands, frames);
    ``picture`` (pictures, 3, side, side) in [0, 1].
    """

    domain: ClassVar[Domain]
    probability: Fraction = 1.0

    def __call__(self, batch: Tensor, random: torch.Generator) -> Tensor:
        """``batch`` with the augmentation on those clips that ``random`` picks; it may work in place."""
        changed = self.apply(batch, random)
        if self.probability == 1:
            return changed
        picked = (uniform(random, len(batch)) < self.probability).to(batch.device, non_blocking=True)
        return changed.where(picked.view(-1, *[1] * (batch.dim() - 1)), batch)

    def apply(self, batch: Tensor, random: torch.Generator) -> Tensor:
        """All clips of ``batch`` augmented: a tensor of the same shape, ``batch`` itself being left alone."""
        raise NotImplementedError


class DrawnAugmentation(Augmentation):
    """Changes those clips of a batch that are picked, and no others; on a CPU a few at a time, in its caches.

    All that is left to chance is drawn for the whole batch before. The batch is left alone.
    """

    def __call__(self, batch: Tensor, random: torch.Generator) -> Tensor:
        """A tensor of the same shape; clips that ``random`` does not pick are as they were."""
        size = batch[0].numel()
        drawn = self.draw(len(batch), size, random)
        rows = (uniform(random, len(batch)) < self.probability).nonzero()[:, 0]
        every = len(rows) == len(batch)
        result = batch.clone() if not every else batch.new_empty(batch.shape)
        for part in rows.split(at_once(len(batch), size, batch.device)):
            if len(part):
                # Of a slice nothing is copied.
                there = slice(int(part[0]), int(part[-1]) + 1) if every else part.to(batch.device, non_blocking=True)
                result[there] = self.change(batch[there], *(values[part] for values in drawn))
        return result

    def draw(self, clips: int, size: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """What :meth:`change` wants for each clip of ``size`` numbers: tensors (clips, ...), on the CPU."""
        raise NotImplementedError

    def change(self, batch: Tensor, *drawn: Tensor) -> Tensor:
        """Some clips of the batch changed as ``drawn``, the rows of these clips, says."""
        raise NotImplementedError


class WaveformAugmentation(DrawnAugmentation):
    """Changes waveforms, (clips, samples) in [-1, 1]."""

    domain = "waveform"

    def draw(self, clips: int, samples: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """What :meth:`change` wants for each clip of ``samples`` samples."""
        raise NotImplementedError

    def change(self, waves: Tensor, *drawn: Tensor) -> Tensor:
        """``waves`` (some clips, samples), changed."""
        raise NotImplementedError
