"""What every measurement is given, and what it gives back."""

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from soundclr.params import Params

Kind = Literal["speed-up", "cost"]


@dataclass(frozen=True)
class Context:
    """Where and how to measure: ``folder`` is a temporary one, ``root`` the repository's."""

    params: Params
    device: torch.device
    folder: Path
    root: Path
    quick: bool = False

    def choose(self, full: int, quick: int) -> int:
        """A number of repeats, batches or clips: ``full``, or ``quick`` for a quick run."""
        return quick if self.quick else full

    @property
    def batch_size(self) -> int:
        """Of training steps: the paper's on a GPU; on a CPU a smaller one, whose time a clip is the same."""
        return self.choose(128 if self.device.type == "cuda" else 16, 4)

    @property
    def encoder(self) -> str:
        """The paper's encoder, or a smaller one for a quick run."""
        return "resnet18" if self.quick else "resnet50"

    @property
    def cores(self) -> int:
        """The cores that this process may use."""
        return len(os.sched_getaffinity(0))

    def environment(self) -> dict[str, str]:
        """The environment of child processes: without a GPU where the CPU is measured.

        They keep compiled modules, as they do where nobody forbids it: without them each start takes seconds more.
        """
        hidden = {} if self.device.type == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}
        kept = {"PYTHONPYCACHEPREFIX": str(self.folder / "pycache")}
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**inherited, **kept, **hidden}


@dataclass(frozen=True)
class Row:
    """One comparison. ``ratio`` is against / ours for a ``speed-up``, ours / against for a ``cost``.

    ``ours`` and ``against`` are the values of each repeat, the less the better; a row without ``against`` is a
    plain number. ``target`` is the least speed-up or the greatest cost that is asked for.
    """

    name: str
    what: str
    kind: Kind
    unit: str
    ours_is: str
    ours: Sequence[float]
    against_is: str = ""
    against: Sequence[float] = ()
    target: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Of the medians."""
        if not self.against:
            return None
        ours, against = statistics.median(self.ours), statistics.median(self.against)
        return against / ours if self.kind == "speed-up" else ours / against

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is as good as asked for; None where nothing is asked."""
        if self.target is None or self.ratio is None:
            return None
        return self.ratio >= self.target if self.kind == "speed-up" else self.ratio <= self.target


def counted(number: int, what: str, many: str = "") -> str:
    """``1 thread``, ``2 threads``; ``many`` where the plural has no plain s."""
    return f"{number} {what if number == 1 else many or what + 's'}"
