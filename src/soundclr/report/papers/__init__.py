"""The papers, a folder each: their claims, and their tables and figures with our numbers beside them."""

PAPERS = {"clar": "the CLAR paper", "shin": "Shin et al. (2021)", "soundclr": "the SoundCLR paper"}
"""The papers' names in captions, by their folders."""
