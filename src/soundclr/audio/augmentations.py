"""Augmentations by name: random changes of training clips, on the batch's device.

To add one, write a class, enter it in :data:`AUGMENTATIONS` and add a line to params.yaml's ``defaults.augmentations``.
Random numbers are drawn on the CPU from a given generator, so that they are the same on every device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from soundclr.audio.augmentation import Augmentation
from soundclr.audio.picture_augmentations import Blur, ColourJitter, Flip, Grey, ResizedCrop
from soundclr.audio.waveform_augmentations import (
    Fade,
    MixedNoise,
    PitchAndStretch,
    PitchShift,
    TimeShift,
    TimeStretch,
    WaveformMask,
    WhiteNoise,
)
from soundclr.machine.randomness import uniform
from soundclr.params import Count

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    import torch
    from torch import Tensor


class Scale(Augmentation):
    """Stretches a clip in time, and so in pitch, by ``factor ** u``, u uniform on [-1, 1) (SoundCLR, section 3.2)."""

    domain = "clip"
    factor: Annotated[float, Field(ge=1, le=8)]

    def scales(self, clips: int, random: torch.Generator) -> Tensor:
        """The factor of each clip: float64, (clips,), on the CPU."""
        exponents = 2 * uniform(random, clips) - 1
        if self.probability < 1:
            exponents[uniform(random, clips) >= self.probability] = 0
        return self.factor**exponents


class _Masks(Augmentation):
    """Sets ``count`` stripes of a spectrogram to ``value`` dB (SpecAugment without warping).

    A stripe's width is uniform on the integers from 0 to ``width`` (at most the spectrogram's), its start uniform on
    the integers that keep it inside.
    """

    domain = "spectrogram"
    axis: ClassVar[int]
    count: Annotated[int, Field(ge=0, le=100)]
    width: Count
    value: Annotated[float, Field(ge=-200, le=0)]

    def apply(self, batch: Tensor, random: torch.Generator) -> Tensor:
        """Mask ``batch`` (clips, channels, bands, frames); the stripes are the same in all channels of a clip."""
        hidden = stripes(len(batch), self.count, self.width, batch.shape[self.axis], random)
        hidden = hidden.to(batch.device, non_blocking=True)
        shape = [len(batch), 1, 1, 1]
        shape[self.axis] = batch.shape[self.axis]
        return batch.masked_fill(hidden.view(shape), self.value)


class FrequencyMask(_Masks):
    """Masks bands."""

    axis = 2


class TimeMask(_Masks):
    """Masks frames."""

    axis = 3


def stripes(clips: int, count: int, width: int, size: int, random: torch.Generator) -> Tensor:
    """Draw ``count`` stripes of at most ``width`` per clip, and return which of ``size`` places they cover.

    Returns:
        bool, (clips, size), on the CPU.
    """
    import torch

    drawn = uniform(random, 2, count, clips, 1)
    widths = torch.floor(drawn[0] * (min(width, size) + 1))
    starts = torch.floor(drawn[1] * (size - widths + 1))
    places = torch.arange(size)
    return ((places >= starts) & (places < starts + widths)).any(0)


AUGMENTATIONS: dict[str, type[Augmentation]] = {
    "scale": Scale,
    "pitch_shift": PitchShift,
    "time_stretch": TimeStretch,
    "pitch_and_stretch": PitchAndStretch,
    "time_shift": TimeShift,
    "fade": Fade,
    "white_noise": WhiteNoise,
    "mixed_noise": MixedNoise,
    "waveform_mask": WaveformMask,
    "frequency_mask": FrequencyMask,
    "time_mask": TimeMask,
    "resized_crop": ResizedCrop,
    "flip": Flip,
    "colour_jitter": ColourJitter,
    "grey": Grey,
    "blur": Blur,
}
