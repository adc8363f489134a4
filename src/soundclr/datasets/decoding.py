"""Every clip of a dataset decoded once, into the features file that every job reads."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from soundclr.audio import features
from soundclr.audio.decode import Mix, read_audio, to_int16, trim
from soundclr.datasets.index import identical_clips, read_index
from soundclr.errors import UserError
from soundclr.files import atomic_path, sha256_of_file
from soundclr.index_record import place_of, read_made_of, remedy


def decode_clips(
    index: Path, output: Path, sample_rate: int, workers: int, channels: Mix = "mean", longest: int | None = None
) -> None:
    """Decode every clip of a dataset's index into one features file, in the index's order.

    Args:
        index: ``index.csv`` as :mod:`soundclr.datasets.index` writes it; paths relative to it.
        output: the file to write, whole or not at all.
        sample_rate: in hertz; clips of another rate are resampled.
        workers: threads that decode.
        channels: what several channels become.
        longest: the samples that are kept of a longer clip, its first ones; none: all.

    Raises:
        UserError: the index is not usable, or a clip cannot be decoded or is not the one that was fetched; it is named.
    """
    table = read_index(index)
    classes = table.drop_duplicates("label").sort_values("label")["class"].to_list()
    paths = [place_of(index, path) for path in table["path"]]
    small = {"labels": table["label"].to_numpy(np.int64), "folds": table["fold"].to_numpy(np.int64)}
    metadata = {
        "clips": json.dumps(table["clip"].to_list()),
        "classes": json.dumps(classes),
        "sample_rate": str(sample_rate),
        "index_sha256": read_made_of(index)["index_sha256"],
        "identical_clips": json.dumps(identical_clips(table)),
        "sha256": features.UNSEALED,
    }

    def decode(path: Path, sha256: str) -> npt.NDArray[np.int16]:
        if sha256_of_file(path) != sha256:
            raise UserError(f"{path}: is not the file that was fetched (other SHA-256); restore it or {remedy(index)}")
        return to_int16(trim(read_audio(path, sample_rate, channels)[:longest]))

    with atomic_path(output) as temporary, ThreadPoolExecutor(workers) as pool:
        decoded = in_order(pool, decode, zip(paths, table["sha256"], strict=True), 2 * workers)
        with tqdm(decoded, total=len(paths), desc="decode", unit=" clips", dynamic_ncols=True) as arrays:
            features.write(temporary, small, arrays, metadata)


def in_order(
    pool: ThreadPoolExecutor,
    decode: Callable[[Path, str], npt.NDArray[np.int16]],
    clips: Iterable[tuple[Path, str]],
    ahead: int,
) -> Iterator[npt.NDArray[np.int16]]:
    """The decoded clips in their order, of which no more than ``ahead`` wait for a slow disk."""
    waiting: deque[Future[npt.NDArray[np.int16]]] = deque()
    for path, sha256 in clips:
        if len(waiting) == ahead:
            yield waiting.popleft().result()
        waiting.append(pool.submit(decode, path, sha256))
    while waiting:
        yield waiting.popleft().result()
