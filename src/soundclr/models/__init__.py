"""Encoders, heads and the network that joins them."""

from soundclr.models.encoders import ENCODERS, Encoder, build_encoder
from soundclr.models.network import Network

__all__ = ["ENCODERS", "Encoder", "Network", "build_encoder"]
