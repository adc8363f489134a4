"""Heads: lists of layers on the encoder's representation h, or on the projection's output."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from soundclr.errors import UserError
from soundclr.params import HeadSettings, known

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    from torch import nn

LARGEST = 65_536  # outputs of a layer

# What params.yaml may name in a head's ``layers``: (nn, inputs, argument) -> layer; those in SIZED change the size.
LAYERS: dict[str, Callable[[Any, int, Any], nn.Module]] = {
    "linear": lambda nn, inputs, size: nn.Linear(inputs, size),
    "linear_without_bias": lambda nn, inputs, size: nn.Linear(inputs, size, bias=False),
    "batch_norm": lambda nn, inputs, _: nn.BatchNorm1d(inputs),
    "relu": lambda nn, *_: nn.ReLU(),
    "dropout": lambda nn, _, share: nn.Dropout(share),
    "normalise": lambda *_: normalised(),
}
SIZED = ("linear", "linear_without_bias")


def normalised() -> nn.Module:
    """A layer that brings each row to length 1."""
    from soundclr.models.layers import Normalise

    return Normalise()


def layers_of(settings: HeadSettings) -> list[tuple[str, Any]]:
    """Each layer's name and argument, None where it has none."""
    return [(layer, None) if isinstance(layer, str) else next(iter(layer.items())) for layer in settings.layers]


def check_head(settings: HeadSettings, place: str) -> None:
    """Raise UserError for a layer that does not exist, or whose argument will not do."""
    for name, argument in layers_of(settings):
        known(name, LAYERS, f"layer in {place}")
        number = isinstance(argument, int | float) and not isinstance(argument, bool)
        if name in SIZED and argument != "classes" and not (isinstance(argument, int) and 1 <= argument <= LARGEST):
            raise UserError(
                f"{place}: {name} wants its number of outputs, 1 to {LARGEST}, or classes; found {argument!r}"
            )
        if name == "dropout" and not (number and 0 <= argument < 1):
            raise UserError(f"{place}: dropout wants a share from 0 to below 1, found {argument!r}")
        if name not in (*SIZED, "dropout") and argument is not None:
            raise UserError(f"{place}: {name} takes no argument, found {argument!r}")


def outputs(settings: HeadSettings) -> Any:
    """The size that a head's last sized layer is given, None where it has none."""
    return next((argument for name, argument in reversed(layers_of(settings)) if name in SIZED), None)


def build_head(settings: HeadSettings, inputs: int, classes: int) -> tuple[nn.Sequential, int]:
    """A head on ``inputs`` features, and how many come out; the size ``classes`` is the number of classes."""
    from torch import nn

    made = []
    for name, argument in layers_of(settings):
        size = classes if argument == "classes" else argument
        made.append(LAYERS[name](nn, inputs, size))
        inputs = size if name in SIZED else inputs
    return nn.Sequential(*made), inputs
