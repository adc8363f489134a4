"""Devices, files, locks, provenance and randomness, independent of runs and papers."""
