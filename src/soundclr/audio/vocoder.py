"""A phase vocoder for batches: shifts the pitch and stretches the time of every clip by its own amounts.

It reads a clip's frames at places that depend on its rate. Magnitudes are interpolated between two frames; phases
advance as they do from one frame to the next. That is one gather and a cumulative sum. Phases need no unwrapping,
because output frames are one analysis step apart, at the new pitch. They equal the clip's own phases at the loudest
frame; if they did so at the clip's beginning, inside a frame, tones would lose a third of their amplitude. To shift the
pitch, each frame is resampled by an inverse transform of another length; frequencies above half the rate are left out.
"""

import functools
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import pad

OVERLAP = 4  # frames over each sample
WINDOWS_SUM = 1.5  # of four squared Hann windows, a quarter of their length apart
CENTRED = OVERLAP // 2  # the frame whose centre is the clip's first sample
SAMPLES_AT_ONCE_ON_CPU = 2**15  # two clips of a second: intermediate results are many times as large
TOLERANCE = 0.0035  # of a pitch: 6 cents, about the smallest audible difference


def vocoded(waveforms: Tensor, semitones: Tensor, rates: Tensor, n_fft: int) -> Tensor:
    """Shift each clip by whole semitones and speed its time up by ``rates``, which does not change the pitch.

    Args:
        waveforms: float32, (clips, samples); they keep their values.
        semitones: int64, (clips,), on the CPU; up is positive.
        rates: float64, (clips,), on the CPU, above 0.
        n_fft: samples of an analysed frame, a multiple of 4; frames begin a quarter of it apart.

    Returns:
        float32, (clips, samples): a longer result is cut at its end, a shorter one is padded with zeros. A clip with no
        shift and a rate of 1 is unchanged.
    """
    result = waveforms.clone()
    for shift in semitones.unique().tolist():
        [rows] = ((semitones == shift) & ((rates != 1) | (shift != 0))).nonzero(as_tuple=True)
        few = max(1, SAMPLES_AT_ONCE_ON_CPU // waveforms.shape[1])
        for part in rows.split(few if waveforms.device.type == "cpu" else len(waveforms)):
            if len(part):
                there = part.to(waveforms.device, non_blocking=True)
                result[there] = _vocoded(waveforms[there], rates[part], n_fft, frame_length(n_fft, shift))
    return result


@functools.cache
def frame_length(n_fft: int, semitones: int) -> int:
    """The length of a frame of ``n_fft`` samples after a pitch shift: a multiple of 4.

    It is the nearest to the pitch or, within :data:`TOLERANCE`, one with smaller prime factors, whose transform is
    several times as fast.
    """
    ideal = n_fft / OVERLAP / 2 ** (semitones / 12)
    near = range(int(ideal * (1 - TOLERANCE)) + 1, int(ideal * (1 + TOLERANCE)) + 1)
    quarter = min((round(ideal), *near), key=lambda step: (max(13, *factors(step)), abs(step - ideal)))
    return OVERLAP * quarter


def factors(number: int) -> Iterator[int]:
    """1 and the prime factors of a number."""
    yield 1
    divisor = 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            yield divisor
            number //= divisor
        divisor += 1
    yield number


@functools.lru_cache(maxsize=64)
def hann(length: int, device: torch.device) -> Tensor:
    """The periodic Hann window, kept for later calls."""
    return torch.hann_window(length, device=device)


def _vocoded(waveforms: Tensor, rates: Tensor, n_fft: int, length: int) -> Tensor:
    """Clips with the same shift, which turns frames into ``length`` samples."""
    clips, samples = waveforms.shape
    hop, step = n_fft // OVERLAP, length // OVERLAP
    # The first frame and the last two are zeros, so a clip's ends lie under as many frames as its middle.
    padded = pad(waveforms, (n_fft, n_fft + hop + -samples % hop))
    window = hann(n_fft, waveforms.device)
    spectra = torch.stft(padded, n_fft, hop, window=window, center=False, return_complex=True).transpose(1, 2)
    kept = torch.view_as_real(spectra[..., : length // 2 + 1])
    real, imaginary = (part.contiguous() for part in kept.unbind(-1))
    phase = torch.atan2(imaginary, real.add_(0))  # + 0: the phase of silence is 0, not that of -0
    magnitude = torch.addcmul(real.square(), imaginary, imaginary).sqrt_()

    steps = -(-samples // step)
    frames = phase.shape[1]
    places = CENTRED + (torch.arange(steps + OVERLAP, dtype=torch.float64) - CENTRED) * rates[:, None] * step / hop
    places.clamp_(0, frames - 2)
    below = places.long()
    between = (places - below).float()[..., None].to(waveforms.device, non_blocking=True)
    rows = (below + frames * torch.arange(clips)[:, None]).view(-1).to(waveforms.device, non_blocking=True)

    def read(values: Tensor, ahead: int = 0) -> Tensor:
        """The frames of ``values`` (clips, frames, bins) at the places, or ``ahead`` of them."""
        return values.flatten(0, 1).index_select(0, rows + ahead).view(clips, -1, values.shape[-1])

    magnitudes, phases = read(magnitude).lerp_(read(magnitude, 1), between), read(phase)
    advances = read(phase, 1).sub_(phases)
    turns = advances.cumsum(1).sub_(advances)
    loudest = torch.linalg.vector_norm(magnitudes, dim=2).argmax(1)[:, None, None].expand(-1, 1, phases.shape[2])
    turns += phases.gather(1, loudest) - turns.gather(1, loudest)
    # torch.polar takes twice as long
    out = torch.fft.irfft(torch.complex(magnitudes * turns.cos(), magnitudes * turns.sin()), n=length)
    out *= hann(length, out.device) * (length / n_fft / WINDOWS_SUM)
    quarters = out.view(clips, -1, OVERLAP, step)
    whole = sum(quarters[:, OVERLAP - part : OVERLAP - part + steps, part] for part in range(OVERLAP))
    assert isinstance(whole, Tensor)
    result = whole.flatten(1)[:, :samples]
    if (rates > 1).any():
        beyond = torch.arange(samples) >= samples / rates[:, None]
        result = result.masked_fill(beyond.to(result.device, non_blocking=True), 0)
    return result
