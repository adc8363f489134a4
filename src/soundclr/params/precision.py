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
        try:  # PyTorch takes seconds, which only those who ask wait for
            from soundclr.machine.devices import fast_precision
        except ModuleNotFoundError as error:
            raise UserError(
                f"precision auto: {error.name} is not installed, which finds this machine's; set SOUNDCLR_PRECISION to "
                "float32 or bfloat16, as in the runs' metrics.json"
            ) from error
        name = os.environ["SOUNDCLR_PRECISION"] = fast_precision()
    if name not in ("float32", "bfloat16"):
        raise UserError(f"SOUNDCLR_PRECISION: is {name!r}; set it to float32 or bfloat16, or unset it")
    return name
