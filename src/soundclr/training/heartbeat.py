"""A training's progress in a file beside its checkpoint, which `soundclr status` reads without PyTorch."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from soundclr.errors import UserError
from soundclr.machine.files import read_json, writing

SUFFIX = ".progress"  # of the JSON file
SECONDS = 1.0  # least time between two writes

Row = dict[str, Any]  # one epoch of a run's history


class Heartbeat(NamedTuple):
    """The ``device``, the finished epochs, and how many of them the checkpoint has."""

    device: str = ""
    history: list[Row] = []  # noqa: RUF012 - nobody adds to it
    saved: int = 0

    def write(self, path: Path) -> None:
        """Write the file. A reader that finds it half written sees the next version soon."""
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self._asdict(), allow_nan=False) + "\n", encoding="utf-8")


def read(path: Path) -> Heartbeat:
    """A training's last heartbeat; an empty one if there is no readable one."""
    try:
        content = read_json(path)
        rows = [dict(row) for row in content["history"]]
        if all({"stage", "epoch", "val_accuracy", "clips_per_second", "seconds"} <= row.keys() for row in rows):
            return Heartbeat(str(content["device"]), rows, int(content["saved"]))
    except (UserError, LookupError, TypeError, ValueError):
        pass
    return Heartbeat()
