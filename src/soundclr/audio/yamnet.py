"""YAMNet's input: log-mel bands at 16 kHz, in patches of 96 frames."""

import torch
from torch import Tensor
from torch.nn.functional import pad
from torchaudio.transforms import Resample

from soundclr.audio.logmel import MelBands, mel_filters, power

RATE, N_FFT, WINDOW, HOP, BANDS = 16_000, 512, 400, 160, 64  # hertz; then samples: windows of 25 ms every 10 ms
LOWEST, HIGHEST, OFFSET = 125.0, 7_500.0, 1e-3  # hertz; added before the logarithm
PATCH = 96  # frames


class YamnetTransform:
    """(clips, samples) in [-1, 1] -> (clips, 1, bands, 96 * patches): see :class:`representations.Yamnet`.

    The result is in float32, also under autocast.
    """

    def __init__(self, sample_rate: int, device: torch.device, patches: int) -> None:
        self.resample = Resample(sample_rate, RATE).to(device)
        self.samples = N_FFT + HOP * (PATCH * patches - 1)
        self.window = torch.hann_window(WINDOW, device=device)
        self.mel = MelBands(mel_filters(RATE, N_FFT, BANDS, LOWEST, HIGHEST, "htk").to(device))

    def __call__(self, waveforms: Tensor) -> Tensor:
        """Compute the log-mel bands of ``waveforms``."""
        with torch.autocast(waveforms.device.type, enabled=False):
            waves = self.resample(waveforms)[:, : self.samples]
            waves = pad(waves, (0, self.samples - waves.shape[1]))
            spectra = torch.stft(waves, N_FFT, HOP, WINDOW, self.window, center=False, return_complex=True)
            mel = self.mel(power(spectra.transpose(1, 2)).sqrt_())
        return mel.add_(OFFSET).log_().transpose(1, 2)[:, None]
