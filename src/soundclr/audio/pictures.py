"""Reads pictures, and computes their augmentations on batches, (pictures, 3, side, side) in [0, 1]."""

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import grid_sample

from soundclr.errors import UserError
from soundclr.machine.files import reason

LUMA = (0.2989, 0.587, 0.114)  # weights of red, green and blue, as in ITU-R 601-2 and torchvision


def read_picture(path: Path, side: int) -> npt.NDArray[np.uint8]:
    """Decode a JPEG or PNG file of ``side`` x ``side`` pixels: uint8, (3 * side * side,), red, then green, then blue.

    Grey pictures get three equal channels. UserError for a file that is damaged, or has another size or colour mode.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as Pillow's warning of a decompression bomb
            with Image.open(path, formats=("JPEG", "PNG")) as picture:
                if picture.size != (side, side):
                    found = " x ".join(map(str, picture.size))
                    raise UserError(f"{path}: has {found} pixels, not {side} x {side}; replace it")
                if picture.mode not in ("RGB", "L"):
                    raise UserError(f"{path}: is neither RGB nor grey but {picture.mode}; replace it")
                pixels = np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError) as error:
        detail = reason(error) if isinstance(error, OSError) and error.errno else error
        raise UserError(f"{path}: cannot be decoded as JPEG or PNG, it is damaged or cut off ({detail})") from error
    return pixels.transpose(2, 0, 1).reshape(-1)


def cropped(pictures: Tensor, boxes: Tensor) -> Tensor:
    """Crop pictures to ``boxes`` (pictures, 4), top, left, height and width in pixels, and resize them to full size.

    The interpolation is bilinear and uses no pixels outside the box.
    """
    side = pictures.shape[-1]
    top, left, height, width = boxes.to(pictures.device, torch.float32, non_blocking=True).T[..., None]
    centres = (torch.arange(side, device=pictures.device) + 0.5) / side
    rows, columns = (
        (2 * (first + (size * centres - 0.5).clamp(min=0).minimum(size - 1)) + 1) / side - 1
        for first, size in ((top, height), (left, width))
    )
    grid = torch.stack(torch.broadcast_tensors(columns[:, None, :], rows[:, :, None]), -1)
    return grid_sample(pictures, grid, align_corners=False)


def jittered(pictures: Tensor, factors: Tensor, order: Tensor) -> Tensor:
    """Change brightness, contrast, saturation and hue by ``factors`` (pictures, 4), in the ``order`` (pictures, 4)."""
    result = pictures.clone()
    for place in range(4):
        for number, change in enumerate((brighter, contrasted, saturated, hued)):
            rows = (order[:, place] == number).nonzero()[:, 0]
            factor = factors[rows, number].view(-1, 1, 1, 1).to(pictures.device, torch.float32, non_blocking=True)
            there = rows.to(pictures.device, non_blocking=True)
            result[there] = change(result[there], factor)
    return result


def brighter(pictures: Tensor, factor: Tensor) -> Tensor:
    """Mix with black."""
    return (pictures * factor).clamp_(0, 1)


def contrasted(pictures: Tensor, factor: Tensor) -> Tensor:
    """Mix with the picture's mean grey."""
    mean = grey(pictures).mean((1, 2, 3), keepdim=True, dtype=torch.float64).float()  # the same in any batch
    return (mean + (pictures - mean) * factor).clamp_(0, 1)


def saturated(pictures: Tensor, factor: Tensor) -> Tensor:
    """Mix with the grey picture."""
    return grey(pictures).lerp(pictures, factor).clamp_(0, 1)


def hued(pictures: Tensor, shift: Tensor) -> Tensor:
    """Turn the hue by ``shift`` of a full turn."""
    value = pictures.amax(1, keepdim=True)
    chroma = value - pictures.amin(1, keepdim=True)
    red, green, blue = pictures.split(1, 1)
    sixths = torch.where(  # of a turn
        value == red, green - blue, torch.where(value == green, blue - red + 2 * chroma, red - green + 4 * chroma)
    ) / chroma.where(chroma > 0, 1)
    # Red, green and blue are the value minus a share of the chroma, which grows with the distance to their hue
    places = (5 - 2 * torch.arange(3, device=pictures.device)).view(1, 3, 1, 1)
    k = (places + sixths + 6 * shift) % 6
    return (value - chroma * torch.minimum(k, 4 - k).clamp_(0, 1)).clamp_(0, 1)


def grey(pictures: Tensor) -> Tensor:
    """The luma: (pictures, 1, side, side)."""
    red, green, blue = pictures.split(1, 1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def blurred(kernel: int, pictures: Tensor, sigmas: Tensor) -> Tensor:
    """Blur with a Gaussian of ``kernel`` pixels (odd) and standard deviations ``sigmas`` (pictures,); edges reflect.

    It multiplies each picture twice with a matrix of its own. On a CPU, a convolution per picture takes far longer.
    """
    side, half = pictures.shape[-1], kernel // 2
    steps = torch.arange(-half, half + 1)
    weights = torch.exp(-0.5 * (steps / sigmas[:, None]) ** 2)
    weights = (weights / weights.sum(1, keepdim=True)).float().to(pictures.device, non_blocking=True)
    sources = (torch.arange(side)[:, None] + steps).abs()  # of a row's numbers
    sources = torch.where(sources >= side, 2 * (side - 1) - sources, sources).to(pictures.device, non_blocking=True)
    matrix = torch.zeros(len(pictures), side, side, device=pictures.device)
    matrix.scatter_add_(2, sources.expand(len(pictures), -1, -1), weights[:, None].expand(-1, side, -1))
    with torch.autocast(pictures.device.type, enabled=False):
        return matrix[:, None] @ pictures @ matrix.mT[:, None]
