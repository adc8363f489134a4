"""Brings clips of any length to one length: scaled in time, padded or cropped, as one gather on the device.

SoundCLR's input pipeline (section 3.2; values as in its reference code).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from soundclr.audio.features import FULL_SCALES, Waveforms

BLOCK = 64  # samples, for the places that scaling reads from
ONE_BY_ONE = ("cpu",)  # devices that are faster clip by clip, because a clip stays in the cache


class Clips(NamedTuple):
    """Where clips lie in an array of samples, one row per clip: int64, (rows, 1); ``scale`` is float64.

    ``first`` is a clip's first sample in the array, ``size`` its number of samples. ``scaled`` is that number after
    scaling time by ``scale`` (None: not scaled). ``start`` is the scaled sample at which the output row begins. All are
    on the array's device.
    """

    first: Tensor
    size: Tensor
    scaled: Tensor
    start: Tensor
    scale: Tensor | None


def waveform_batch(
    waveforms: Waveforms,
    indices: Tensor,
    length: int,
    scale: Tensor | None = None,
    position: Tensor | None = None,
    zeros: bool = False,
) -> Tensor:
    """Clips scaled in time, then padded or cropped to ``length`` samples.

    A clip of n samples and scale s becomes m = int(n * s) samples (at least one), linearly interpolated at
    j / s. With d = abs(length - m), left = int(p * d) for a ``position`` p, and round(d / 2) without one.
    A shorter clip gets its first value ``left`` times before it, and its last value after it. A longer clip is cropped
    to the window that begins at ``left``, unless that window is quiet: see :func:`_crop_unless_quiet`.

    Args:
        waveforms: the clips; the work is done on their samples' device.
        indices: int64, (batch,), which clips, on the CPU.
        length: samples of every row.
        scale: float64, (batch,), on the CPU, above 0; None: 1.
        position: float64, (batch,), on the CPU, in [0, 1); None: centred.
        zeros: pad a shorter clip with zeros, not with its first and last value.

    Returns:
        float32, (batch, length), on the samples' device, in [-1, 1]; pictures in [0, 1].
    """
    first = waveforms.offsets[indices]
    size = waveforms.offsets[indices + 1] - first
    scaled = size if scale is None else (size * scale).long().clamp_(min=1)
    start = _starts(scaled, length, position)

    samples, device = waveforms.samples, waveforms.samples.device
    if device.type not in ONE_BY_ONE:
        width = int(scaled.max())  # on the CPU, so that no GPU is waited for
        first, size, scaled, start = (
            column[:, None].to(device, non_blocking=True) for column in (first, size, scaled, start)
        )
        scale = None if scale is None else scale[:, None].to(device, non_blocking=True)
        clips = Clips(first, size, scaled, start, scale)
        batch = _many_clips(samples, clips, length, width)
        return _with_zeros(batch, scaled, start) if zeros else batch
    numbers = zip(first.tolist(), size.tolist(), scaled.tolist(), start.tolist(), strict=True)
    rows = [
        _one_clip(samples[f : f + n], m, s, length, FULL_SCALES[samples.dtype], None if scale is None else scale[row])
        for row, (f, n, m, s) in enumerate(numbers)
    ]
    batch = rows[0][None] if len(rows) == 1 else torch.stack(rows)
    return _with_zeros(batch, scaled[:, None], start[:, None]) if zeros else batch


def _with_zeros(batch: Tensor, scaled: Tensor, start: Tensor) -> Tensor:
    """Set the padding of rows to zero. ``scaled`` and ``start`` are as in :class:`Clips`."""
    places = torch.arange(batch.shape[1], device=batch.device) + start
    return batch.masked_fill_((places < 0) | (places >= scaled), 0)


def own_columns(waveforms: Waveforms, indices: Tensor, length: int, position: Tensor | None = None) -> Tensor:
    """The columns of :func:`waveform_batch`, without scaling, that hold the clips; the others are padding.

    Returns:
        int64, (batch, 2), on the CPU: the first of a clip's own columns, and the one after its last.
    """
    size = waveforms.offsets[indices + 1] - waveforms.offsets[indices]
    start = _starts(size, length, position)
    return torch.stack([(-start).clamp(min=0), (size - start).clamp(max=length)], 1)


def _starts(size: Tensor, length: int, position: Tensor | None) -> Tensor:
    """The sample of each clip at which its row begins, negative if padding precedes it: int64, (batch,)."""
    spare = size - length
    left = torch.round(0.5 * spare.abs()) if position is None else torch.floor(position * spare.abs())
    return torch.where(spare > 0, left, -left).long()


def _one_clip(signal: Tensor, scaled: int, start: int, length: int, full_scale: int, scale: Tensor | None) -> Tensor:
    """One clip's row, (length,). The numbers are as in :class:`Clips`; ``scale`` has no dimension."""
    if scale is not None:
        below, fraction = (places[:scaled] for places in _places(scaled, scale))
        beyond = torch.empty(len(signal) + 2, device=signal.device)  # padded with its last value
        beyond[: len(signal)], beyond[len(signal) :] = signal, signal[-1]
        below = below.long()  # index_select is faster by int64, by more than this takes
        signal = beyond.index_select(0, below).lerp_(beyond[1:].index_select(0, below), fraction)
    if scaled <= length:
        row = torch.empty(length, device=signal.device)
        row[:-start], row[-start : scaled - start], row[scaled - start :] = signal[0], signal, signal[-1]
    else:
        row = _crop_unless_quiet(signal.float(), start, length)
    return row.mul_(1 / full_scale)


def _crop_unless_quiet(signal: Tensor, start: int, length: int) -> Tensor:
    """The window of a clip that begins at ``start``, or another one by the standard-deviation rule.

    Let half be half the (unbiased) standard deviation of the whole scaled signal. If the window's standard deviation is
    below half, the signal's first window is taken instead. If the first window's is also below half, yet above that of
    the window at ``start``, the last window is taken.
    """
    window, head, tail = signal[start : start + length], signal[:length], signal[-length:]
    half, crop = 0.5 * _std(signal), _std(window)
    if crop >= half:
        return window
    return tail if half > _std(head) > crop else head


def _std(signal: Tensor) -> Tensor:
    """The unbiased standard deviation of a clip; torch's own takes twice as long."""
    return torch.linalg.vector_norm(signal - signal.mean()) / (len(signal) - 1) ** 0.5


def _many_clips(samples: Tensor, clips: Clips, length: int, width: int) -> Tensor:
    """The rows of many clips in a few large steps: (rows, length). A scaled clip has at most ``width`` samples."""
    if clips.scale is None:
        signals, begin = samples, clips.first
    else:
        below, fraction = _places(width, clips.scale)
        last = clips.first + clips.size - 1
        below = (below + clips.first).clamp_(max=last)
        low = samples.index_select(0, below.view(-1)).float()
        high = samples.index_select(0, below.add_(1).clamp_(max=last).view(-1)).float()
        signals = low.lerp_(high, fraction.view(-1))
        begin = below.shape[1] * torch.arange(len(below), device=samples.device)[:, None]
    batch = _windows(signals, begin, clips.scaled, clips.start, length)
    if width > length:
        batch = _unless_quiet(batch, signals, begin, clips.scaled, width)
    return batch.mul_(1 / FULL_SCALES[samples.dtype])


def _windows(signals: Tensor, begin: Tensor, size: Tensor, start: Tensor, length: int) -> Tensor:
    """``length`` samples from ``start`` on of signals of ``size`` samples, padded with their end values."""
    places = (torch.arange(length, device=signals.device) + start).clamp_(min=0)
    places = places.clamp(max=size - 1) + begin
    return signals.index_select(0, places.view(-1)).float().view(-1, length)


def _unless_quiet(batch: Tensor, signals: Tensor, begin: Tensor, size: Tensor, width: int) -> Tensor:
    """:func:`_crop_unless_quiet` for all rows; rows of clips that were not cropped keep their values."""
    length = batch.shape[1]
    half = 0.5 * _stds(_windows(signals, begin, size, torch.zeros_like(size), width), size)
    head = _windows(signals, begin, size, torch.zeros_like(size), length)
    tail = _windows(signals, begin, size, size - length, length)
    whole = torch.full_like(size, length)
    crop, spread = _stds(batch, whole), _stds(head, whole)
    other = torch.where((half > spread) & (spread > crop), tail, head)
    return torch.where((crop < half) & (size > length), other, batch)


def _stds(signals: Tensor, counts: Tensor) -> Tensor:
    """The unbiased standard deviation of the first ``counts`` samples of each row: (rows, 1)."""
    beyond = torch.arange(signals.shape[1], device=signals.device) >= counts
    mean = signals.masked_fill(beyond, 0).sum(1, keepdim=True) / counts
    centred = (signals - mean).masked_fill_(beyond, 0)
    return torch.linalg.vector_norm(centred, dim=1, keepdim=True) / (counts - 1) ** 0.5


def _places(width: int, scale: Tensor) -> tuple[Tensor, Tensor]:
    """The whole and the fractional parts of the places j / scale, for j from 0 to ``width`` or a few more.

    ``scale`` has no dimension or is (rows, 1); the results, int32 and float32, are (places,) or (rows, places).

    The place where a block begins is computed in float64; within a block float32 suffices. Float32 alone would round
    places to 1/64 sample near the end of a clip of 5 s, which adds noise to high frequencies; float64 alone takes four
    times as long. A scale of 1 is exact.
    """
    blocks = -(-width // BLOCK)
    place = torch.arange(blocks, device=scale.device, dtype=torch.float64) * BLOCK / scale
    whole = place.floor()
    within = (torch.arange(BLOCK, device=scale.device, dtype=torch.float64) / scale).float()
    fraction = (place - whole).float()[..., None] + within.unsqueeze(-2)
    below = fraction.int().add_(whole.int()[..., None])
    return below.flatten(-2), fraction.frac_().flatten(-2)
