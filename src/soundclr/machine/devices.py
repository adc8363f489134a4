"""Which device a job computes on, and how."""

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

# Where leases stand. All jobs of a user on a node must come to the same folder, thus none that a variable names: TMPDIR
# is often one for each cluster job, and XDG_RUNTIME_DIR is set in login shells alone and is deleted at the last logout,
# under jobs that go on. Anybody can make a folder in /tmp, so this one is used only if it is ours alone.
LEASES = Path(f"/tmp/soundclr-devices-{os.getuid()}")


# mallopt's names for them (malloc.h), and sizes in bytes that no block of a training on a CPU reaches
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGEST_BLOCK = 2**30


def prepare(threads: int) -> None:
    """Let PyTorch compute on so many CPU threads, and the process keep the memory that it frees.

    By default glibc hands large blocks back to the kernel, which clears each page of them when it is next needed: a
    step of a ResNet-18 in float32 takes 4 % longer by it. Other C libraries have no mallopt and are left as they are.
    """
    torch.set_num_threads(threads)
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(MMAP_THRESHOLD, LARGEST_BLOCK)
        mallopt(TRIM_THRESHOLD, 2 * LARGEST_BLOCK - 1)


@contextlib.contextmanager
def lease(slots: int = 1, jobs_per_gpu: int = 1, poll_seconds: float = 1.0) -> Iterator[torch.device]:
    """Yield a GPU with a free slot on this node, which no other job then holds, waiting until there is one.

    Each GPU has ``jobs_per_gpu`` slots, of which this job takes ``slots``, all on one GPU; more than there are is a
    UserError. The CPU where there is no GPU, or for 0 slots. The pool is what PyTorch sees, hence
    CUDA_VISIBLE_DEVICES. A slot is a lock on a file in :data:`LEASES`, named by the GPU's own identity, which the
    kernel releases when the process ends in any way. A folder there that others have a hand in is a UserError.
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
    """The device's name, as a result should state it."""
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
    """Whether the device has units for bfloat16; without them it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def fast_precision() -> str:
    """The number format that is fast on all of this machine's GPUs or, where there are none, on its CPU."""
    gpus = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    return "bfloat16" if all(map(has_bfloat16, gpus or [torch.device("cpu")])) else "float32"


def warn_if_slow(device: torch.device, setting: str) -> None:
    """Say on standard error that the device computes slowly in this precision, which it does all the same."""
    if setting == "bfloat16" and not has_bfloat16(device):
        print(f"{describe(device)}: has no units for bfloat16, which the run asks for, so it is slow", file=sys.stderr)
