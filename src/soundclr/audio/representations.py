"""Representations by name: how a waveform becomes the network's input.

To add one, write a class here, enter it in :data:`REPRESENTATIONS` and add a line to params.yaml's
``defaults.representations``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from soundclr.errors import UserError
from soundclr.params import AudioSettings, Positive, RunSettings
from soundclr.params.entries import Entry, entry_of

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    import torch
    from torch import Tensor

    # (clips, samples) in [-1, 1] -> (clips, images, ...) on the same device, in float32. ``images`` is 1 if all
    # channels are copies of one image, otherwise the number of channels.
    Transform = Callable[[Tensor], Tensor]


class Representation(Entry):
    """How a clip becomes the network's input: ``channels`` arrays of :meth:`shape`.

    ``medium`` is what it represents: sounds or pictures.

        >>> class Energy(Representation):
        ...     hop_length: int
        ...
        ...     def shape(self, samples):
        ...         return (1, samples // self.hop_length)
        ...
        ...     def prepare(self, sample_rate, device):
        ...         def energy(waveforms):
        ...             frames = waveforms.unfold(1, self.hop_length, self.hop_length)
        ...             return frames.square().mean(2)[:, None, None]
        ...         return energy
        >>> energy = Energy(channels=1, hop_length=160)
        >>> energy.prepare(16_000, torch.device("cpu"))(torch.zeros(2, 16_000)).shape == (2, 1, *energy.shape(16_000))
        True
    """

    medium: ClassVar[Literal["sounds", "pictures"]] = "sounds"
    channels: Annotated[int, Field(ge=1, le=1000)]

    def shape(self, samples: int) -> tuple[int, ...]:
        """The shape of one channel of a clip of ``samples`` samples."""
        raise NotImplementedError

    def numbers(self, samples: int) -> int:
        """The most numbers that a clip of ``samples`` samples takes, including intermediate results."""
        return max(samples, self.channels * math.prod(self.shape(samples)))

    def refuses(self, audio: AudioSettings) -> str | None:
        """Why such clips cannot be represented, and what to do; None if they can."""
        return None

    def warning(self) -> str | None:
        """What is probably a mistake, for ``soundclr plan``; None if nothing is."""
        return None

    def prepare(self, sample_rate: int, device: torch.device) -> Transform:
        """Return the function that computes it. ``sample_rate`` is in hertz."""
        raise NotImplementedError


class Waveform(Representation):
    """The waveform itself, (clips, 1, samples), for 1-D encoders."""

    channels: Literal[1]

    def shape(self, samples: int) -> tuple[int, ...]:
        """The samples."""
        return (samples,)

    def prepare(self, sample_rate: int, device: torch.device) -> Transform:
        """A function that adds a dimension."""
        return lambda waveforms: waveforms[:, None]


class LogMel(Representation):
    """Log-mel spectrograms in dB, 0 the clip's maximum, down to the floor (SoundCLR, section 3.1): (bands, frames).

    frames = samples // hop_length + 1: 128 x 431 for 5 s at 44.1 kHz. The values equal librosa's
    ``power_to_db(melspectrogram(32768 * waveform), ref=np.max)``: centred frames, periodic window, power, Slaney's
    mel scale and area norm. A silent clip is 0 everywhere, as there. ``channels`` are copies; weights from ImageNet
    need three. Lengths are in samples.

    The bands cover ``fmin_hz`` to ``fmax_hz``, by default 0 to half the sample rate. With ``reference_power``, 0 dB is
    that power of a waveform in [-1, 1] instead of the clip's maximum: 1 equals librosa's ``power_to_db(..., ref=1.0)``,
    which networks trained on AudioSet expect. ``floor_db`` is relative to 0 dB in both cases.
    """

    n_fft: Annotated[int, Field(ge=1, le=65_536)]
    hop_length: Positive
    n_mels: Annotated[int, Field(ge=1, le=4096)]
    window: Literal["hann", "hamming"]
    padding: Literal["zeros", "reflect"]
    floor_db: Annotated[float, Field(ge=-200, lt=0)]
    fmin_hz: Annotated[float, Field(ge=0, le=384_000)] | None = None
    fmax_hz: Annotated[float, Field(gt=0, le=384_000)] | None = None
    reference_power: Annotated[float, Field(gt=0, le=1e12)] | None = None

    def shape(self, samples: int) -> tuple[int, ...]:
        """Bands and frames."""
        return (self.n_mels, samples // self.hop_length + 1)

    def numbers(self, samples: int) -> int:
        """Include the Fourier transform."""
        return max(super().numbers(samples), (samples // self.hop_length + 1) * (self.n_fft // 2 + 1))

    def refuses(self, audio: AudioSettings) -> str | None:
        """Refuse more bands than frequencies, clips that are too short to be reflected, and bands beyond the rate."""
        half = audio.sample_rate / 2
        low, high = self.fmin_hz or 0, self.fmax_hz or half
        if not low < high <= half:
            bands = f"bands from {low:g} to {high:g} Hz are not between 0 and half the sample rate {audio.sample_rate}"
            return f"{bands}; change fmin_hz or fmax_hz"
        first, last = (hertz * self.n_fft / audio.sample_rate for hertz in (low, high))
        if self.n_mels > (most := math.floor(last) - math.ceil(first) + 1):
            has = f"n_fft: {self.n_fft} has {most} frequencies from {low:g} to {high:g} Hz"
            return f"n_mels is {self.n_mels}, but {has}; raise n_fft"
        if self.padding == "reflect" and audio.samples <= self.n_fft // 2:
            return f"clips of {audio.samples} samples cannot be reflected by half of n_fft: {self.n_fft}; lower it"
        return None

    def warning(self) -> str | None:
        """Warn of samples between two windows."""
        if self.hop_length <= self.n_fft:
            return None
        return f"loses samples between windows of n_fft: {self.n_fft}, because hop_length is {self.hop_length}"

    def prepare(self, sample_rate: int, device: torch.device) -> Transform:
        """Window and filters, on ``device``."""
        from soundclr.audio.logmel import LogMelTransform

        return LogMelTransform(sample_rate, device, **self.model_dump(exclude={"channels"}, exclude_none=True))


class LogMelUnit(LogMel):
    """:class:`LogMel` scaled to 0 at the floor and 1 at the clip's maximum, the range of :class:`Picture`.

    For encoders that were trained on pictures and are fixed: their batch norms do not adapt to decibels.
    """

    def prepare(self, sample_rate: int, device: torch.device) -> Transform:
        """Window and filters, on ``device``."""
        decibels, floor = super().prepare(sample_rate, device), self.floor_db
        return lambda waveforms: 1 - decibels(waveforms) / floor


Even = Annotated[int, Field(ge=2, le=65_536, multiple_of=2)]
Frequency = Annotated[float, Field(gt=0, le=384_000)]


class Clar(Representation):
    """CLAR's three channels (its section on input; values as in its reference code): (bands, frames).

    frames = samples // hop_length + 1: 128 x 126 for 1 s at 16 kHz. Let X(f) be the Fourier transform of a frame of
    ``n_fft`` samples, the clip being reflected at both ends, under a periodic Hann window of ``window`` samples in its
    middle, and f_k = lowest_hz * (highest_hz / lowest_hz) ** (k / bands) at any sample rate:

    - magnitude: 10 log10(abs(X(f_k))**2 + 1e-8) - 20, in dB;
    - phase: that of X(f_k), with the frame's first sample as origin, in radians, in [-pi, pi];
    - mel: 10 log10(max(P, 1e-5)) - 10, in dB; P is the power in Slaney's mel bands (area norm) between the two.

    The paper does not explain how magnitude and phase have as many rows as there are mel bands. Lengths are in samples.
    """

    channels: Literal[3]
    n_fft: Even
    window: Even
    hop_length: Even
    bands: Annotated[int, Field(ge=1, le=4096)]
    lowest_hz: Frequency = Field(alias="lowest")
    highest_hz: Frequency = Field(alias="highest")

    @field_validator("window")
    @classmethod
    def _no_longer_than_the_transform(cls, window: int, info: ValidationInfo) -> int:
        """Refuse a window longer than the transform."""
        if window > info.data.get("n_fft", window):
            raise PydanticCustomError("window", "Input should not be more than n_fft: {n_fft}", dict(info.data))
        return window

    @field_validator("highest_hz")
    @classmethod
    def _above_the_lowest(cls, highest: float, info: ValidationInfo) -> float:
        """Refuse frequencies that do not rise."""
        if highest <= info.data.get("lowest_hz", 0):
            raise PydanticCustomError("highest", "Input should be more than lowest_hz: {lowest_hz}", dict(info.data))
        return highest

    def shape(self, samples: int) -> tuple[int, ...]:
        """Bands and frames."""
        return (self.bands, samples // self.hop_length + 1)

    def numbers(self, samples: int) -> int:
        """Include the overlapping frames and the products of blocks: see :class:`clar.ClarTransform`."""
        blocks = (samples + self.n_fft) // math.gcd(self.window, self.hop_length)
        return max(super().numbers(samples), (samples // self.hop_length + 1) * self.n_fft, blocks * 3 * self.bands)

    def refuses(self, audio: AudioSettings) -> str | None:
        """Refuse clips that are too short to be reflected, and frequencies beyond the sample rate."""
        if audio.samples <= self.n_fft // 2:
            return f"clips of {audio.samples} samples cannot be reflected by half of n_fft: {self.n_fft}; lower it"
        if self.highest_hz > audio.sample_rate / 2:
            return f"highest_hz is {self.highest_hz:g}, more than half the sample rate {audio.sample_rate}; lower it"
        return None

    def prepare(self, sample_rate: int, device: torch.device) -> Transform:
        """Windowed cosines and sines, and mel filters, on ``device``."""
        from soundclr.audio.clar import ClarTransform

        return ClarTransform(sample_rate, device, **self.model_dump(exclude={"channels"}, by_alias=True))


Milliseconds = Annotated[float, Field(ge=1, le=10_000)]


class Windows(Representation):
    """Three mel spectrograms with windows of different lengths, resized in time to one width: (bands, width).

    As in the pipeline that Shin et al. 2021 are compared with (Palanisamy et al. 2020; values as in its code): HTK's
    mel bands from 0 to half the sample rate, without area norm; the FFT is as long as the longest window; centred
    frames, the clip reflected at its ends, periodic Hann windows; ln(power + 1e-6); bilinear with antialiasing.
    ``windows`` and ``hops`` are in milliseconds, rounded to whole samples (halves to even): at 44.1 kHz 1102, 2205,
    4410 and 441, 1102, 2205. ``minmax`` scales each clip, all its channels together, to [0, 1].
    """

    channels: Literal[3]
    windows: tuple[Milliseconds, Milliseconds, Milliseconds]
    hops: tuple[Milliseconds, Milliseconds, Milliseconds]
    bands: Annotated[int, Field(ge=1, le=4096)]
    width: Annotated[int, Field(ge=1, le=65_536)]
    minmax: bool

    def shape(self, samples: int) -> tuple[int, ...]:
        """Bands and width."""
        return (self.bands, self.width)

    def numbers(self, samples: int) -> int:
        """Include the overlapping frames of the shortest hop."""
        return max(super().numbers(samples), math.ceil(samples * max(self.windows) / min(self.hops)))

    def refuses(self, audio: AudioSettings) -> str | None:
        """Refuse clips that are too short to be reflected."""
        if 2 * audio.samples <= (longest := max(self._samples(self.windows, audio.sample_rate))):
            return f"clips of {audio.samples} samples cannot be reflected by half of a window of {longest}; shorten it"
        return None

    def prepare(self, sample_rate: int, device: torch.device) -> Transform:
        """Windows and filters, on ``device``."""
        from soundclr.audio.windows import WindowsTransform

        windows, hops = (self._samples(lengths, sample_rate) for lengths in (self.windows, self.hops))
        return WindowsTransform(sample_rate, device, windows, hops, self.bands, self.width, self.minmax)

    @staticmethod
    def _samples(lengths: Sequence[float], sample_rate: int) -> list[int]:
        """Milliseconds in samples."""
        return [round(length * sample_rate / 1000) for length in lengths]


class Yamnet(Representation):
    """YAMNet's input: the first ``patches`` patches of 96 frames of log-mel bands, (64, 96 * patches).

    Clips are resampled to 16 kHz; windows of 25 ms every 10 ms, 512-point FFT, the magnitude in 64 of HTK's mel bands
    from 125 to 7,500 Hz, ln(magnitude + 0.001). A shorter clip is padded with silence.
    """

    channels: Literal[1]
    patches: Annotated[int, Field(ge=1, le=1000)]

    def shape(self, samples: int) -> tuple[int, ...]:
        """Bands and frames."""
        return (64, 96 * self.patches)

    def numbers(self, samples: int) -> int:
        """Include the Fourier transform."""
        return max(super().numbers(samples), 96 * self.patches * 257)

    def refuses(self, audio: AudioSettings) -> str | None:
        """Refuse clips that lack the highest band."""
        return "clips of less than 16,000 Hz lack its highest bands" if audio.sample_rate < 16_000 else None

    def prepare(self, sample_rate: int, device: torch.device) -> Transform:
        """The filters of resampling and of the bands, on ``device``."""
        from soundclr.audio.yamnet import YamnetTransform

        return YamnetTransform(sample_rate, device, self.patches)


class Picture(Representation):
    """A picture's red, green and blue in [0, 1], not standardised (SimCLR): (side, side)."""

    medium = "pictures"
    channels: Literal[3]

    def shape(self, samples: int) -> tuple[int, ...]:
        """Rows and columns."""
        side = math.isqrt(samples // 3)
        return (side, side)

    def prepare(self, sample_rate: int, device: torch.device) -> Transform:
        """A function that arranges the numbers in rows and columns."""
        return lambda numbers: numbers.view(len(numbers), 3, *self.shape(numbers.shape[1]))


REPRESENTATIONS: dict[str, type[Representation]] = {
    "log_mel": LogMel,
    "log_mel_unit": LogMelUnit,
    "waveform": Waveform,
    "clar": Clar,
    "windows": Windows,
    "yamnet": Yamnet,
    "picture": Picture,
}


def representation_of(settings: RunSettings, place: str = "a run's settings") -> Representation:
    """Build the representation in a run's settings. UserError, with ``place``, if it is unknown or does not fit."""
    entry = entry_of(REPRESENTATIONS, settings.representation, "representation", place)
    if entry.medium != (found := "sounds" if settings.audio.sample_rate else "pictures"):
        raise UserError(
            f"{place}: representation {settings.representation.name} is for {entry.medium}, not for {found}"
        )
    if refused := entry.refuses(settings.audio):
        raise UserError(f"{place}: representation {settings.representation.name}: {refused}")
    return entry
