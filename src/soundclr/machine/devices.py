"""Selects the device that a job computes on, and prepares it."""

import contextlib
import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from soundclr.errors import UserError
from soundclr.machine.locks import hold_slots

# The folder of the leases' locks. All jobs of a user on a node must use the same one, so no variable names it: TMPDIR
# often differs between cluster jobs, and XDG_RUNTIME_DIR exists in login shells only and is deleted at the last logout,
# while jobs may still run. Anybody can make a folder in /tmp, so this one is used only if nobody else can write to it.
LEASES = Path(f"/tmp/soundclr-devices-{os.getuid()}")


# Parameters of mallopt (malloc.h), and a size in bytes that no block of a training on a CPU reaches
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGEST_BLOCK = 2**30


def prepare(threads: int) -> None:
    """Set PyTorch's number of CPU threads, and keep freed memory in the process.

    By default glibc returns large blocks to the kernel, which clears each page before its next use. That makes a step
    of a ResNet-18 in float32 4 % slower. Other C libraries have no mallopt and keep their behaviour.
    """
    torch.set_num_threads(threads)
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(MMAP_THRESHOLD, LARGEST_BLOCK)
        mallopt(TRIM_THRESHOLD, 2 * LARGEST_BLOCK - 1)


@contextlib.contextmanager
def lease(slots: int = 1, jobs_per_gpu: int = 1, poll_seconds: float = 1.0) -> Iterator[torch.device]:
    """Wait for a GPU with free slots on this node, hold them, and yield the GPU.

    Each GPU has ``jobs_per_gpu`` slots. This job takes ``slots`` of them, all on one GPU; UserError for more than there
    are. Without a GPU, or for 0 slots, it yields the CPU. The pool is the GPUs that PyTorch sees, so
    CUDA_VISIBLE_DEVICES limits it. A slot is a lock on a file in :data:`LEASES`, named by the GPU's UUID; the kernel
    releases it when the process ends. UserError if others can write to that folder.
    """
    if slots > jobs_per_gpu:
        raise UserError(
            f"a training computes on one GPU, which has {jobs_per_gpu} slot{'s' if jobs_per_gpu > 1 else ''} here "
            f"(--jobs-per-gpu, SOUNDCLR_JOBS_PER_GPU), but this one asks for {slots} (the rule's gpu, --slots)"
        )
    if slots == 0 or not torch.cuda.is_available():
        yield torch.device("cpu")
        return
    pool = {
        str(torch.cuda.get_device_properties(index).uuid): torch.device("cuda", index)
        for index in range(torch.cuda.device_count())
    }
    what = "GPUs" if jobs_per_gpu == 1 else "slots on GPUs"
    with hold_slots(list(pool), LEASES, jobs_per_gpu, slots, what, poll_seconds) as name:
        yield pool[name]


def describe(device: torch.device) -> str:
    """The device's name for records."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = torch.cpu.get_capabilities().get("cpu_name") or platform.processor() or platform.machine()
    threads = torch.get_num_threads()
    return f"{str(name).strip()}, {threads} thread{'s' if threads > 1 else ''}"


def precision(device: torch.device, setting: str) -> torch.dtype:
    """The encoder's number format; 'auto' is bfloat16 on a device with units for it, float32 elsewhere."""
    if setting == "auto":
        return torch.bfloat16 if has_bfloat16(device) else torch.float32
    return getattr(torch, setting)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has units for bfloat16; without them bfloat16 is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def fast_precision() -> str:
    """The number format that is fast on all GPUs of this machine or, without GPUs, on its CPU."""
    gpus = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    return "bfloat16" if all(map(has_bfloat16, gpus or [torch.device("cpu")])) else "float32"


def warn_if_slow(device: torch.device, setting: str) -> None:
    """Warn on standard error if the device is slow in this precision."""
    if setting == "bfloat16" and not has_bfloat16(device):
        print(f"{describe(device)}: has no units for bfloat16, the run's precision, so it is slow", file=sys.stderr)
