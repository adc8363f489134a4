"""How far a training is, beside its checkpoint, for `soundclr status`: read without PyTorch, which takes seconds."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from soundclr.errors import UserError
from soundclr.machine.files import read_json, writing

SUFFIX = ".progress"  # of the file, which is JSON
SECONDS = 1.0  # from one to the next, where epochs are shorter

Row = dict[str, Any]  # an epoch of a run's history


class Heartbeat(NamedTuple):
    """The ``device``, the epochs that are done, and how many of them the checkpoint has."""

    device: str = ""
    history: list[Row] = []  # noqa: RUF012 - nobody adds to it
    saved: int = 0

    def write(self, path: Path) -> None:
        """Write it; what a reader finds half written is written again soon."""
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self._asdict(), allow_nan=False) + "\n", encoding="utf-8")


def read(path: Path) -> Heartbeat:
    """A training's last heartbeat; an empty one where there is none that can be read."""
    try:
        content = read_json(path)
        rows = [dict(row) for row in content["history"]]
        if all({"stage", "epoch", "val_accuracy", "clips_per_second", "seconds"} <= row.keys() for row in rows):
            return Heartbeat(str(content["device"]), rows, int(content["saved"]))
    except (UserError, LookupError, TypeError, ValueError):
        pass
    return Heartbeat()
