"""Batches for the network: from clip numbers to what it sees of them, on the waveforms' device."""

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
    """The augmentations of a stage, by where they work: on pictures as on spectrograms; in the order of params.yaml."""

    scale: Scale | None = None
    waveform: Sequence[Augmentation] = ()
    spectrogram: Sequence[Augmentation] = ()

    @classmethod
    def of(cls, choices: Sequence[Choice]) -> "Augment":
        """Those that ``choices`` name; UserError for an unknown one or a wrong parameter."""
        entries = [entry_of(AUGMENTATIONS, choice, "augmentation", "a stage's settings") for choice in choices]
        return cls(
            next((entry for entry in entries if isinstance(entry, Scale)), None),
            [entry for entry in entries if entry.domain == "waveform"],
            [entry for entry in entries if entry.domain in ("spectrogram", "picture")],
        )

    def __bool__(self) -> bool:
        """Whether anything is left to chance."""
        return bool(self.scale or self.waveform or self.spectrogram)


class Inputs:
    """Makes a network's input batches from waveforms that stay where they are."""

    def __init__(self, waveforms: Waveforms, settings: RunSettings) -> None:
        """Prepare the run's representation on the waveforms' device.

        Raises:
            UserError: the waveforms have another sample rate than the settings, or the settings do not fit.
        """
        audio = settings.audio
        if waveforms.sample_rate != audio.sample_rate:
            raise UserError(
                f"audio.sample_rate is {audio.sample_rate}, but the features have {waveforms.sample_rate}: "
                "build them again with that rate"
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
            float32, (views * batch, channels, ...), all clips of one view before the next view, channels-last where it
            is an image, on the waveforms' device.
        """
        return self._ordered(torch.cat([self._view(indices, augment, random) for _ in range(views)]))

    def eval_batch(self, indices: Tensor, random: torch.Generator) -> Tensor:
        """Clips ``indices`` as :meth:`train_batch` returns them, one view, not augmented.

        ``random`` is used only where ``crop.eval`` is ``random``.
        """
        position = positions(self.crop.eval, len(indices), random)
        return self.images(self._waveforms(indices, None, position, self.crop.eval == "start"))

    def eval_waveforms(self, indices: Tensor, random: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """The waveforms that :meth:`eval_batch` shows, as many clips at a time as suit the device, and their places.

        Yields:
            float32, (some, samples), in [-1, 1]: together the batch, in its order; and int64, (some, 2): the first of
            a clip's own samples there and the one after its last, outside which is padding. On the waveforms' device.
        """
        position = positions(self.crop.eval, len(indices), random)
        own = own_columns(self.waveforms, indices.cpu(), self.samples, position).to(self.waveforms.samples.device)
        waves = list(self._waveforms(indices, None, position, self.crop.eval == "start"))
        return zip(waves, own.split([len(part) for part in waves]), strict=True)

    def images(self, waves: Iterable[Tensor]) -> Tensor:
        """A batch of waveforms, (some, samples) at a time, as :meth:`eval_batch` returns it."""
        return self._ordered(torch.cat([self.represent(part) for part in waves]))

    def _view(self, indices: Tensor, augment: Augment, random: torch.Generator) -> Tensor:
        """One draw of the clips: (batch, images, ...)."""
        scales = augment.scale.scales(len(indices), random) if augment.scale else None
        places = positions(self.crop.train, len(indices), random)
        waves: Iterable[Tensor] = self._waveforms(indices, scales, places, self.crop.train == "start")
        if augment.waveform:  # they draw for a whole batch
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
        """How many of so many clips are worked on at a time."""
        return at_once(clips, self.samples, self.waveforms.samples.device)

    def _ordered(self, images: Tensor) -> Tensor:
        """(batch, images, ...) -> (batch, channels, ...), an image channels-last."""
        repeated = images.expand(-1, self.channels, *[-1] * (images.dim() - 2))
        return repeated.contiguous(
            memory_format=torch.channels_last if repeated.dim() == 4 else torch.contiguous_format
        )


def positions(crop: str, clips: int, random: torch.Generator) -> Tensor | None:
    """Where clips lie, as :func:`waveform_batch` wants it: ``random`` is used only for random places."""
    if crop == "centre":
        return None
    return uniform(random, clips) if crop == "random" else torch.zeros(clips, dtype=torch.float64)
