"""Augmentations of waveforms: CLAR's (its section on augmentations), and one of Palanisamy et al. 2020.

Where CLAR's paper and its reference code differ, these follow the paper, or what the code evidently intended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from soundclr.audio.augmentation import WaveformAugmentation
from soundclr.machine.randomness import integers, uniform
from soundclr.params import Fraction

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    import torch
    from torch import Tensor

T = TypeVar("T")
Some = Annotated[tuple[T, ...], Field(min_length=1)]
Decibels = Annotated[float, Field(ge=-100, le=100)]
Semitones = Annotated[int, Field(ge=-24, le=24)]
Rate = Annotated[float, Field(ge=0.1, le=10)]


def at_least(other: str) -> Callable[[Any, Any, ValidationInfo], Any]:
    """A validator that refuses values below those of the field ``other``, which precedes it."""

    def check(cls: Any, value: Any, info: ValidationInfo) -> Any:
        if other in info.data and value < info.data[other]:
            raise PydanticCustomError(
                "order", "Input should not be less than {other}: {least}", {"other": other, "least": info.data[other]}
            )
        return value

    return check


class Fade(WaveformAugmentation):
    """Fades a clip in and out (CLAR): each over up to half the clip, both by the same random one of ``curves``.

    For a ramp r from 0 to 1 (reversed at the end): linear r, exponential r * 2**(r - 1), logarithmic
    1 + log10(0.1 + r), and the reference code's quarter_sine sin(pi r / 2) and half_sine (1 - cos(pi r)) / 2.
    """

    curves: Some[Literal["linear", "logarithmic", "exponential", "quarter_sine", "half_sine"]]

    def draw(self, clips: int, samples: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Draw the curve, and the length of both fades in samples."""
        return integers(random, clips, size=len(self.curves)), integers(random, clips, 2, size=max(1, samples // 2))

    def change(self, waves: Tensor, *drawn: Tensor) -> Tensor:
        """Faded."""
        from soundclr.audio.waveform_changes import faded

        return faded(waves, self.curves, *drawn)


class WaveformMask(WaveformAugmentation):
    """Replaces one stretch of a clip by normal noise of standard deviation ``sigma`` (CLAR's time mask).

    Its width is uniform from 0 to ``most_share`` of the clip; its start is uniform among those that keep it inside.
    """

    most_share: Fraction = Field(alias="most")
    sigma: Annotated[float, Field(ge=0, le=1)]

    def draw(self, clips: int, samples: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Draw the start, the width and the noise."""
        import torch

        widest = int(self.most_share * samples)
        width = integers(random, clips, 1, size=widest + 1)
        start = torch.floor(uniform(random, clips, 1) * (samples - width + 1)).long()
        return start, width, self.sigma * torch.randn(clips, widest, generator=random)

    def change(self, waves: Tensor, *drawn: Tensor) -> Tensor:
        """Masked."""
        from soundclr.audio.waveform_changes import masked

        return masked(waves, *drawn)


class TimeShift(WaveformAugmentation):
    """Rotates a clip in time, as if its end met its beginning, by up to ``most_share`` of it, either way (CLAR)."""

    most_share: Annotated[float, Field(ge=0, le=0.5, alias="most")]

    def draw(self, clips: int, samples: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Draw a shift to the right, in samples: from -most to most - 1."""
        furthest = int(self.most_share * samples)
        return (integers(random, clips, 1, size=max(1, 2 * furthest)) - furthest,)

    def change(self, waves: Tensor, *drawn: Tensor) -> Tensor:
        """Shifted."""
        from soundclr.audio.waveform_changes import shifted

        return shifted(waves, *drawn)


class _Noise(WaveformAugmentation):
    """Adds noise; the ratio of the clip's power to the noise's is uniform from ``lowest_db`` to ``highest_db``."""

    lowest_db: Decibels = Field(alias="lowest")
    highest_db: Decibels = Field(alias="highest")

    _rise = field_validator("highest_db")(at_least("lowest_db"))

    def ratios(self, clips: int, random: torch.Generator) -> Tensor:
        """Draw each clip's ratio: (clips, 1)."""
        return self.lowest_db + (self.highest_db - self.lowest_db) * uniform(random, clips, 1)


class WhiteNoise(_Noise):
    """Adds white noise (CLAR)."""

    def draw(self, clips: int, samples: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Draw normal noise and the ratios."""
        import torch

        ratios = self.ratios(clips, random)
        return torch.randn(clips, samples, generator=random), ratios

    def change(self, waves: Tensor, *drawn: Tensor) -> Tensor:
        """Noisy."""
        from soundclr.audio.waveform_changes import with_noise

        noise, ratios = drawn
        return with_noise(waves, noise.to(waves.device, non_blocking=True), ratios)


class MixedNoise(_Noise):
    """Adds noise of a random one of ``colours`` (CLAR, whose code reads the noise from unpublished files).

    White noise has the same power at all frequencies; the power of pink noise falls as 1/f, that of brown as 1/f**2,
    from one cycle per clip on. Most of brown noise's power lies below audible frequencies.
    """

    colours: Some[Literal["white", "pink", "brown"]]

    def draw(self, clips: int, samples: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Draw a white spectrum, the colours and the ratios."""
        import torch

        ratios, colour = self.ratios(clips, random), integers(random, clips, size=len(self.colours))
        return torch.randn(clips, samples // 2 + 1, 2, generator=random), colour, ratios

    def change(self, waves: Tensor, *drawn: Tensor) -> Tensor:
        """Noisy."""
        from soundclr.audio.waveform_changes import coloured, with_noise

        normal, colour, ratios = drawn
        normal = normal.to(waves.device, non_blocking=True)
        return with_noise(waves, coloured(normal, self.colours, colour, waves.shape[1]), ratios)


class _Vocoded(WaveformAugmentation):
    """A phase vocoder with frames of ``n_fft`` samples, a quarter of that apart."""

    n_fft: Annotated[int, Field(ge=16, le=65_536, multiple_of=4)]

    def change(self, waves: Tensor, *drawn: Tensor) -> Tensor:
        """Shift by the drawn semitones and stretch by the drawn rates: see :func:`vocoder.vocoded`."""
        from soundclr.audio.vocoder import vocoded

        semitones, rates = drawn
        return vocoded(waves, semitones, rates, self.n_fft)


class PitchShift(_Vocoded):
    """Shifts the pitch by whole semitones, to within 6 cents, without changing the time (CLAR)."""

    lowest_semitones: Semitones = Field(alias="lowest")
    highest_semitones: Semitones = Field(alias="highest")

    _semitones_rise = field_validator("highest_semitones")(at_least("lowest_semitones"))

    def draw(self, clips: int, samples: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Draw semitones; the rates are 1."""
        import torch

        lowest, highest = self.lowest_semitones, self.highest_semitones
        semitones = lowest + integers(random, clips, size=highest - lowest + 1)
        return semitones, torch.ones(clips, dtype=torch.float64)


class TimeStretch(_Vocoded):
    """Speeds time up by ``slowest`` to ``fastest`` without changing the pitch (CLAR), then cuts or pads with zeros."""

    slowest: Rate
    fastest: Rate

    _rates_rise = field_validator("fastest")(at_least("slowest"))

    def draw(self, clips: int, samples: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Draw rates; the semitones are 0."""
        import torch

        rates = self.slowest + (self.fastest - self.slowest) * uniform(random, clips)
        return torch.zeros(clips, dtype=torch.int64), rates


class PitchAndStretch(PitchShift, TimeStretch):
    """Shifts the pitch and stretches the time in one pass (Palanisamy et al. 2020)."""

    def draw(self, clips: int, samples: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Draw semitones and rates."""
        semitones, _ = PitchShift.draw(self, clips, samples, random)
        return semitones, TimeStretch.draw(self, clips, samples, random)[1]
