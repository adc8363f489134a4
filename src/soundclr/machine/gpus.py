"""Counts GPUs without PyTorch, which takes seconds to import."""

import os
from itertools import takewhile
from pathlib import Path


def visible_gpus(devices: Path = Path("/dev")) -> int:
    """The number of GPUs that a job started here can see: NVIDIA's device files, limited by CUDA_VISIBLE_DEVICES.

    CUDA reads the variable up to the first negative number.
    """
    there = sum(path.name[len("nvidia") :].isdigit() for path in devices.glob("nvidia*"))
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return there
    return min(there, sum(1 for _ in takewhile(lambda name: name and name[0] != "-", map(str.strip, named.split(",")))))
