"""SoundCLR (Nasiri and Hu 2021), reproduced: from audio clips to the paper's tables."""

__version__ = "0.1.0"
