"""Encoders by name: from what a representation makes of clips, (batch, channels, ...), to features (batch, size).

A new one is a class here, entered in :data:`ENCODERS`, and a line of params.yaml's ``defaults.encoders``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from soundclr.params import Count, Name, RunSettings
from soundclr.params.entries import Entry, entry_of

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    from torch import Tensor, nn

    Weights = Mapping[str, Tensor]


class EncoderEntry(Entry):
    """``frozen``: how many of its ``blocks`` keep their initial weights. ``rank``: dimensions of its input's images.

    ``momentum`` is that of its batch norms. ``blocks`` and ``momentum`` are None where only the built network has them.
    One that ``pools`` makes (batch, size) itself.
    """

    blocks: ClassVar[int | None]
    rank: ClassVar[int]
    momentum: ClassVar[float | None] = 0.1  # PyTorch's default
    pools: ClassVar[bool] = False
    frozen: Count

    def build(self, channels: int, weights: Weights | None) -> tuple[list[nn.Module], int]:
        """Its blocks and how many features come out, for so many input channels, from ``weights`` if there are any."""
        raise NotImplementedError

    def parts(self, blocks: list[nn.Module]) -> list[nn.Module]:
        """What ``frozen`` counts, of what :meth:`build` made: the blocks."""
        return blocks


class ResNet50(EncoderEntry):
    """torchvision's without its last layer (SoundCLR, section 3.3): 2048 features; the stem, then the four stages.

    With another number of channels than three the first convolution is a fresh one, whatever the weights: summing the
    trained kernel over its inputs would compute what copies do. ``weights`` have torchvision's names, with or without
    that layer.
    """

    blocks = 5
    rank = 2
    network: ClassVar[str] = "resnet50"

    def build(self, channels: int, weights: Weights | None) -> tuple[list[nn.Module], int]:
        """The stem and the four stages."""
        import torchvision
        from torch import nn

        network = getattr(torchvision.models, self.network)(weights=None)
        size = network.fc.in_features
        if weights is not None:
            network.fc = nn.Identity()
            network.load_state_dict({name: value for name, value in weights.items() if not name.startswith("fc.")})
        if channels != 3:
            old = network.conv1
            network.conv1 = nn.Conv2d(channels, old.out_channels, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
        stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        return [stem, network.layer1, network.layer2, network.layer3, network.layer4], size


class ResNet18(ResNet50):
    """The smaller one: 512 features."""

    network = "resnet18"


class ResNet18Of2D(EncoderEntry):
    """ResNet-18 from random weights, 8 * ``width`` features: torchvision's at width 64, and narrower ones."""

    blocks = 5
    rank = 2
    kernel: ClassVar[int] = 3
    pool: ClassVar[int] = 3
    width: Annotated[int, Field(ge=1, le=1024)] = 64

    def build(self, channels: int, weights: Weights | None) -> tuple[list[nn.Module], int]:
        """The stem and the four stages."""
        from soundclr.models.residual import resnet18_blocks

        if weights is not None:
            raise ValueError("this encoder has no trained weights")
        return resnet18_blocks(self.rank, channels, self.width, self.kernel, self.pool)


class ResNet18Of1D(ResNet18Of2D):
    """The same for waveforms: kernels of 9 samples, and pooling over as many in the stem (CLAR's reference code)."""

    rank = 1
    kernel = 9
    pool = 9


class Small(EncoderEntry):
    """Four strided convolutions to 128 features: seconds on one core, for the demo and the tests."""

    blocks = 4
    rank = 2

    def build(self, channels: int, weights: Weights | None) -> tuple[list[nn.Module], int]:
        """The convolutions, each with batch norm and ReLU."""
        from torch import nn

        if weights is not None:
            raise ValueError("this encoder has no trained weights")
        convolution, norm = ((nn.Conv1d, nn.BatchNorm1d), (nn.Conv2d, nn.BatchNorm2d))[self.rank - 1]
        widths = [channels, 16, 32, 64, 128]
        layers: list[nn.Module] = [
            nn.Sequential(convolution(inputs, outputs, 3, stride=2, padding=1, bias=False), norm(outputs), nn.ReLU())
            for inputs, outputs in itertools.pairwise(widths)
        ]
        return layers, widths[-1]


class Small1D(Small):
    """The same for waveforms."""

    rank = 1


class Statistics(EncoderEntry):
    """Mean and standard deviation over time of each band and channel: a baseline that learns nothing.

    2 * channels * ``bands`` features; neighbouring bands are averaged where the representation has more.
    """

    blocks = 1
    rank = 2
    momentum = None
    bands: Annotated[int, Field(ge=1, le=4096)] = 64

    def build(self, channels: int, weights: Weights | None) -> tuple[list[nn.Module], int]:
        """One block without weights."""
        from soundclr.models.statistics import TimeStatistics

        if weights is not None:
            raise ValueError("this encoder has no weights")
        return [TimeStatistics(self.bands)], 2 * channels * self.bands


class Torchvision(EncoderEntry):
    """Any of torchvision's classification networks, without its last layer, from the outputs of its own pooling.

    ``frozen`` counts the parts of its ``features`` or, where it has none, its own, such as a ResNet's conv1, bn1,
    layer1 and so on. Weights are those of ``torchvision``, or of a file that params.yaml's ``weights`` has for the
    network.
    """

    blocks = None
    rank = 2
    momentum = None
    pools = True
    network: Name

    def build(self, channels: int, weights: Weights | None) -> tuple[list[nn.Module], int]:
        """The network, in one."""
        from soundclr.models import zoo

        network, size = zoo.as_encoder(*self.make(self.network), channels, weights)
        return [network], size

    def parts(self, blocks: list[nn.Module]) -> list[nn.Module]:
        """The network's."""
        from soundclr.models.zoo import parts_of

        return parts_of(blocks[0])

    def make(self, name: str) -> tuple[nn.Module, tuple[str, ...]]:
        """The network of that name, and what its classifier's names begin with."""
        from soundclr.models.zoo import torchvision_network

        return torchvision_network(name)


class Timm(Torchvision):
    """The same of timm (Wightman), where that is installed."""

    def make(self, name: str) -> tuple[nn.Module, tuple[str, ...]]:
        """The network of that name, and what its classifier's names begin with."""
        from soundclr.models.zoo import timm_network

        return timm_network(name)


class Yamnet(EncoderEntry):
    """YAMNet (Google; AudioSet) without its last layer, for the representation ``yamnet``: 1024 features.

    A MobileNet v1, its batch norms folded into 27 convolutions. ``weights`` have their names, ``0.weight`` to
    ``26.bias``. A clip's features are the mean of its patches'.
    """

    blocks = 1
    rank = 2
    momentum = None  # its batch norms are folded in

    def build(self, channels: int, weights: Weights | None) -> tuple[list[nn.Module], int]:
        """All of it."""
        from soundclr.models.yamnet import SIZE, yamnet

        network = yamnet(channels)
        if weights is not None:
            network.load_state_dict(weights)
        return [network], SIZE


ENCODERS: dict[str, type[EncoderEntry]] = {
    "resnet18": ResNet18,
    "resnet18_1d": ResNet18Of1D,
    "resnet18_2d": ResNet18Of2D,
    "resnet50": ResNet50,
    "small": Small,
    "small_1d": Small1D,
    "statistics": Statistics,
    "timm": Timm,
    "torchvision": Torchvision,
    "yamnet": Yamnet,
}


def encoder_of(settings: RunSettings, place: str = "a run's settings") -> EncoderEntry:
    """The encoder that a run's settings name; UserError, naming ``place``, for one that does not exist or fit."""
    return entry_of(ENCODERS, settings.encoder, "encoder", place)
