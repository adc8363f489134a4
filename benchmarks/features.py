"""Features: all clips of ESC-10 decoded into one file."""

import contextlib
import io
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
import torch

from benchmarks import problem
from benchmarks.context import Context, Row, counted
from benchmarks.timing import in_turns, timed
from soundclr.datasets.decoding import decode_clips
from soundclr.datasets.index import IndexRow, read_index, write_index

CLIPS = 400
CPU = torch.device("cpu")


def measure(context: Context) -> Iterator[Row]:
    """ESC-10 where it is at hand, else as many made-up Ogg files."""
    real = context.root / "data" / "esc10" / "index.csv"
    index = real if real.is_file() and not context.quick else made_up(context)
    paths = [index.parent / path for path in read_index(index)["path"]]

    def read() -> None:
        with ThreadPoolExecutor(context.cores) as pool:
            for _ in pool.map(lambda path: soundfile.read(path, dtype="float32")[1], paths):
                pass

    def build() -> None:
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
            decode_clips(index, output, problem.RATE, context.cores)

    output = context.folder / "features.safetensors"
    values = in_turns([lambda: timed(build, CPU), lambda: timed(read, CPU)], context.choose(5, 1))
    output.unlink()
    threads = counted(context.cores, "thread")
    whose = "ESC-10's" if index == real else "made-up"
    yield Row(
        name="features",
        what=f"features of {len(paths)} {whose} Ogg files",
        kind="cost",
        unit="s",
        ours_is=f"decoded, trimmed and written, {threads}",
        ours=values[0],
        against_is=f"soundfile reads them, {threads}",
        against=values[1],
        target=1.3,
    )


def made_up(context: Context) -> Path:
    """An index of made-up Ogg files, of which some are the same; returns its path."""
    folder = context.folder / "ogg"
    folder.mkdir()
    arrays = problem.clips(context.choose(40, 4))
    rows = []
    for number in range(context.choose(CLIPS, 8)):
        path = folder / f"{number:04}.ogg"
        if number < len(arrays):
            soundfile.write(path, arrays[number].astype(np.float32) / 32768, problem.RATE)
        else:
            shutil.copy(folder / f"{number % len(arrays):04}.ogg", path)
        label = number % problem.CLASSES
        rows.append(IndexRow(path.stem, path.name, label, f"class{label}", number % problem.FOLDS + 1, path.stem))
    write_index(folder / "index.csv", rows, definition="made up")
    return folder / "index.csv"
