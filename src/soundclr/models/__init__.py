"""Encoders, heads, initial weights, and the network that joins them."""
