"""Encoders by name: from a batch of represented clips, (batch, channels, ...), to features, (batch, size).

To add one, write a class here, enter it in :data:`ENCODERS` and add a line to params.yaml's ``defaults.encoders``.
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
    """An encoder, built from its parameters in params.yaml.

    ``frozen`` is the number of leading blocks that keep their initial weights. ``blocks`` is how many blocks there are,
    ``rank`` how many dimensions a channel of the input has, ``momentum`` that of the batch norms. ``blocks`` and
    ``momentum`` are None if they are known only once the network is built. ``pools`` is True for an encoder whose
    output is already (batch, size); otherwise a run's ``pooling`` follows its blocks.

        >>> class Tiny(EncoderEntry):
        ...     blocks = 1
        ...     rank = 2
        ...
        ...     def build(self, channels, weights):
        ...         return [torch.nn.Conv2d(channels, 8, kernel_size=3)], 8
        >>> blocks, size = Tiny(frozen=0).build(channels=1, weights=None)
        >>> blocks[0](torch.zeros(2, 1, 128, 431)).shape, size
        (torch.Size([2, 8, 126, 429]), 8)
    """

    blocks: ClassVar[int | None]
    rank: ClassVar[int]
    momentum: ClassVar[float | None] = 0.1  # PyTorch's default
    pools: ClassVar[bool] = False
    frozen: Count

    def build(self, channels: int, weights: Weights | None) -> tuple[list[nn.Module], int]:
        """Return the blocks and the number of output features. ``weights``: initial values, None for random ones."""
        raise NotImplementedError

    def parts(self, blocks: list[nn.Module]) -> list[nn.Module]:
        """The parts that ``frozen`` counts, given the result of :meth:`build`: by default the blocks."""
        return blocks


class ResNet50(EncoderEntry):
    """torchvision's ResNet-50 without its last layer (SoundCLR, section 3.3): 2048 features, a stem and four stages.

    Unless there are three channels, the first convolution has random weights even if ``weights`` are given: a trained
    kernel summed over its inputs would compute the same as three copies of one channel do. ``weights`` have
    torchvision's names, with or without the last layer.
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
    """torchvision's ResNet-18 without its last layer: 512 features."""

    network = "resnet18"


class ResNet18Of2D(EncoderEntry):
    """ResNet-18 with random weights and 8 * ``width`` features; a ``width`` of 64 is torchvision's."""

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
    """ResNet-18 for waveforms: kernels of 9 samples, and the stem pools over 9 samples (CLAR's reference code)."""

    rank = 1
    kernel = 9
    pool = 9


class Small(EncoderEntry):
    """Four strided convolutions with 128 features: trains in seconds on one core, for the demo and the tests."""

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
    """:class:`Small` for waveforms."""

    rank = 1


class Statistics(EncoderEntry):
    """Mean and standard deviation over time of each band and channel: a baseline that learns nothing.

    It has 2 * channels * ``bands`` features. If the representation has more bands, neighbouring ones are averaged.
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
    """Any of torchvision's classification networks without its last layer; it keeps its own pooling.

    ``frozen`` counts the parts of its ``features``, or, if it has no ``features``, the network's own parts, such as a
    ResNet's conv1, bn1 and layer1. Weights come from ``torchvision``, or from a file that params.yaml's ``weights``
    lists for the network.
    """

    blocks = None
    rank = 2
    momentum = None
    pools = True
    network: Name

    def build(self, channels: int, weights: Weights | None) -> tuple[list[nn.Module], int]:
        """The whole network as one block."""
        from soundclr.models import zoo

        network, size = zoo.as_encoder(*self.make(self.network), channels, weights)
        return [network], size

    def parts(self, blocks: list[nn.Module]) -> list[nn.Module]:
        """The network's."""
        from soundclr.models.zoo import parts_of

        return parts_of(blocks[0])

    def make(self, name: str) -> tuple[nn.Module, tuple[str, ...]]:
        """The network ``name``, and the prefixes of its classifier's weights."""
        from soundclr.models.zoo import torchvision_network

        return torchvision_network(name)


class Timm(Torchvision):
    """Any of timm's networks (Wightman), if timm is installed."""

    def make(self, name: str) -> tuple[nn.Module, tuple[str, ...]]:
        """The network ``name``, and the prefixes of its classifier's weights."""
        from soundclr.models.zoo import timm_network

        return timm_network(name)


class Yamnet(EncoderEntry):
    """YAMNet (Google; AudioSet) without its last layer, for the representation ``yamnet``: 1024 features.

    A MobileNet v1 with its batch norms folded into 27 convolutions. ``weights`` are named ``0.weight`` to ``26.bias``.
    A clip's features are the mean over its patches.
    """

    blocks = 1
    rank = 2
    momentum = None  # its batch norms are folded in

    def build(self, channels: int, weights: Weights | None) -> tuple[list[nn.Module], int]:
        """The whole network as one block."""
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
    """Build the encoder in a run's settings. UserError, with ``place``, if it is unknown or invalid."""
    return entry_of(ENCODERS, settings.encoder, "encoder", place)
