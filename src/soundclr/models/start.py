"""What an encoder's weights start from: a file, or another run's model."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from soundclr.errors import UserError

PREFIX = "encoder."  # of the encoder's names in a run's model


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict of tensors; UserError for a file that is none."""
    content = read_state(path, "fetch it again")
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(f"{path}: not a state dict of tensors; fetch it again")
    return content


def start_from_run(encoder: nn.Module, path: Path) -> None:
    """Give ``encoder`` the weights that the encoder of a trained run's model has.

    Raises UserError for a model that cannot be read, or whose encoder is another one.
    """
    state = read_weights(path)
    try:
        encoder.load_state_dict({k.removeprefix(PREFIX): v for k, v in state.items() if k.startswith(PREFIX)})
    except RuntimeError as error:
        raise UserError(f"{path}: its encoder is not this run's ({first_line(error)})") from error


def read_state(path: Path, remedy: str) -> Any:
    """What ``torch.save`` wrote, tensors and plain values only; UserError with ``remedy`` for a damaged file."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds; all of them mean that this file will not do
        raise UserError(f"{path}: cannot be read ({first_line(error)}); {remedy}") from error


def first_line(error: Exception) -> str:
    """What an error says first, or its kind where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
