"""Representations by name: what the network sees of a waveform.

A new one is a class here, entered in :data:`REPRESENTATIONS`, and a line of params.yaml's ``defaults.representations``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from soundclr.entries import Entry, entry_of
from soundclr.params import Positive, RunSettings

if TYPE_CHECKING:  # params.yaml is checked without torch, which takes seconds to import
    import torch
    from torch import Tensor

    # (clips, samples) in [-1, 1] -> (clips, images, ...) on the same device, in float32; ``images`` is 1 where all
    # channels are copies of it, else the number of channels.
    Transform = Callable[[Tensor], Tensor]


class Representation(Entry):
    """What one clip is to the network: ``channels`` of :meth:`shape`."""

    channels: Annotated[int, Field(ge=1, le=1000)]

    def shape(self, samples: int) -> tuple[int, ...]:
        """The shape of a clip of so many samples, after its channels."""
        raise NotImplementedError

    def numbers(self, samples: int) -> int:
        """How many numbers there are at most of a clip of so many samples, on the way too."""
        return max(samples, self.channels * math.prod(self.shape(samples)))

    def prepare(self, sample_rate: int, device: torch.device) -> Transform:
        """What computes it; ``sample_rate`` in hertz."""
        raise NotImplementedError


class Waveform(Representation):
    """The waveform as it is, (clips, 1, samples), for 1-D encoders."""

    channels: Literal[1]

    def shape(self, samples: int) -> tuple[int, ...]:
        """The samples."""
        return (samples,)

    def prepare(self, sample_rate: int, device: torch.device) -> Transform:
        """One more dimension."""
        return lambda waveforms: waveforms[:, None]


class LogMel(Representation):
    """Log-mel spectrograms in dB, 0 the clip's maximum, down to the floor (SoundCLR, section 3.1): (bands, frames).

    frames = samples // hop_length + 1: 128 x 431 for 5 s at 44.1 kHz. The same numbers as librosa's
    ``power_to_db(melspectrogram(32768 * waveform), ref=np.max)``: centred frames, periodic window, power, Slaney's
    mel scale and area norm from 0 to half the sample rate. A silent clip is 0 everywhere, as there. ``channels`` are
    copies, three for weights from ImageNet. Lengths in samples, the floor in dB under the maximum.
    """

    n_fft: Annotated[int, Field(ge=1, le=65_536)]
    hop_length: Positive
    n_mels: Annotated[int, Field(ge=1, le=4096)]
    window: Literal["hann", "hamming"]
    padding: Literal["zeros", "reflect"]
    floor_db: Annotated[float, Field(ge=-200, lt=0)]

    def shape(self, samples: int) -> tuple[int, ...]:
        """Bands and frames."""
        return (self.n_mels, samples // self.hop_length + 1)

    def numbers(self, samples: int) -> int:
        """Those of the Fourier transform count too."""
        return max(super().numbers(samples), (samples // self.hop_length + 1) * (self.n_fft // 2 + 1))

    def prepare(self, sample_rate: int, device: torch.device) -> Transform:
        """Window and filters, on ``device``."""
        from soundclr.audio.logmel import LogMelTransform

        return LogMelTransform(sample_rate, device, **self.model_dump(exclude={"channels"}))


REPRESENTATIONS: dict[str, type[Representation]] = {"log_mel": LogMel, "waveform": Waveform}


def representation_of(settings: RunSettings, place: str = "a run's settings") -> Representation:
    """What a run's settings name; UserError, naming ``place``, for one that does not exist or fit."""
    return entry_of(REPRESENTATIONS, settings.representation, "representation", place)
