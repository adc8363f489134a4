"""Convert YAMNet's published file to a state dict of the encoder `yamnet`: yamnet_weights.py FILE.tflite OUT.pth.

It needs the package `tflite` (2.18.0), which is not a dependency. The file is yamnet_spectra_in.tflite of
github.com/google-coral/coralmicro at c9f665b0 (Apache-2.0): int8 weights with a scale per channel, folded batch norms.
"""

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tflite
import torch

SHA256 = "0a266465c46718f3fcc4137366be82882a8c93bfcc4f0278581a11d11dddcdf9"
CONVOLUTIONS = (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.DEPTHWISE_CONV_2D)


def numbers(model: Any, index: int) -> np.ndarray:
    """A constant tensor of the file's first graph as numbers, with its scales applied."""
    tensor = model.Subgraphs(0).Tensors(index)
    kind = {tflite.TensorType.INT8: np.int8, tflite.TensorType.INT32: np.int32}[tensor.Type()]
    values = model.Buffers(tensor.Buffer()).DataAsNumpy().view(kind).reshape(tensor.ShapeAsNumpy()).astype(np.float64)
    how = tensor.Quantization()
    shape = [1] * values.ndim
    shape[how.QuantizedDimension()] = -1
    return (values - how.ZeroPointAsNumpy().reshape(shape)) * how.ScaleAsNumpy().astype(np.float64).reshape(shape)


def state_dict(content: bytes) -> dict[str, torch.Tensor]:
    """The convolutions' weights (out, in, bands, frames) and biases, in float16, named as the encoder's blocks are."""
    model = tflite.Model.GetRootAsModel(content, 0)
    graph = model.Subgraphs(0)
    found: dict[str, torch.Tensor] = {}
    for place in range(graph.OperatorsLength()):
        operator = graph.Operators(place)
        kind = model.OperatorCodes(operator.OpcodeIndex()).DeprecatedBuiltinCode()
        if kind not in CONVOLUTIONS:
            continue
        _, weight, bias = operator.InputsAsNumpy()
        kernel = numbers(model, weight)  # (out, frames, bands, in) or, depthwise, (1, frames, bands, out)
        axes = (0, 3, 2, 1) if kind == tflite.BuiltinOperator.CONV_2D else (3, 0, 2, 1)
        layer = len(found) // 2
        found[f"{layer}.weight"] = torch.from_numpy(kernel.transpose(axes).copy()).half()
        found[f"{layer}.bias"] = torch.from_numpy(numbers(model, bias)).half()
    return found


def main(source: Path, destination: Path) -> None:
    """Write the state dict, and its SHA-256 to standard output."""
    content = source.read_bytes()
    if (has := hashlib.sha256(content).hexdigest()) != SHA256:
        sys.exit(f"{source}: has SHA-256 {has}, not {SHA256}")
    torch.save(state_dict(content), destination)
    print(hashlib.sha256(destination.read_bytes()).hexdigest())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
