"""What papers have published, a room each: their tables and figures with ours beside."""

PAPERS = {"clar": "the CLAR paper", "shin": "Shin et al. (2021)", "soundclr": "the SoundCLR paper"}
"""What captions call each paper, by the name of its room."""
