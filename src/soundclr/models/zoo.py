"""Networks of torchvision and timm as encoders, without their classifier, for any number of input channels."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from soundclr.errors import UserError
from soundclr.params import known

TRIED = (96, 160)  # bands and frames of the input that shows how many features a network has


def torchvision_network(name: str) -> tuple[nn.Module, tuple[str, ...]]:
    """torchvision's classification network ``name`` with random weights, and the prefix of its classifier's weights."""
    models = torchvision.models
    network: nn.Module = models.get_model(known(name, models.list_models(module=models), "network of torchvision's"))
    if hasattr(network, "aux_logits"):
        raise UserError(f"torchvision's {name} has classifiers amid its layers and cannot be an encoder; take another")
    return network, (f"{last_layer(network)}.",)


def timm_network(name: str) -> tuple[nn.Module, tuple[str, ...]]:
    """timm's network ``name`` with its own pooling and random weights, and the prefixes of its classifier's weights."""
    try:
        import timm
    except ModuleNotFoundError as error:
        raise UserError("the encoder `timm` needs the package timm: pip install timm") from error
    network: Any = timm.create_model(known(name, timm.list_models(), "network of timm's"), pretrained=False)
    heads = network.default_cfg["classifier"]
    return network, tuple(f"{head}." for head in ([heads] if isinstance(heads, str) else heads))


def last_layer(network: nn.Module, classes: int = 1000) -> str:
    """The name of the layer that outputs ImageNet's ``classes``."""
    sizes = {name: getattr(m, "out_features", getattr(m, "out_channels", 0)) for name, m in network.named_modules()}
    return [name for name, size in sizes.items() if size == classes][-1]


def as_encoder(
    network: nn.Module, heads: tuple[str, ...], channels: int, weights: Mapping[str, Tensor] | None
) -> tuple[nn.Module, int]:
    """``network`` without the layers ``heads``, with ``weights`` if given, and the number of its features.

    Unless there are three channels, its first convolution has random weights, as a ResNet's here. Raises RuntimeError
    for weights of another network, UserError for a network that takes inputs of one size only.
    """
    for head in heads:
        network.set_submodule(head.removesuffix("."), nn.Identity())
    if weights is not None:
        network.load_state_dict({name: value for name, value in weights.items() if not name.startswith(heads)})
    if channels != 3:
        name, old = next((name, m) for name, m in network.named_modules() if isinstance(m, nn.Conv2d))
        network.set_submodule(name, first_convolution(old, channels))
    return network, features_of(network, channels)


def first_convolution(like: nn.Conv2d, channels: int) -> nn.Conv2d:
    """A convolution ``like`` another for ``channels`` inputs, with Kaiming's normal initialisation (fan-out)."""
    made = nn.Conv2d(
        channels,
        like.out_channels,
        like.kernel_size,  # type: ignore[arg-type]
        stride=like.stride,  # type: ignore[arg-type]
        padding=like.padding,  # type: ignore[arg-type]
        bias=like.bias is not None,
    )
    nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
    if made.bias is not None:
        nn.init.zeros_(made.bias)
    return made


def features_of(network: nn.Module, channels: int) -> int:
    """The number of features of ``network``, tried on PyTorch's meta device. UserError if the trial fails."""
    try:
        tried = copy.deepcopy(network).to("meta").eval()
        found = tried(torch.empty(2, channels, *TRIED, device="meta"))
    except (RuntimeError, AssertionError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{type(network).__name__}: takes images of one size only ({reason}); take another") from error
    return int(found.shape[1])


def parts_of(network: nn.Module) -> list[nn.Module]:
    """The parts that can be frozen, in order: those of its ``features`` if it has any, otherwise its own."""
    features = getattr(network, "features", network)
    return [part for part in features.children() if any(True for _ in part.parameters())]
