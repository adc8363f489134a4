"""Encoders: from (batch, channels, bands, frames) spectrograms to (batch, size) features."""

import functools
import itertools
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from soundclr.errors import UserError
from soundclr.params import EncoderSettings, known


class Encoder(nn.Module):
    """Blocks applied one after the other, then the mean over bands and frames; ``size`` features come out.

    The first ``frozen`` blocks keep their weights. In training their batch norms still follow the data:
    spectrograms in dB are far from what ImageNet's statistics were taken from.
    """

    def __init__(self, blocks: list[nn.Module], size: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.size = size
        self.frozen = 0

    def forward(self, spectrograms: Tensor) -> Tensor:
        """(batch, channels, bands, frames) -> (batch, size)."""
        return self.blocks(spectrograms).mean(dim=(2, 3))

    def freeze(self) -> None:
        """Exempt the frozen blocks' weights from learning."""
        self.blocks[: self.frozen].requires_grad_(False)


def resnet(name: str, channels: int, weights: Path | None) -> Encoder:
    """A torchvision ResNet without its last layer (paper, section 3.3: ResNet-50, 2048 features).

    Blocks: the stem, then the four stages. With one channel the first convolution is a fresh one, whatever
    the weights: summing the trained kernel over its inputs would compute what three copies of the input do.
    """
    import torchvision  # not above: it takes seconds to import, which the small encoder does not need

    network = getattr(torchvision.models, name)(weights=None)
    if weights is not None:
        load_weights(network, weights, name)
    if channels != 3:
        old = network.conv1
        network.conv1 = nn.Conv2d(channels, old.out_channels, 7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
    blocks = [stem, network.layer1, network.layer2, network.layer3, network.layer4]
    return Encoder(blocks, network.fc.in_features)


def small(channels: int, weights: Path | None) -> Encoder:
    """Four strided convolutions to 128 features: seconds on one core, for the demo and the tests."""
    if weights is not None:
        raise UserError(f"{weights}: the encoder 'small' has no trained weights; set encoder.weights to none")
    widths = [channels, 16, 32, 64, 128]
    blocks = [
        nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )
        for inputs, outputs in itertools.pairwise(widths)
    ]
    return Encoder(list(blocks), widths[-1])


def load_weights(network: nn.Module, path: Path, name: str) -> None:
    """Load a state dict with torchvision's names into ``network``, converted to its floating-point type.

    Raises UserError for a file that is not a plain state dict of tensors or is another architecture's.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state)
    except Exception as error:  # torch.load raises many kinds; all of them mean that this file will not do
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"{path}: not a state dict of {name} ({reason}); fetch it again") from error


ENCODERS: dict[str, Callable[[int, Path | None], Encoder]] = {
    "resnet18": functools.partial(resnet, "resnet18"),
    "resnet50": functools.partial(resnet, "resnet50"),
    "small": small,
}


def build_encoder(settings: EncoderSettings, weights: Path | None) -> Encoder:
    """The encoder that ``settings`` name, from the initial ``weights``; UserError for one that does not exist."""
    encoder = ENCODERS[known(settings.name, ENCODERS, "encoder")](settings.channels, weights)
    if settings.frozen > len(encoder.blocks):
        raise UserError(f"encoder.frozen: {settings.frozen}, but {settings.name} has {len(encoder.blocks)} blocks")
    encoder.frozen = settings.frozen
    return encoder
