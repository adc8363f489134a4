"""Heads: lists of layers applied to the encoder's representation h or to the projection's output."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from soundclr.errors import UserError
from soundclr.params import HeadSettings, known

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    from torch import nn

LARGEST = 65_536  # outputs of a layer

# The layers that a head in params.yaml may have: (nn, inputs, argument) -> layer. Those in SIZED change the size.
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
    """A layer that scales each row to length 1."""
    from soundclr.models.layers import Normalise

    return Normalise()


def layers_of(settings: HeadSettings) -> list[tuple[str, Any]]:
    """Each layer's name and its argument, or None."""
    return [(layer, None) if isinstance(layer, str) else next(iter(layer.items())) for layer in settings.layers]


def check_head(settings: HeadSettings, place: str) -> None:
    """Raise UserError for an unknown layer or an invalid argument."""
    for name, argument in layers_of(settings):
        known(name, LAYERS, f"layer in {place}")
        number = isinstance(argument, int | float) and not isinstance(argument, bool)
        if name in SIZED and argument != "classes" and not (isinstance(argument, int) and 1 <= argument <= LARGEST):
            raise UserError(
                f"{place}: {name} needs a number of outputs from 1 to {LARGEST}, or classes; found {argument!r}"
            )
        if name == "dropout" and not (number and 0 <= argument < 1):
            raise UserError(f"{place}: dropout needs a share of at least 0 and below 1; found {argument!r}")
        if name not in (*SIZED, "dropout") and argument is not None:
            raise UserError(f"{place}: {name} takes no argument, found {argument!r}")


def outputs(settings: HeadSettings) -> Any:
    """The output size of a head as written in params.yaml; None if no layer sets one."""
    return next((argument for name, argument in reversed(layers_of(settings)) if name in SIZED), None)


def build_head(settings: HeadSettings, inputs: int, classes: int) -> tuple[nn.Sequential, int]:
    """Build a head on ``inputs`` features; returns it and its output size. ``classes`` replaces the size "classes"."""
    from torch import nn

    made = []
    for name, argument in layers_of(settings):
        size = classes if argument == "classes" else argument
        made.append(LAYERS[name](nn, inputs, size))
        inputs = size if name in SIZED else inputs
    return nn.Sequential(*made), inputs
