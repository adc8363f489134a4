"""Residual networks in one or two dimensions (He et al. 2016) with any kernel and width."""

from itertools import pairwise

from torch import Tensor, nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
POOLS = (nn.MaxPool1d, nn.MaxPool2d)


class BasicBlock(nn.Module):
    """Two convolutions with batch norm, and a shortcut, which is a convolution of kernel 1 if the shape changes."""

    def __init__(self, rank: int, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv1 = convolution(rank, inputs, outputs, kernel, stride)
        self.bn1 = NORMS[rank - 1](outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = convolution(rank, outputs, outputs, kernel, 1)
        self.bn2 = NORMS[rank - 1](outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(convolution(rank, inputs, outputs, 1, stride), NORMS[rank - 1](outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, inputs, ...) -> (batch, outputs, ...), each further dimension divided by the stride."""
        inner = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(inputs)))))
        return self.relu(inner + self.shortcut(inputs))


def resnet18_blocks(rank: int, channels: int, width: int, kernel: int, pool: int) -> tuple[list[nn.Module], int]:
    """ResNet-18's stem and four stages in ``rank`` dimensions, and the number of output features.

    ``width`` is the first stage's, ``kernel`` that of the stages' convolutions, ``pool`` the stem's pooling size.
    """
    stem = nn.Sequential(
        convolution(rank, channels, width, 7, 2),
        NORMS[rank - 1](width),
        nn.ReLU(inplace=True),
        POOLS[rank - 1](pool, stride=2, padding=1),
    )
    widths = [width, width, 2 * width, 4 * width, 8 * width]
    stages = [
        nn.Sequential(
            BasicBlock(rank, inputs, outputs, kernel, stride=1 if place == 0 else 2),
            BasicBlock(rank, outputs, outputs, kernel, stride=1),
        )
        for place, (inputs, outputs) in enumerate(pairwise(widths))
    ]
    return [stem, *stages], widths[-1]


def convolution(rank: int, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
    """A convolution without bias, padded by half its kernel, with Kaiming's normal initialisation (fan-out)."""
    made = CONVOLUTIONS[rank - 1](inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
    return made
