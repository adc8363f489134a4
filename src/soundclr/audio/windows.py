"""Three mel spectrograms of a clip, with short, medium and long windows, resized to one width."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from soundclr.audio.logmel import MelBands, mel_filters, power

SMALLEST_POWER = 1e-6  # added, not a floor


class WindowsTransform:
    """(clips, samples) in [-1, 1] -> (clips, 3, bands, width), channels-last: see :class:`representations.Windows`.

    The result is in float32, also under autocast.
    """

    def __init__(
        self,
        sample_rate: int,
        device: torch.device,
        windows: Sequence[int],
        hops: Sequence[int],
        bands: int,
        width: int,
        minmax: bool,
    ) -> None:
        """Prepare windows and filters. The arguments are the entry's, but windows and hops are in samples."""
        self.n_fft, self.hops, self.width, self.minmax = max(windows), hops, width, minmax
        self.windows = [torch.hann_window(window, device=device) for window in windows]
        self.mel = MelBands(mel_filters(sample_rate, self.n_fft, bands, scale="htk").to(device))

    def __call__(self, waveforms: Tensor) -> Tensor:
        """Compute the spectrograms of ``waveforms``."""
        with torch.autocast(waveforms.device.type, enabled=False):
            channels = [self._channel(waveforms, *setting) for setting in zip(self.windows, self.hops, strict=True)]
            images = torch.stack(channels, -1)
        if self.minmax:
            least = images.amin((1, 2, 3), keepdim=True)
            span = images.amax((1, 2, 3), keepdim=True) - least
            images = (images - least) / span.where(span > 0, 1)
        return images.permute(0, 3, 2, 1).contiguous(memory_format=torch.channels_last)

    def _channel(self, waveforms: Tensor, window: Tensor, hop: int) -> Tensor:
        """The spectrogram with one window: (clips, width, bands)."""
        spectra = torch.stft(
            waveforms,
            self.n_fft,
            hop,
            len(window),
            window=window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        mel = self.mel(power(spectra.transpose(1, 2))).add_(SMALLEST_POWER).log_()
        size = (self.width, mel.shape[2])
        return interpolate(mel[:, None], size, mode="bilinear", antialias=True)[:, 0]
