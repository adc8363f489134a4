"""SoundCLR (Nasiri and Hu 2021): its tables and figures with ours beside, and its published numbers."""
