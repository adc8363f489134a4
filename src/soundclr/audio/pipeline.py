"""Batches for the network: from clip numbers to augmented log-mel images, on the waveforms' device."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from soundclr.audio.augment import draw_positions, draw_scales, own_columns, waveform_batch
from soundclr.audio.features import Waveforms
from soundclr.audio.logmel import LogMel
from soundclr.audio.masks import apply_masks, draw_masks
from soundclr.errors import UserError

if TYPE_CHECKING:
    from soundclr.params import AudioSettings, AugmentSettings, LogMelSettings

# On a CPU one clip at a time stays in its caches, which is twice as fast as a whole batch.
CLIPS_AT_ONCE_ON_CPU = 1


class Inputs:
    """Makes a network's input batches from waveforms that stay where they are."""

    def __init__(
        self,
        waveforms: Waveforms,
        audio: "AudioSettings",
        augment: "AugmentSettings",
        logmel: "LogMelSettings",
        channels: int,
    ) -> None:
        """Prepare batches of ``channels`` equal images (three for weights from ImageNet).

        Raises:
            UserError: the waveforms have another sample rate than the settings.
        """
        if waveforms.sample_rate != audio.sample_rate:
            raise UserError(
                f"audio.sample_rate is {audio.sample_rate}, but the features have {waveforms.sample_rate}: "
                "build them again with that rate"
            )
        self.waveforms = waveforms
        self.samples = audio.samples
        self.augment = augment
        self.channels = channels
        self.bands = logmel.bands
        self.frames = audio.samples // logmel.hop + 1
        self.logmel = LogMel(logmel, audio.sample_rate).to(waveforms.samples.device)

    def train_batch(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        """Clips ``indices`` (int64, (batch,)) with random scale, place and masks drawn from ``generator``.

        Returns:
            float32, (batch, channels, bands, frames), channels-last, in dB, on the waveforms' device.
        """
        augment, count = self.augment, len(indices)
        scale = draw_scales(count, augment.scale_factor, generator)
        position = draw_positions(count, generator)
        bands = draw_masks(count, augment.frequency_masks, augment.frequency_width, self.bands, generator)
        frames = draw_masks(count, augment.time_masks, augment.time_width, self.frames, generator)
        images = self._images(self._waveforms(indices, scale, position if augment.crop == "random" else None))
        apply_masks(images, bands.to(images.device), frames.to(images.device), augment.mask_value)
        return self._repeated(images)

    def eval_batch(self, indices: Tensor, generator: torch.Generator) -> Tensor:
        """Clips ``indices`` as :meth:`train_batch` returns them, neither scaled nor masked.

        ``generator`` is used only where ``augment.eval_crop`` is ``random``.
        """
        return self.spectrograms(self._waveforms(indices, None, self._eval_positions(indices, generator)))

    def eval_waveforms(self, indices: Tensor, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """The waveforms that :meth:`eval_batch` shows, as many clips at a time as suit the device, and their places.

        Yields:
            float32, (some, samples), in [-1, 1]: together the batch, in its order; and int64, (some, 2): the first of
            a clip's own samples there and the one after its last, outside which is padding. On the waveforms' device.
        """
        position = self._eval_positions(indices, generator)
        own = own_columns(self.waveforms, indices.cpu(), self.samples, position).to(self.waveforms.samples.device)
        waves = list(self._waveforms(indices, None, position))
        return zip(waves, own.split([len(part) for part in waves]), strict=True)

    def _eval_positions(self, indices: Tensor, generator: torch.Generator) -> Tensor | None:
        """Random places of held-out clips where the settings ask for them, else None: centred."""
        return draw_positions(len(indices), generator) if self.augment.eval_crop == "random" else None

    def spectrograms(self, waves: Iterable[Tensor]) -> Tensor:
        """A batch of waveforms, (some, samples) at a time, as :meth:`eval_batch` returns it."""
        return self._repeated(self._images(waves))

    def _waveforms(self, indices: Tensor, scale: Tensor | None, position: Tensor | None) -> Iterator[Tensor]:
        """The padded or cropped clips, (some, samples) at a time."""
        indices = indices.cpu()
        at_once = CLIPS_AT_ONCE_ON_CPU if self.waveforms.samples.device.type == "cpu" else len(indices)
        for begin in range(0, len(indices), at_once):
            part = slice(begin, begin + at_once)
            scales, positions = (None if values is None else values[part] for values in (scale, position))
            yield waveform_batch(self.waveforms, indices[part], self.samples, scales, positions)

    def _images(self, waves: Iterable[Tensor]) -> Tensor:
        """The log-mel spectrograms, (batch, bands, frames)."""
        return torch.cat([self.logmel(part) for part in waves])

    def _repeated(self, images: Tensor) -> Tensor:
        """(batch, bands, frames) -> (batch, channels, bands, frames), channels-last."""
        repeated = images[:, None].expand(-1, self.channels, -1, -1)
        return repeated.contiguous(memory_format=torch.channels_last)
