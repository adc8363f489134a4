"""Number formats of encoders, and the meaning of ``auto``."""

import os
from typing import Literal

from soundclr.errors import UserError

Precision = Literal["float32", "bfloat16", "auto"]


def named_precision(setting: str) -> str:
    """Replace ``auto`` by SOUNDCLR_PRECISION or, without it, by the format that is fast on this machine.

    The result is kept in SOUNDCLR_PRECISION, which the jobs of a workflow inherit. So a cluster with several kinds of
    machines computes a study in one precision, that of the machine that plans it.
    """
    if setting != "auto":
        return setting
    name = os.environ.get("SOUNDCLR_PRECISION")
    if not name:
        from soundclr.machine.devices import fast_precision  # PyTorch takes seconds, which only those who ask wait for

        name = os.environ["SOUNDCLR_PRECISION"] = fast_precision()
    if name not in ("float32", "bfloat16"):
        raise UserError(f"SOUNDCLR_PRECISION: is {name!r}; set it to float32 or bfloat16, or unset it")
    return name
