"""These tests need the SLURM that run.sh starts, whose folder SOUNDCLR_TEST_SLURM names; a plain pytest skips them."""

import os

collect_ignore_glob = [] if "SOUNDCLR_TEST_SLURM" in os.environ else ["test_*.py"]
