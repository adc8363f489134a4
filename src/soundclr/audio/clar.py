"""CLAR's three channels of a batch of waveforms: magnitude and phase at geometric frequencies, and mel bands."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from soundclr.audio.logmel import MelBands, mel_filters, power

# In dB, as in the reference code, whose 20 and 10 come of an argument (`db_multiplier`) that was hardly meant.
MAGNITUDE_OFFSET, MEL_OFFSET = -20.0, -10.0
POWER_FLOOR, MEL_FLOOR = 1e-8, 1e-5


class ClarTransform:
    """(clips, samples) in [-1, 1] -> (clips, 3, bands, frames), channels-last: see :class:`representations.Clar`.

    A frequency off the Fourier transform's grid is a product with a windowed cosine and sine. About its centre a
    window is even, so half as many products do: those of the sums and differences of samples that lie as far from it.
    Computed in float32, whatever autocast says.
    """

    def __init__(
        self,
        sample_rate: int,
        device: torch.device,
        n_fft: int,
        window: int,
        hop_length: int,
        bands: int,
        lowest: float,
        highest: float,
    ) -> None:
        self.n_fft, self.hop_length = n_fft, hop_length
        self.reach = window // 2
        self.window = torch.hann_window(window, device=device)
        radians = 2 * torch.pi / sample_rate * frequencies(bands, lowest, highest)[:, None]  # a sample
        half = torch.hann_window(window, dtype=torch.float64)[self.reach :]
        half[0] /= 2  # the centre is on both sides
        angles = radians * torch.arange(self.reach)
        self.cosines, self.sines = (angles.cos() * half).float().to(device), (angles.sin() * half).float().to(device)
        # Phases are those at the frame's first sample, half a transform before its centre.
        turn = radians * (n_fft // 2)
        self.turn_cosine, self.turn_sine = turn.cos().float().to(device), turn.sin().float().to(device)
        self.mel = MelBands(mel_filters(sample_rate, n_fft, bands, lowest, highest).to(device))

    def __call__(self, waveforms: Tensor) -> Tensor:
        """The channels of ``waveforms``."""
        with torch.autocast(waveforms.device.type, enabled=False):
            padded = pad(waveforms, (self.n_fft // 2, self.n_fft // 2), mode="reflect")
            even, odd = self._products(padded)
            mel = self._mel_bands(padded)
            image = torch.empty(*even.shape, 3, device=waveforms.device)
            magnitude, phase, bands = image.unbind(-1)
            torch.addcmul(even.square(), odd, odd, out=magnitude)
            magnitude.add_(POWER_FLOOR).log10_().mul_(10).add_(MAGNITUDE_OFFSET)
            real = self.turn_cosine * even - self.turn_sine * odd
            imaginary = self.turn_sine * even + self.turn_cosine * odd
            torch.atan2(-imaginary, real.add_(0), out=phase)  # + 0: the phase of silence is 0, not that of -0
            bands.copy_(mel.clamp_(min=MEL_FLOOR).log10_().mul_(10).add_(MEL_OFFSET).transpose(1, 2))
        return image.permute(0, 3, 1, 2)

    def _products(self, padded: Tensor) -> tuple[Tensor, Tensor]:
        """The windowed frames times cosines and times sines, both begun at the frames' centres: (clips, bands, frames).

        The waveform's transform at a frequency is the first less i times the second.
        """
        centre = self.n_fft // 2
        inner = padded[:, centre - self.reach : padded.shape[1] - centre + self.reach]
        frames = inner.unfold(1, 2 * self.reach, self.hop_length)
        after, before = frames[..., self.reach :], frames[..., 1 : self.reach + 1].flip(-1)
        return (
            self.cosines @ (after + before).transpose(1, 2),
            self.sines @ (after - before).transpose(1, 2),
        )

    def _mel_bands(self, padded: Tensor) -> Tensor:
        """The frames' power in mel bands: (clips, frames, bands)."""
        spectra = torch.stft(
            padded,
            self.n_fft,
            self.hop_length,
            2 * self.reach,
            window=self.window,
            center=False,
            return_complex=True,
        )
        return self.mel(power(spectra.transpose(1, 2)))


def frequencies(bands: int, lowest: float, highest: float) -> Tensor:
    """``bands`` frequencies in a geometric row from ``lowest``, ``highest`` being the one after the last: float64."""
    return lowest * (highest / lowest) ** (torch.arange(bands, dtype=torch.float64) / bands)
