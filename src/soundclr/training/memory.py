"""Advice for a batch that does not fit into the device's memory."""

import gc
from collections.abc import Callable

import torch

from soundclr.machine.devices import describe
from soundclr.params import StageSettings

# From the messages of CUDA and of the CPU's allocator; not all of CUDA's errors are torch.OutOfMemoryErrors.
SIGNS = ("out of memory", "allocate memory")


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error from torch means that memory ran out."""
    return any(sign in str(error) for sign in SIGNS)


def advice(place: str, device: torch.device, stage: StageSettings, batch_size: int, step: Callable[[int], None]) -> str:
    """A message for a batch that did not fit into memory, with a batch size that does.

    The batch is not split: batch norm's statistics and the contrastive loss depend on the whole batch.
    """
    fits = largest_that_fits(batch_size, step)
    possible = f"{fits} fit" if fits else "not even 2 fit"
    clips = f"{batch_size} clips in {stage.views} views" if stage.views > 1 else f"{batch_size}"
    return (
        f"{place}: {describe(device)} ran out of memory with batches of {clips} in {stage.training.precision}; "
        f"{possible}: lower training.batch_size, which makes it a different run, or use a device with more memory or "
        "fewer jobs"
    )


def largest_that_fits(batch_size: int, step: Callable[[int], None]) -> int | None:
    """The first of batch_size / 2, / 4, ... down to 2 clips for which ``step`` has enough memory, or None.

    Call it outside the ``except`` block, where nothing refers to the failed batch any more.
    """
    size = batch_size // 2
    while size >= 2:
        gc.collect()
        torch.cuda.empty_cache()
        try:
            step(size)
            return size
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        size //= 2
    return None
