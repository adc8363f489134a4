"""The network of all schemes: encoder f, projection head g and classifier (paper, section 3.3)."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from soundclr.models.encoders import Encoder


class Network(nn.Module):
    """h = f(x) / |f(x)|, z = g(h) / |g(h)|, logits = classifier(h); both heads are one linear layer."""

    def __init__(self, encoder: Encoder, projection_size: int, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.projection = nn.Linear(encoder.size, projection_size)
        self.classifier = nn.Linear(encoder.size, classes)

    def forward(self, spectrograms: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, channels, bands, frames) -> z (batch, projection_size) of length 1, logits (batch, classes).

        The heads compute in float32, whatever the encoder's precision.
        """
        return self.heads(self.represent(spectrograms))

    def represent(self, spectrograms: Tensor) -> Tensor:
        """(batch, channels, bands, frames) -> h (batch, encoder.size), float32, of length 1."""
        features = self.encoder(spectrograms)
        with torch.autocast(features.device.type, enabled=False):
            return normalize(features.float(), dim=1)

    def heads(self, representation: Tensor) -> tuple[Tensor, Tensor]:
        """h (batch, encoder.size) -> z and logits, as :meth:`forward` returns them."""
        with torch.autocast(representation.device.type, enabled=False):
            return normalize(self.projection(representation), dim=1), self.classifier(representation)

    def set_training(self, parts: Iterable[str]) -> None:
        """Let the named parts (encoder, projection, classifier) learn; the others are fixed, in evaluation mode."""
        parts = set(parts)
        for name, part in self.named_children():
            part.train(name in parts).requires_grad_(name in parts)
        self.encoder.freeze()
