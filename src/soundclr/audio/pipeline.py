"""Makes the network's input batches from clip indices, on the waveforms' device."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from soundclr.audio.augmentation import Augmentation, at_once
from soundclr.audio.augmentations import AUGMENTATIONS, Scale
from soundclr.audio.crop import own_columns, waveform_batch
from soundclr.audio.features import Waveforms
from soundclr.audio.representations import representation_of
from soundclr.errors import UserError
from soundclr.machine.randomness import uniform
from soundclr.params import Choice, RunSettings
from soundclr.params.entries import entry_of


@dataclass(frozen=True)
class Augment:
    """A stage's augmentations by domain, in the order of params.yaml; those of pictures count as spectrograms'."""

    scale: Scale | None = None
    waveform: Sequence[Augmentation] = ()
    spectrogram: Sequence[Augmentation] = ()

    @classmethod
    def from_choices(cls, choices: Sequence[Choice]) -> "Augment":
        """Build the augmentations in ``choices``; UserError for an unknown one or an invalid parameter."""
        entries = [entry_of(AUGMENTATIONS, choice, "augmentation", "a stage's settings") for choice in choices]
        return cls(
            next((entry for entry in entries if isinstance(entry, Scale)), None),
            [entry for entry in entries if entry.domain == "waveform"],
            [entry for entry in entries if entry.domain in ("spectrogram", "picture")],
        )

    def __bool__(self) -> bool:
        """Whether there is any augmentation."""
        return bool(self.scale or self.waveform or self.spectrogram)


class Inputs:
    """Makes a network's input batches from waveforms, which stay on their device."""

    def __init__(self, waveforms: Waveforms, settings: RunSettings) -> None:
        """Prepare the run's representation on the waveforms' device.

        Raises:
            UserError: the waveforms have another sample rate than the settings, or the settings do not fit.
        """
        audio = settings.audio
        if waveforms.sample_rate != audio.sample_rate:
            raise UserError(
                f"audio.sample_rate is {audio.sample_rate}, but the features have {waveforms.sample_rate}: "
                "make them again with that rate"
            )
        self.waveforms = waveforms
        self.samples = audio.samples
        self.crop = settings.crop
        representation = representation_of(settings)
        self.channels = representation.channels
        self.represent = representation.prepare(audio.sample_rate, waveforms.samples.device)

    def train_batch(self, indices: Tensor, augment: Augment, random: torch.Generator, views: int = 1) -> Tensor:
        """``views`` independent draws of each clip of ``indices`` (int64, (batch,)), augmented.

        Returns:
            float32, (views * batch, channels, ...), all clips of one view before the next view, on the waveforms'
            device; channels-last for images.
        """
        return self._ordered(torch.cat([self._view(indices, augment, random) for _ in range(views)]))

    def eval_batch(self, indices: Tensor, random: torch.Generator) -> Tensor:
        """Clips ``indices`` as :meth:`train_batch` returns them, but in one view and without augmentation.

        ``random`` is used only if ``crop.eval`` is ``random``.
        """
        position = positions(self.crop.eval, len(indices), random)
        return self.images(self._waveforms(indices, None, position, self.crop.eval == "start"))

    def eval_waveforms(self, indices: Tensor, random: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """The waveforms behind :meth:`eval_batch`, as many clips at a time as suit the device, and where they lie.

        Yields:
            float32, (some, samples), in [-1, 1], and int64, (some, 2): the first of a clip's own samples and the one
            after its last; the other samples are padding. Both on the waveforms' device, in the order of ``indices``.
        """
        position = positions(self.crop.eval, len(indices), random)
        own = own_columns(self.waveforms, indices.cpu(), self.samples, position).to(self.waveforms.samples.device)
        waves = list(self._waveforms(indices, None, position, self.crop.eval == "start"))
        return zip(waves, own.split([len(part) for part in waves]), strict=True)

    def images(self, waves: Iterable[Tensor]) -> Tensor:
        """The batch of :meth:`eval_batch` from waveforms, (some, samples) at a time."""
        return self._ordered(torch.cat([self.represent(part) for part in waves]))

    def _view(self, indices: Tensor, augment: Augment, random: torch.Generator) -> Tensor:
        """One draw of the clips: (batch, images, ...)."""
        scales = augment.scale.scales(len(indices), random) if augment.scale else None
        places = positions(self.crop.train, len(indices), random)
        waves: Iterable[Tensor] = self._waveforms(indices, scales, places, self.crop.train == "start")
        if augment.waveform:  # these draw random numbers for the whole batch
            batch = torch.cat(list(waves))
            for augmentation in augment.waveform:
                batch = augmentation(batch, random)
            waves = batch.split(self._at_once(len(batch)))
        images = torch.cat([self.represent(part) for part in waves])
        for augmentation in augment.spectrogram:
            images = augmentation(images, random)
        return images

    def _waveforms(
        self, indices: Tensor, scale: Tensor | None, position: Tensor | None, zeros: bool
    ) -> Iterator[Tensor]:
        """The padded or cropped clips, (some, samples) at a time."""
        indices = indices.cpu()
        at_once = self._at_once(len(indices))
        for begin in range(0, len(indices), at_once):
            part = slice(begin, begin + at_once)
            scales, places = (None if values is None else values[part] for values in (scale, position))
            yield waveform_batch(self.waveforms, indices[part], self.samples, scales, places, zeros)

    def _at_once(self, clips: int) -> int:
        """How many of ``clips`` to process at a time."""
        return at_once(clips, self.samples, self.waveforms.samples.device)

    def _ordered(self, images: Tensor) -> Tensor:
        """(batch, images, ...) -> (batch, channels, ...); channels-last for images."""
        repeated = images.expand(-1, self.channels, *[-1] * (images.dim() - 2))
        return repeated.contiguous(
            memory_format=torch.channels_last if repeated.dim() == 4 else torch.contiguous_format
        )


def positions(crop: str, clips: int, random: torch.Generator) -> Tensor | None:
    """The ``position`` argument of :func:`waveform_batch`; ``random`` is used only if ``crop`` is ``random``."""
    if crop == "centre":
        return None
    return uniform(random, clips) if crop == "random" else torch.zeros(clips, dtype=torch.float64)
