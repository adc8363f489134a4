"""Files of weights that an encoder starts from."""

from pathlib import Path

import torch
from torch import Tensor

from soundclr.errors import UserError


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict of tensors; UserError for a file that is none."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many kinds; all of them mean that this file will not do
        raise UserError(f"{path}: cannot be read ({in_short(error)}); fetch it again") from error
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(f"{path}: not a state dict of tensors; fetch it again")
    return content


def in_short(error: Exception) -> str:
    """The beginning of what an error says, in one line, or its kind where it says nothing."""
    return " ".join(str(error).split())[:120] or type(error).__name__
