"""A dataset's waveforms in one file: every clip is decoded once, and every job maps the file into memory."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from soundclr.audio.decode import FULL_SCALE, Numbers
from soundclr.errors import UserError

TENSORS = ("samples", "offsets", "labels", "folds")
FULL_SCALES = {torch.int16: FULL_SCALE, torch.uint8: 255}
"""The number types of sounds and of pictures, with the value of amplitude 1."""
TYPES = {"<i2": "I16", "|u1": "U8"}  # NumPy's names of types -> safetensors' names
DIGITS = 16  # of a number of samples or bytes, at most
UNSEALED = "-" * 64  # a placeholder for the hash of the contents


@dataclass(frozen=True, eq=False)
class Waveforms:
    """All clips of a dataset, trimmed and concatenated in one array; or all pictures, each red, then green, then blue.

    ``samples`` may live on any device. The small tensors stay on the CPU, where batches are drawn.

    Attributes:
        samples: int16 (pictures: uint8), (total,), all clips one after another.
        offsets: int64, (clips + 1,); clip ``i`` is ``samples[offsets[i]:offsets[i + 1]]``, never empty.
        labels: int64, (clips,), from 0.
        folds: int64, (clips,), from 1 (0: no folds).
        clips: the clips' names.
        classes: the classes' names, by label.
        sample_rate: in hertz; 0 for pictures.
        sources: the recording, or the speaker, that each clip comes from; empty for clips from memory.
        index_sha256: the hash of the index that the clips come from; empty for clips from memory.
        identical: which clips have the same bytes, as :func:`soundclr.datasets.index.identical_clips` returns it;
            None for clips from memory and for files of earlier versions.
        sha256: the hash of the features file; empty for clips from memory.
    """

    samples: Tensor
    offsets: Tensor
    labels: Tensor
    folds: Tensor
    clips: tuple[str, ...]
    classes: tuple[str, ...]
    sample_rate: int
    sources: tuple[str, ...] = ()
    index_sha256: str = ""
    identical: dict[str, Any] | None = None
    sha256: str = ""

    def __len__(self) -> int:
        """The number of clips."""
        return len(self.clips)

    def to(self, device: torch.device | str) -> Self:
        """The clips with ``samples`` on ``device``; they are copied if that is another device."""
        return replace(self, samples=self.samples.to(device))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Open a file that :func:`write` wrote. ``samples`` is mapped, not read: jobs share the page cache.

        Raises:
            UserError: the file is missing, cut off, in another format, or was changed after it was written.
        """
        remedy = "remove it and make the features again"
        if not Path(path).is_file():
            raise UserError(f"{path}: no such features file; make the features first")
        try:
            with safe_open(path, framework="pt") as file:
                samples, offsets, labels, folds = (file.get_tensor(name) for name in TENSORS)
                metadata = file.metadata() or {}
            _, recorded, has = hashes(path)
            index_sha256 = metadata["index_sha256"]
            identical = json.loads(metadata.get("identical_clips", "null"))
            clips, classes, sources = (tuple(json.loads(metadata[name])) for name in ("clips", "classes", "sources"))
            sample_rate = int(metadata["sample_rate"])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise UserError(f"{path}: is cut off or not a features file ({error}); {remedy}") from error
        if recorded != has:
            raise UserError(f"{path}: is damaged (its SHA-256 is {has}, but {recorded} is recorded in it); {remedy}")
        lengths = (len(labels), len(folds), len(offsets) - 1, len(sources))
        if samples.dtype not in FULL_SCALES or lengths != (len(clips),) * 4 or offsets[-1] != len(samples):
            raise UserError(f"{path}: its tensors do not fit one another; {remedy}")
        return cls(
            samples, offsets, labels, folds, clips, classes, sample_rate, sources, index_sha256, identical, recorded
        )

    @classmethod
    def from_arrays(cls, arrays: Sequence[Numbers], sample_rate: int) -> Self:
        """Clips from memory, such as single files to classify: labels and folds 0, names "0", "1", ..."""
        samples, offsets = torch.from_numpy(np.concatenate(arrays)), torch.from_numpy(_offsets(map(len, arrays)))
        none = torch.zeros(len(arrays), dtype=torch.int64)
        names = tuple(str(number) for number in range(len(arrays)))
        return cls(samples, offsets, none, none, names, (), sample_rate, names)


def write(
    path: Path,
    small: dict[str, npt.NDArray[np.int64]],
    arrays: Iterable[Numbers],
    metadata: dict[str, str],
    kind: npt.DTypeLike = np.int16,
) -> None:
    """Write and seal a features file: the clips' ``offsets``, the ``small`` tensors, then ``arrays`` as ``samples``.

    All arrays have one ``kind``, int16 or uint8. Each clip is written as soon as it is decoded, the beginning at last.
    The library's ``save_file`` will not do: it writes the metadata in random order, so that equal features would get
    different hashes, and it needs two more copies of the samples in memory.
    """
    count, dtype = len(small["labels"]), np.dtype(kind)
    with open(path, "wb") as file:
        file.seek(len(beginning({"offsets": np.zeros(count + 1, np.int64), **small}, 0, metadata, dtype)))
        lengths = [file.write(np.ascontiguousarray(array).data) // array.itemsize for array in arrays]
        offsets = _offsets(lengths)
        file.seek(0)
        file.write(beginning({"offsets": offsets, **small}, int(offsets[-1]), metadata, dtype))
    seal(path)


def beginning(
    small: dict[str, npt.NDArray[np.int64]],
    samples: int,
    metadata: dict[str, str],
    dtype: np.dtype[Any],
) -> bytes:
    """The beginning of a features file, up to the ``samples`` values: the header and the small tensors.

    Its length does not depend on the number of samples.
    """
    header: dict[str, object] = {"__metadata__": metadata}
    end = 0
    for name, tensor in small.items():
        begin, end = end, end + tensor.nbytes
        header[name] = {"dtype": "I64", "shape": [len(tensor)], "data_offsets": [begin, end]}
    last = end + dtype.itemsize * samples
    header["samples"] = {"dtype": TYPES[dtype.str], "shape": [samples], "data_offsets": [end, last]}
    text = json.dumps(header).encode()
    text = text.ljust(len(text) - len(str(samples)) - len(str(last)) + 2 * DIGITS)
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *(tensor.tobytes() for tensor in small.values())])


def seal(path: Path) -> None:
    """Replace :data:`UNSEALED` in a features file by the hash of its contents."""
    start, recorded, has = hashes(path)
    with open(path, "rb+") as file:
        file.write(start.replace(recorded.encode(), has.encode()))


def hashes(path: Path) -> tuple[bytes, str, str]:
    """The beginning of a features file, the hash recorded in it, and the hash of its contents.

    The latter is the hash of the samples followed by the beginning with :data:`UNSEALED`. The samples are read, not
    mapped, because mapped pages would count as the process's memory.
    """
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        file.seek(0)
        start = file.read(8 + size + header["samples"]["data_offsets"][0])
        digest = hashlib.file_digest(file, "sha256")
    recorded = header["__metadata__"]["sha256"]
    digest.update(start.replace(recorded.encode(), UNSEALED.encode()))
    return start, recorded, digest.hexdigest()


def _offsets(lengths: Iterable[int]) -> npt.NDArray[np.int64]:
    """Where arrays of these lengths begin when concatenated, and where the last one ends."""
    return np.cumsum([0, *lengths], dtype=np.int64)
