"""Encoders, heads, what they start from, and the network that joins them."""
