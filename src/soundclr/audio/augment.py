"""Waveform augmentation of a whole batch: random scale, pad and crop as one gather on the device.

The paper's input pipeline (section III-B; values as in its reference code). Random numbers are drawn on
the CPU from a given generator, one small tensor a batch, so that the same batch comes out on every device.
"""

import torch
from torch import Tensor

from soundclr.audio.decode import FULL_SCALE
from soundclr.audio.features import Waveforms

BLOCK = 64  # samples, for the places that scaling reads from
ONE_BY_ONE = ("cpu",)  # devices that are faster clip by clip
Number = Tensor | int


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
    scaled = size if scale is None else (size * scale).long().clamp_(min=1)
    start = _starts(scaled, length, position)

    samples, device = waveforms.samples, waveforms.samples.device
    columns = [first, size, scaled, start] + ([] if scale is None else [scale])
    if device.type in ONE_BY_ONE:
        rows = zip(*(column.tolist() for column in columns), strict=True)
        parts = [_read(samples[f : f + n], length, m, 0, n, m, *rest) for f, n, m, *rest in rows]
        return parts[0] if len(parts) == 1 else torch.cat(parts)
    return _read(samples, length, int(scaled.max()), *(column[:, None].to(device) for column in columns))


def own_columns(waveforms: Waveforms, indices: Tensor, length: int, position: Tensor | None = None) -> Tensor:
    """Where the clips themselves are in the rows of :func:`waveform_batch` without scaling; the rest is padding.

    Returns:
        int64, (batch, 2), on the CPU: the first of a clip's own columns, and the one after its last.
    """
    size = waveforms.offsets[indices + 1] - waveforms.offsets[indices]
    start = _starts(size, length, position)
    return torch.stack([(-start).clamp(min=0), (size - start).clamp(max=length)], 1)


def _starts(size: Tensor, length: int, position: Tensor | None) -> Tensor:
    """The sample of each clip that is the first of its row, negative where padding comes before: int64, (batch,)."""
    spare = size - length
    left = torch.round(0.5 * spare.abs()) if position is None else torch.floor(position * spare.abs())
    return torch.where(spare > 0, left, -left).long()


def _read(
    samples: Tensor,
    length: int,
    width: int,
    first: Number,
    size: Number,
    scaled: Number,
    start: Number,
    scale: Tensor | float | None = None,
) -> Tensor:
    """``length`` samples from ``start`` on of scaled clips of at most ``width`` samples: (rows, length).

    Clips are one, given by plain numbers, or many, given by columns (rows, 1) on the device. A GPU wants all
    at once; a CPU one by one, where it keeps them in its caches and computes faster with numbers than with columns.
    """
    begin: Number
    if scale is None:
        signals, begin = samples, first
    else:
        stretched = _stretched(samples, width, first, size, scale)
        rows, apart = stretched.shape
        signals, begin = stretched.view(-1), 0
        if isinstance(first, Tensor):
            begin = apart * torch.arange(rows, device=samples.device)[:, None]
    batch = _windows(signals, begin, scaled, start, length)
    if width > length:
        batch = _unless_quiet(batch, signals, begin, scaled, width)
    return batch.mul_(1 / FULL_SCALE)


def _stretched(samples: Tensor, width: int, first: Number, size: Number, scale: Tensor | float) -> Tensor:
    """The scaled clips from their first sample on, (rows, width or a few more); no use beyond a clip's end.

    Places are float64 where a block begins, and float32 only within it. In float32 throughout they would lie
    1/64 sample apart near the end of a clip of 5 s, which adds noise to high frequencies; in float64 throughout
    they take four times as long. A scale of 1 is exact.
    """
    blocks = -(-width // BLOCK)
    place = torch.arange(blocks, device=samples.device, dtype=torch.float64) * BLOCK / scale
    whole = place.floor()
    within = (torch.arange(BLOCK, device=samples.device, dtype=torch.float64) / scale).float()
    fraction = (place - whole).float()[..., None] + within.unsqueeze(-2)
    below = fraction.int().add_(whole.int()[..., None]).view(-1, blocks * BLOCK)
    fraction = fraction.frac_().view(-1, blocks * BLOCK)
    below = below.clamp_(max=size - 1).add_(first)
    low = samples.index_select(0, below.view(-1)).float()
    below = below.add_(1).clamp_(max=first + size - 1)
    high = samples.index_select(0, below.view(-1)).float()
    return low.lerp_(high, fraction.view(-1)).view(-1, blocks * BLOCK)


def _windows(signals: Tensor, begin: Number, size: Number, start: Number, length: int) -> Tensor:
    """``length`` samples from ``start`` on of signals of ``size`` samples, their end values going on beyond them."""
    if isinstance(size, Tensor):
        places = (torch.arange(length, device=signals.device) + start).clamp_(min=0)
        places = places.clamp(max=size - 1) + begin
        return signals.index_select(0, places.view(-1)).float().view(-1, length)
    assert isinstance(start, int)  # one clip, which begins at 0: its inside, and its end values on both sides
    inside = signals[max(start, 0) : min(start + length, size)]
    window = torch.empty(1, length, device=signals.device)
    before, after = max(-start, 0), min(size - start, length)
    window[:, :before], window[:, before:after], window[:, after:] = inside[0], inside, inside[-1]
    return window


def _unless_quiet(batch: Tensor, signals: Tensor, begin: Number, size: Number, width: int) -> Tensor:
    """The standard-deviation rule for clips that were cropped; others stay as they are.

    With half = half the standard deviation of the whole scaled signal: a window whose own is below half
    gives way to the signal's first window; and if that one's is below half too, yet above that of the
    window it replaced, to the last window. Standard deviations are the unbiased ones.
    """
    length = batch.shape[1]
    half = 0.5 * _std(_windows(signals, begin, size, 0, width), size)
    crop = _std(batch, length)
    if batch.device.type == "cpu" and bool((crop >= half).all()):  # asking a GPU would wait for all that it has to do
        return batch
    head = _windows(signals, begin, size, 0, length)
    tail = _windows(signals, begin, size, size - length, length)
    spread = _std(head, length)
    other = torch.where((half > spread) & (spread > crop), tail, head)
    return torch.where((crop < half) & (size > length), other, batch)


def _std(signals: Tensor, counts: Number) -> Tensor:
    """The unbiased standard deviation of the first ``counts`` samples of each row: (rows, 1)."""
    if not isinstance(counts, Tensor):
        centred = signals - signals.mean(1, keepdim=True)
    else:
        beyond = torch.arange(signals.shape[1], device=signals.device) >= counts
        mean = signals.masked_fill(beyond, 0).sum(1, keepdim=True) / counts
        centred = (signals - mean).masked_fill_(beyond, 0)
    return torch.linalg.vector_norm(centred, dim=1, keepdim=True) / (counts - 1) ** 0.5
