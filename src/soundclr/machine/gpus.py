"""How many GPUs there are, without PyTorch, which takes seconds to load."""

import os
from itertools import takewhile
from pathlib import Path


def visible_gpus(devices: Path = Path("/dev")) -> int:
    """How many GPUs a job started here may see: those that CUDA_VISIBLE_DEVICES names, or NVIDIA's device files.

    The variable never adds to what is there, and CUDA reads it up to the first number that is negative.
    """
    there = sum(path.name[len("nvidia") :].isdigit() for path in devices.glob("nvidia*"))
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return there
    return min(there, sum(1 for _ in takewhile(lambda name: name and name[0] != "-", map(str.strip, named.split(",")))))
