"""Decodes every clip of a dataset once, into the features file that every job reads."""

import hashlib
import itertools
import json
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from soundclr.audio import features
from soundclr.audio.decode import Mix, Numbers, read_with_losses, to_int16, trim
from soundclr.audio.pictures import read_picture
from soundclr.datasets.index import identical_clips, read_index
from soundclr.errors import UserError
from soundclr.machine.files import atomic_path, sha256_of_file
from soundclr.run.index_record import place_of, read_made_of, remedy


def decode_clips(
    index: Path,
    output: Path,
    sample_rate: int,
    workers: int,
    channels: Mix = "mean",
    longest: int | None = None,
    pixels: int | None = None,
) -> None:
    """Decode every clip of a dataset's index into one features file, in the index's order.

    Args:
        index: ``index.csv`` as :mod:`soundclr.datasets.index` writes it; paths relative to it.
        output: the file to write, completely or not at all.
        sample_rate: in hertz; clips of another rate are resampled.
        workers: the number of decoding threads.
        channels: how several channels are mixed.
        longest: the number of samples to which longer clips are cut; None: not cut.
        pixels: the side of pictures, which need no other argument; None for sounds.

    Raises:
        UserError: the index is not valid, or a clip cannot be decoded or is not the one that was fetched.
    """
    table = read_index(index)
    paths = [place_of(index, path) for path in table["path"]]
    small = {"labels": table["label"].to_numpy(np.int64), "folds": table["fold"].to_numpy(np.int64)}
    metadata = metadata_of(table, sample_rate, read_made_of(index)["index_sha256"])

    def decode(path: Path, sha256: str) -> Numbers:
        if sha256_of_file(path) != sha256:
            raise UserError(
                f"{path}: is not the file that was fetched (its SHA-256 differs); restore it or {remedy(index)}"
            )
        if pixels is not None:
            return read_picture(path, pixels)
        decoded, lost = decode_sound(path, sample_rate, channels, longest)
        losses.extend((kind, path, phrase) for kind, phrase in lost.items())
        return decoded

    losses: list[tuple[str, Path, str]] = []
    digests: list[bytes] = []
    with atomic_path(output) as temporary, ThreadPoolExecutor(workers) as pool:
        decoded = in_order(pool, decode, zip(paths, table["sha256"], strict=True), 2 * workers)
        with tqdm(decoded, total=len(paths), desc="decode", unit=" clips", dynamic_ncols=True) as arrays:
            kind = np.int16 if pixels is None else np.uint8
            features.write(temporary, small, digested(arrays, digests), metadata, kind)
    for warning in (*loss_warnings(losses), *same_samples(table, digests)):
        print(f"soundclr: warning: {UserError(warning)}", file=sys.stderr)


def metadata_of(table: pd.DataFrame, sample_rate: int, index_sha256: str) -> dict[str, str]:
    """The metadata of a features file."""
    return {
        "clips": json.dumps(table["clip"].to_list()),
        "sources": json.dumps(table["source"].to_list()),
        "classes": json.dumps(table.drop_duplicates("label").sort_values("label")["class"].to_list()),
        "sample_rate": str(sample_rate),
        "index_sha256": index_sha256,
        "identical_clips": json.dumps(identical_clips(table)),
        "sha256": features.UNSEALED,
    }


def decode_sound(
    path: Path, sample_rate: int, channels: Mix, longest: int | None
) -> tuple[npt.NDArray[np.int16], dict[str, str]]:
    """A sound's trimmed samples, and its losses: kind -> phrase. The arguments are those of :func:`decode_clips`."""
    samples, lost = read_with_losses(path, sample_rate, channels)
    decoded = to_int16(trim(samples[:longest]))
    if samples.any() and not decoded.any() and not lost:
        lost["silenced"] = "it is softer than one step of int16, and becomes silence"
    return decoded, lost


def digested(arrays: Iterable[Numbers], digests: list[bytes]) -> Iterator[Numbers]:
    """Yield the ``arrays`` and append a hash of each to ``digests``; silence gets an empty one."""
    for array in arrays:
        digests.append(hashlib.blake2b(np.ascontiguousarray(array).data).digest() if array.any() else b"")
        yield array


def loss_warnings(losses: Iterable[tuple[str, Path, str]]) -> Iterator[str]:
    """A warning for each kind of loss: the first clip, its loss, and how many other clips have such a loss."""
    for _, group in itertools.groupby(sorted(losses), key=lambda loss: loss[0]):
        (_, path, phrase), *others = group
        yield f"{path}: {phrase}" + (f" (likewise {len(others)} more clips)" if others else "")


def same_samples(table: pd.DataFrame, digests: list[bytes]) -> Iterator[str]:
    """Warnings about clips in different folds or classes with the same samples but different bytes.

    Byte-identical clips are found when a dataset is fetched.
    """
    clips = table.assign(digest=digests)[["clip", "class", "fold", "sha256", "digest"]]
    clips = clips[(clips["digest"] != b"") & clips["digest"].duplicated(keep=False)]
    for column, why in (("fold", "a held-out clip was trained on"), ("class", "one of the two classes is wrong")):
        pairs = []
        for _, group in clips.drop_duplicates(["digest", column, "sha256"]).groupby("digest", sort=False):
            rows = itertools.combinations(group.to_dict("records"), 2)
            pairs.append(next((p for p in rows if all(p[0][key] != p[1][key] for key in (column, "sha256"))), None))
        if found := [pair for pair in pairs if pair]:
            one, two = found[0]
            more = f", and so do {len(found) - 1} more sounds" if len(found) > 1 else ""
            pair = f"{one['clip']} in {column} {one[column]} has the samples of {two['clip']} in {column} {two[column]}"
            yield f"{pair}, in another file{more}; {why}"


def in_order(
    pool: ThreadPoolExecutor,
    decode: Callable[[Path, str], Numbers],
    clips: Iterable[tuple[Path, str]],
    ahead: int,
) -> Iterator[Numbers]:
    """The decoded clips in their order; at most ``ahead`` wait to be written."""
    waiting: deque[Future[Numbers]] = deque()
    for path, sha256 in clips:
        if len(waiting) == ahead:
            yield waiting.popleft().result()
        waiting.append(pool.submit(decode, path, sha256))
    while waiting:
        yield waiting.popleft().result()
