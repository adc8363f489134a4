"""The network of all schemes: encoder f, projection head g and classifier."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from soundclr.errors import UserError
from soundclr.models.encoders import EncoderEntry, encoder_of
from soundclr.models.heads import build_head
from soundclr.models.misfit import other_names
from soundclr.models.pooling import POOLINGS
from soundclr.models.weights import read_weights
from soundclr.params import HeadSettings, MappingSettings, RunSettings


class Encoder(nn.Module):
    """Blocks in sequence, then a pooling over all but the batch and channel dimensions; ``size`` features.

    The first ``frozen`` blocks keep their weights, but their batch norms follow the data in training: spectrograms in
    dB differ much from the images behind ImageNet's statistics.
    """

    def __init__(
        self,
        entry: EncoderEntry,
        channels: int,
        weights: Path | None = None,
        mapping: MappingSettings | None = None,
        pooling: str = "mean",
    ) -> None:
        """Build the blocks for ``channels`` inputs. UserError for a weights file that does not fit, even mapped."""
        super().__init__()
        state_dict = read_weights(weights, mapping) if weights else None
        try:
            blocks, self.size = entry.build(channels, state_dict)
        except (RuntimeError, ValueError) as error:
            misfit = other_names(state_dict or {}, error)
            raise UserError(f"{weights}: not the weights of this encoder: {misfit}") from error
        self.blocks = nn.Sequential(*blocks)
        self.frozen, self.parts = entry.frozen, entry.parts(blocks)
        if self.frozen > len(self.parts):
            raise UserError(f"frozen is {self.frozen}, but the encoder has {len(self.parts)} parts to freeze")
        self.pool = POOLINGS[pooling] if not entry.pools else nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channels, bands, frames) or (batch, channels, samples) -> (batch, size)."""
        return self.pool(self.blocks(inputs))

    def freeze(self) -> None:
        """Stop the gradients of the frozen parts."""
        for part in self.parts[: self.frozen]:
            part.requires_grad_(False)


class Network(nn.Module):
    """h = f(x), v = g(h), and logits = classifier(h), or classifier(v) if the classifier's ``input`` is projection."""

    def __init__(self, encoder: Encoder, projection: HeadSettings, classifier: HeadSettings, classes: int) -> None:
        super().__init__()
        self.encoder, self.classes = encoder, classes
        self.projection, self.embedding_size = build_head(projection, encoder.size, classes)
        self.on_projection = classifier.input == "projection"
        size = self.embedding_size if self.on_projection else encoder.size
        self.classifier, _ = build_head(classifier, size, classes)

    @classmethod
    def from_settings(
        cls,
        settings: RunSettings,
        channels: int,
        classes: int,
        weights: Path | None = None,
        mapping: MappingSettings | None = None,
    ) -> Self:
        """Build a run's network. ``channels``: its representation's; ``weights``: a file of initial weights."""
        encoder = Encoder(encoder_of(settings), channels, weights, mapping, settings.pooling)
        return cls(encoder, settings.projection, settings.classifier, classes)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, channels, ...) -> v (batch, size), logits (batch, classes).

        The heads compute in float32, whatever the encoder's precision.
        """
        return self.heads(self.represent(inputs))

    def represent(self, inputs: Tensor) -> Tensor:
        """(batch, channels, ...) -> h (batch, encoder.size), float32."""
        return self.encoder(inputs).float()

    def heads(self, representation: Tensor) -> tuple[Tensor, Tensor]:
        """h (batch, encoder.size) -> v and logits, as :meth:`forward` returns them."""
        with torch.autocast(representation.device.type, enabled=False):
            projected = self.projection(representation)
            return projected, self.classifier(projected if self.on_projection else representation)

    def set_training(self, parts: Iterable[str]) -> None:
        """Train the named parts (encoder, projection, classifier); fix the others and set them to evaluation mode."""
        parts = set(parts)
        for name, part in self.named_children():
            part.train(name in parts).requires_grad_(name in parts)
        self.encoder.freeze()
