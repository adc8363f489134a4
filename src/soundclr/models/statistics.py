"""Means and standard deviations over time, as an encoder's only block."""

import torch
from torch import Tensor, nn


class TimeStatistics(nn.Module):
    """(batch, channels, any bands, frames) -> (batch, 2 * channels * bands, 1): all means, then all deviations."""

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.bands = nn.AdaptiveAvgPool2d((bands, None))

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute in float32, because a band's changes are small beside its level."""
        pooled = self.bands(inputs.float())
        mean, deviation = pooled.mean(dim=-1), pooled.std(dim=-1, correction=0)
        return torch.cat([mean.flatten(1), deviation.flatten(1)], dim=1)[:, :, None]
