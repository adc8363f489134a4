"""Which device a job computes on, and how."""

import contextlib
import fcntl
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import torch


@contextlib.contextmanager
def lease(poll_seconds: float = 1.0) -> Iterator[torch.device]:
    """Yield a GPU that no other job on this node holds, waiting until one is free; the CPU where there is none.

    The pool is what PyTorch sees, hence CUDA_VISIBLE_DEVICES. A lease is a lock on a file in the temporary
    folder, which the kernel releases when the process ends in any way.
    """
    if not torch.cuda.is_available():
        yield torch.device("cpu")
        return
    folder = Path(tempfile.gettempdir()) / f"soundclr-devices-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    waiting = False
    while True:
        for index in range(torch.cuda.device_count()):
            with open(folder / f"{torch.cuda.get_device_properties(index).uuid}.lock", "w") as file:
                if locked(file):
                    yield torch.device("cuda", index)
                    return
        if not waiting:
            print(
                f"all {torch.cuda.device_count()} GPUs are taken; waiting for one",
                file=sys.stderr,
                flush=True,
            )
            waiting = True
        time.sleep(poll_seconds)


def locked(file: IO[str]) -> bool:
    """Lock an open file for this process, unless another one has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def describe(device: torch.device) -> str:
    """The device's name, as a result should state it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = torch.cpu.get_capabilities().get("cpu_name") or platform.processor() or platform.machine()
    threads = torch.get_num_threads()
    return f"{str(name).strip()}, {threads} thread{'s' if threads > 1 else ''}"


def precision(device: torch.device, setting: str) -> torch.dtype:
    """The encoder's number format: 'auto' is bfloat16 on GPUs and CPUs with units for it, float32 elsewhere."""
    if setting != "auto":
        return getattr(torch, setting)
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        capabilities = torch.cpu.get_capabilities()
        fast = bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    return torch.bfloat16 if fast else torch.float32
