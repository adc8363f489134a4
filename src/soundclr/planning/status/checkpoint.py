"""What a checkpoint says of its training, without PyTorch, which takes seconds to import."""

import collections
import pickle
import zipfile
from pathlib import Path
from typing import Any

from soundclr.machine.files import regular

Row = dict[str, Any]  # an epoch of a run's history


class _PlainUnpickler(pickle.Unpickler):
    """Reads what is plain in a file of ``torch.save``: tensors are None, and no code of the file's choice runs."""

    def find_class(self, module: str, name: str) -> Any:
        """What makes an object of the file: only an ordered mapping is made, whatever else there is."""
        return collections.OrderedDict if name == "OrderedDict" else lambda *_: None

    def persistent_load(self, _: Any) -> None:
        """A tensor's numbers, which stand in another file of the archive."""


def history(path: Path) -> list[Row] | None:
    """The epochs that a run's checkpoint has, in all its stages so far; None where there is none that can be read."""
    try:
        with open(path, "rb", opener=regular) as content, zipfile.ZipFile(content) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(name) as file:
                rows = _PlainUnpickler(file).load()["state"]["history"]
        return [dict(row) for row in rows]
    except Exception:  # a damaged pickle raises nearly anything; the training that goes on from it says so
        return None
