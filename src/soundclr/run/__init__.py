"""Runs: their hashes and paths, their records, and the inputs that they need."""
