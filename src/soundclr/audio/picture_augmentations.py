"""Augmentations of pictures, (pictures, 3, side, side) in [0, 1]: SimCLR's (Chen et al. 2020, appendix A)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from soundclr.audio.augmentation import DrawnAugmentation
from soundclr.audio.waveform_augmentations import at_least
from soundclr.machine.randomness import uniform

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    import torch
    from torch import Tensor

Share = Annotated[float, Field(gt=0, le=1)]
Ratio = Annotated[float, Field(ge=0.1, le=10)]
Strength = Annotated[float, Field(ge=0, le=1)]
Sigma = Annotated[float, Field(gt=0, le=100)]
TRIES = 10  # to draw a box that fits, as in torchvision


class PictureAugmentation(DrawnAugmentation):
    """Changes pictures. The random numbers do not depend on them."""

    domain = "picture"


class ResizedCrop(PictureAugmentation):
    """Crops a picture to a random box and resizes it, as torchvision's RandomResizedCrop.

    The box's share of the area is uniform from ``smallest`` to ``largest``; the logarithm of its width over its height
    is uniform from that of ``narrowest`` to that of ``widest``. The first of ten drawn boxes that fits is taken, or the
    whole picture if none fits.
    """

    smallest: Share
    largest: Share
    narrowest: Ratio
    widest: Ratio

    _areas_rise = field_validator("largest")(at_least("smallest"))
    _ratios_rise = field_validator("widest")(at_least("narrowest"))

    def draw(self, clips: int, size: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """The boxes (pictures, 4): top, left, height, width."""
        import torch

        side = math.isqrt(size // 3)
        areas, ratios, *corners = uniform(random, 2 * TRIES + 2, clips).split([TRIES, TRIES, 1, 1])
        areas = side**2 * (self.smallest + (self.largest - self.smallest) * areas)
        ratios = self.narrowest * (self.widest / self.narrowest) ** ratios
        sizes = torch.stack([(areas / ratios).sqrt().round(), (areas * ratios).sqrt().round()])
        fits = ((sizes >= 1) & (sizes <= side)).all(0)
        first = fits.int().argmax(0)  # the first of several
        height, width = (
            torch.where(fits.any(0), each.gather(0, first[None])[0], torch.tensor(float(side), dtype=torch.float64))
            for each in sizes
        )
        top, left = (
            (corner[0] * (side - each + 1)).floor() for corner, each in zip(corners, (height, width), strict=True)
        )
        return (torch.stack([top, left, height, width], 1),)

    def change(self, batch: Tensor, *drawn: Tensor) -> Tensor:
        """Cropped and resized."""
        from soundclr.audio.pictures import cropped

        return cropped(batch, *drawn)


class Flip(PictureAugmentation):
    """Mirrors a picture: left becomes right."""

    def draw(self, clips: int, size: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Draw nothing."""
        return ()

    def change(self, batch: Tensor, *drawn: Tensor) -> Tensor:
        """Flipped."""
        return batch.flip(-1)


class ColourJitter(PictureAugmentation):
    """Changes brightness, contrast, saturation and hue in random order, as torchvision's ColorJitter.

    The first three are multiplied by a factor uniform from 1 - strength to 1 + strength. The hue is turned by up to
    ``hue`` of a full turn, either way, also uniformly.
    """

    brightness: Strength
    contrast: Strength
    saturation: Strength
    hue: Annotated[float, Field(ge=0, le=0.5)]

    def draw(self, clips: int, size: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """The factors (pictures, 4), and the order of the four changes."""
        import torch

        strengths = torch.tensor([self.brightness, self.contrast, self.saturation, self.hue], dtype=torch.float64)
        factors = strengths * (2 * uniform(random, clips, 4) - 1) + torch.tensor([1.0, 1.0, 1.0, 0.0])
        return factors, uniform(random, clips, 4).argsort(1)

    def change(self, batch: Tensor, *drawn: Tensor) -> Tensor:
        """Jittered."""
        from soundclr.audio.pictures import jittered

        return jittered(batch, *drawn)


class Grey(Flip):
    """Removes the colours: every channel becomes the luma."""

    def change(self, batch: Tensor, *drawn: Tensor) -> Tensor:
        """Grey."""
        from soundclr.audio.pictures import grey

        return grey(batch).expand_as(batch)


class Blur(PictureAugmentation):
    """Blurs with a Gaussian of ``kernel`` pixels and a standard deviation uniform from ``least`` to ``most`` pixels."""

    kernel: Annotated[int, Field(ge=3, le=99)]
    least: Sigma
    most: Sigma

    _sigmas_rise = field_validator("most")(at_least("least"))

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        """Refuse an even kernel."""
        if kernel % 2 == 0:
            raise ValueError("Input should be odd")
        return kernel

    def draw(self, clips: int, size: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """The standard deviations."""
        return (self.least + (self.most - self.least) * uniform(random, clips),)

    def change(self, batch: Tensor, *drawn: Tensor) -> Tensor:
        """Blurred."""
        from soundclr.audio.pictures import blurred

        return blurred(self.kernel, batch, *drawn)
