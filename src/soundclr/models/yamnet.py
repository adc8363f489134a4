"""YAMNet's convolutions (Google, AudioSet; MobileNet v1), applied to patches of a clip."""

from torch import Tensor, nn
from torch.nn.functional import pad

PATCH = 96  # frames
STEM = 32
SEPARABLE = (  # stride and channels of each depthwise convolution and the pointwise one after it
    (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512),
    *[(1, 512)] * 5,
    (2, 1024), (1, 1024),
)  # fmt: skip
SIZE = SEPARABLE[-1][1]


class Convolution(nn.Conv2d):
    """A 3 x 3 or 1 x 1 convolution with TensorFlow's SAME padding, then ReLU6; the batch norm is folded in."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups)
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """(images, channels, bands, frames) -> (images, channels, bands, frames), half the size at stride 2."""
        spare = [
            max(0, kernel - 1 - (size - 1) % stride)
            for kernel, stride, size in zip(self.kernel_size, self.stride, images.shape[-2:], strict=True)
        ]
        top, left = (each // 2 for each in spare)
        return super().forward(pad(images, (left, spare[1] - left, top, spare[0] - top))).clamp(0, 6)


class Patchwise(nn.Sequential):
    """Applies its layers to consecutive patches of 96 frames; an incomplete patch at the end is left out."""

    def forward(self, images: Tensor) -> Tensor:
        """(clips, channels, bands, frames) -> (clips, features, places), the places of all patches joined."""
        images = pad(images, (0, max(0, PATCH - images.shape[3])))
        patches = images.unfold(3, PATCH, PATCH).permute(0, 3, 1, 2, 4)  # (clips, patches, channels, bands, frames)
        features = super().forward(patches.flatten(0, 1))
        return features.flatten(2).unflatten(0, patches.shape[:2]).transpose(1, 2).flatten(2)


def yamnet(channels: int) -> Patchwise:
    """YAMNet with random weights and without its last layer: 27 convolutions."""
    layers, width = [Convolution(channels, STEM, kernel=3, stride=2)], STEM
    for stride, outputs in SEPARABLE:
        layers += [Convolution(width, width, 3, stride, groups=width), Convolution(width, outputs, 1)]
        width = outputs
    return Patchwise(*layers)
