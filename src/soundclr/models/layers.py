"""Layers that torch does not have."""

from torch import Tensor, nn
from torch.nn.functional import normalize


class Normalise(nn.Module):
    """Scales each row to length 1."""

    def forward(self, rows: Tensor) -> Tensor:
        """(batch, size) -> (batch, size)."""
        return normalize(rows, dim=1)
