"""A phase vocoder for batches: every clip's pitch shifted and its time stretched by amounts of its own.

A clip's frames are read at the places that its rate says, magnitudes between two frames, and phases go on as they do
from one frame to the next: one gather and a cumulative sum. The step between frames that are put out is the step
between frames that are analysed, at the new pitch; so phases need no unwrapping. They are the clip's own where it is
loudest: where it begins, in the middle of a frame, tones would lose a third of their amplitude for good. A shifted
pitch is a resampling of each frame, which is an inverse transform of another length; what would be above half the
rate is left out.
"""

import functools
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import pad

OVERLAP = 4  # frames over each sample
WINDOWS_SUM = 1.5  # of four squared Hann windows, a quarter of their length apart
CENTRED = OVERLAP // 2  # the frame whose centre is the clip's first sample
SAMPLES_AT_ONCE_ON_CPU = 2**15  # two clips of a second: a clip becomes many times as many numbers on the way
TOLERANCE = 0.0035  # of a pitch: 6 cents, about what can be heard


def vocoded(waveforms: Tensor, semitones: Tensor, rates: Tensor, n_fft: int) -> Tensor:
    """Each clip shifted by whole semitones, its time running ``rates`` times as fast; pitch does not follow it.

    Args:
        waveforms: float32, (clips, samples); left as they are.
        semitones: int64, (clips,), on the CPU; up is positive.
        rates: float64, (clips,), on the CPU, above 0.
        n_fft: samples of an analysed frame, a multiple of 4; frames begin a quarter of it apart.

    Returns:
        float32, (clips, samples): what became longer is cut at its end, after what became shorter there are zeros.
        A clip of no shift and a rate of 1 is as it was.
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
    """How many samples a frame of ``n_fft`` becomes when its pitch is shifted: a multiple of 4.

    As near to the pitch as that allows; or, within :data:`TOLERANCE`, one with smaller prime factors, whose transform
    is several times as fast.
    """
    ideal = n_fft / OVERLAP / 2 ** (semitones / 12)
    near = range(int(ideal * (1 - TOLERANCE)) + 1, int(ideal * (1 + TOLERANCE)) + 1)
    quarter = min((round(ideal), *near), key=lambda step: (max(13, *factors(step)), abs(step - ideal)))
    return OVERLAP * quarter


def factors(number: int) -> Iterator[int]:
    """The prime factors of a number, 1 being one."""
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
    """The periodic Hann window."""
    return torch.hann_window(length, device=device)


def _vocoded(waveforms: Tensor, rates: Tensor, n_fft: int, length: int) -> Tensor:
    """Clips of one shift, that to frames of ``length`` samples."""
    clips, samples = waveforms.shape
    hop, step = n_fft // OVERLAP, length // OVERLAP
    # The first frame, and the last two, are all zeros: a clip begins and ends under as many frames as anywhere.
    padded = pad(waveforms, (n_fft, n_fft + hop + -samples % hop))
    window = hann(n_fft, waveforms.device)
    spectra = torch.stft(padded, n_fft, hop, window=window, center=False, return_complex=True).transpose(1, 2)
    heard = torch.view_as_real(spectra[..., : length // 2 + 1])
    real, imaginary = (part.contiguous() for part in heard.unbind(-1))
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
        """The frames of ``values`` (clips, frames, bins) at the places, or the next ones."""
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
