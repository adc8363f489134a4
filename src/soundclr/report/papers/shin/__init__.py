"""Shin et al. 2021, transfer from images to sounds: its tables with ours beside, and its published numbers."""
