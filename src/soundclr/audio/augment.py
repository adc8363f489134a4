"""Waveform augmentation of a whole batch: random scale, pad and crop as one gather on the device.

The paper's input pipeline (section III-B; values as in its reference code). Random numbers are drawn on
the CPU from a given generator, one small tensor a batch, so that the same batch comes out on every device.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from soundclr.audio.decode import FULL_SCALE
from soundclr.audio.features import Waveforms


def draw_scales(count: int, factor: float, generator: torch.Generator) -> Tensor:
    """Random scales ``factor ** u``, u uniform on [-1, 1): float64, (count,), on the CPU."""
    return factor ** (2 * draw_positions(count, generator) - 1)


def draw_positions(count: int, generator: torch.Generator) -> Tensor:
    """Random places of clip and window, uniform on [0, 1): float64, (count,), on the CPU."""
    return torch.rand(count, generator=generator, dtype=torch.float64)


def waveform_batch(
    waveforms: Waveforms,
    indices: Tensor,
    length: int,
    scale: Tensor | None = None,
    position: Tensor | None = None,
) -> Tensor:
    """Clips scaled in time, then padded or cropped to ``length`` samples.

    A clip of n samples and scale s becomes m = int(n * s) samples (at least one), linearly interpolated at
    j / s. With d = abs(length - m), ``position`` p puts left = int(p * d), without it left = round(d / 2).
    A shorter clip gets ``left`` times its first value before it and its last value after it. Of a longer
    one the window from ``left`` is taken, unless that window is quiet: see :func:`_replace_quiet`.

    Args:
        waveforms: the clips; their samples' device is where the work is done.
        indices: int64, (batch,), which clips, on the CPU.
        length: samples of every row.
        scale: float64, (batch,), on the CPU, above 0; none: 1.
        position: float64, (batch,), on the CPU, in [0, 1); none: centred.

    Returns:
        float32, (batch, length), in [-1, 1], on the samples' device.
    """
    first = waveforms.offsets[indices]
    size = waveforms.offsets[indices + 1] - first
    if scale is None:
        scale = torch.ones(len(indices), dtype=torch.float64)
    scaled = (size * scale).long().clamp_(min=1)
    spare = scaled - length
    left = torch.round(0.5 * spare.abs()) if position is None else torch.floor(position * spare.abs())
    start = torch.where(spare > 0, left, -left)
    longer = torch.nonzero(spare > 0).squeeze(1)

    device = waveforms.samples.device
    rows = _Rows(*(column[:, None].to(device) for column in (first, size, scaled, scale)))
    batch = _read(waveforms.samples, rows, start[:, None].to(device), length)
    if len(longer):
        _replace_quiet(batch, waveforms.samples, rows, longer, int(scaled.max()))
    return batch


class _Rows(NamedTuple):
    """What a batch reads, a row each: tensors of shape (rows, 1) on the device."""

    first: Tensor  # where the clip begins in the array of samples
    size: Tensor  # its samples
    scaled: Tensor  # its samples after scaling
    scale: Tensor  # float64

    def take(self, rows: Tensor) -> "_Rows":
        return _Rows(*(column[rows] for column in self))


def _read(samples: Tensor, rows: _Rows, start: Tensor | int, length: int) -> Tensor:
    """``length`` samples of each scaled signal from ``start`` on, its end values going on beyond its ends.

    Positions are float64: in float32 they would lie 1/64 sample apart near the end of a clip of 5 s, which
    adds noise to high frequencies. Division, not multiplication by 1 / s, so that a scale of 1 is exact.
    """
    steps = torch.arange(length, device=samples.device, dtype=torch.float64) + start
    place = torch.minimum(steps.clamp_(min=0), rows.scaled - 1.0).div_(rows.scale)
    floor = place.floor()
    fraction = place.sub_(floor).float()
    below = floor.long().add_(rows.first)
    end = rows.first + rows.size - 1
    torch.minimum(below, end, out=below)
    low = samples.index_select(0, below.view(-1)).float()
    high = samples.index_select(0, torch.minimum(below.add_(1), end, out=below).view(-1)).float()
    return low.lerp_(high, fraction.view(-1)).div_(FULL_SCALE).view(fraction.shape)


def _replace_quiet(batch: Tensor, samples: Tensor, rows: _Rows, longer: Tensor, widest: int) -> None:
    """The standard-deviation rule for clips that were cropped, in place.

    With half = half the standard deviation of the whole scaled signal: a window whose own is below half
    gives way to the signal's first window; and if that one's is below half too, yet above that of the
    window it replaced, to the last window. Standard deviations are the unbiased ones.
    """
    length = batch.shape[1]
    longer = longer.to(batch.device)
    rows = rows.take(longer)
    half = 0.5 * _std(_read(samples, rows, 0, widest), rows.scaled)
    crop = batch[longer].std(1, keepdim=True)
    quiet = torch.nonzero((crop < half).squeeze(1)).squeeze(1)
    if len(quiet) == 0:
        return
    rows, half, crop = rows.take(quiet), half[quiet], crop[quiet]
    head = _read(samples, rows, 0, length)
    tail = _read(samples, rows, rows.scaled - length, length)
    spread = head.std(1, keepdim=True)
    batch[longer[quiet]] = torch.where((half > spread) & (spread > crop), tail, head)


def _std(signals: Tensor, counts: Tensor) -> Tensor:
    """The unbiased standard deviation of the first ``counts`` (rows, 1) samples of each row: (rows, 1)."""
    beyond = torch.arange(signals.shape[1], device=signals.device) >= counts
    mean = signals.masked_fill(beyond, 0).sum(1, keepdim=True) / counts
    squares = (signals - mean).square_().masked_fill_(beyond, 0).sum(1, keepdim=True)
    return (squares / (counts - 1)).sqrt()
