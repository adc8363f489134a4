"""Reads a file of initial encoder weights into a state dict with torchvision's names."""

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from soundclr.errors import UserError
from soundclr.models.misfit import listed, no_state_dict, tensors_only, unreadable
from soundclr.params import MappingSettings

Weights = dict[str, Tensor]

# How NumPy 1 and 2 pickle a number. None of these runs code from the file.
SCALAR: Any = np.float64(0).__reduce__()[0]
NUMBERS: list[Any] = [
    *((SCALAR, f"{module}.multiarray.scalar") for module in ("numpy.core", "numpy._core")),
    np.dtype,
    *(type(np.dtype(kind)) for kind in (bool, np.int32, np.int64, np.float32, np.float64)),
]


def read_weights(path: Path, mapping: MappingSettings | None = None) -> Weights:
    """Read a file's state dict and apply ``mapping`` to it. UserError if the file has no fitting state dict.

    Nothing in the file is run: it may hold tensors, plain values and, if the mapping allows them, NumPy numbers.
    """
    mapping = mapping or MappingSettings()
    try:
        with torch.serialization.safe_globals(NUMBERS) if mapping.numpy else nullcontext():
            content = tensors_only(path)
    except Exception as error:  # torch.load raises many kinds; each means that the file is unusable
        raise UserError(f"{path}: {unreadable(path, error, mapping, NUMBERS)}") from error
    for depth, key in enumerate(mapping.take, 1):
        if not isinstance(content, dict) or key not in content:
            place = f"{'.'.join(mapping.take[:depth])}, which `mapping.take` in params.yaml names"
            has = f", but {listed(content)}; correct `take`" if isinstance(content, dict) else ""
            raise UserError(f"{path}: has no {place}{has}")
        content = content[key]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(f"{path}: {no_state_dict(content)}")
    weights = renamed(content, mapping.rename, path)
    weights = {name: value for name, value in weights.items() if not name.startswith(mapping.drop)}
    return rescaled(weights) if mapping.rescale else weights


def renamed(content: dict[Any, Tensor], names: dict[str, str], path: Path) -> Weights:
    """Rename weights by the regular expressions in ``names``. UserError if two get the same name."""
    weights: Weights = {}
    for old, value in content.items():
        name = str(old)
        for pattern, replacement in names.items():
            name = re.sub(pattern, replacement, name)
        if name in weights:
            raise UserError(f"{path}: two of its weights would be called {name}; correct the mapping in params.yaml")
        weights[name] = value
    return weights


def rescaled(weights: Weights) -> Weights:
    """Scale each convolution to the norm of Kaiming's initial weights (fan-out); the network's function stays the same.

    A convolution's weights are divided by c, the running mean of its batch norm by c and the running variance by c^2.
    So the batch norm's output is the same, except for the small constant that it adds to the variance. An optimiser
    that moves every weight by about its learning rate, as Adam does, then makes the same relative steps as in a network
    with random initial weights.
    """
    weights = dict(weights)
    for name, kernel in list(weights.items()):
        norm = norm_after(name)
        if kernel.dim() != 4 or f"{norm}.running_var" not in weights:
            continue
        usual = (2 * kernel.shape[1]) ** 0.5  # sqrt(2 / fan-out) times the square root of the number of weights
        c = float(kernel.double().norm()) / usual
        if c > 0:
            weights[name] = kernel / c
            weights[f"{norm}.running_mean"] = weights[f"{norm}.running_mean"] / c
            weights[f"{norm}.running_var"] = weights[f"{norm}.running_var"] / c**2
    return weights


def norm_after(name: str) -> str:
    """The batch norm after a convolution, by torchvision's names: ``layer1.0.bn2`` for ``layer1.0.conv2.weight``."""
    place = name.removesuffix(".weight")
    return re.sub(r"downsample\.0$", "downsample.1", re.sub(r"conv(\d)$", r"bn\1", place))
