"""`soundclr embed`: writes the representations of sound files, for use in other programs."""

import argparse
import csv
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

from soundclr.commands.named_run import add_named_run, one_run
from soundclr.errors import UserError
from soundclr.machine.files import atomic_path

HELP = "write the representations h and z of sound files by a trained model, a row per window"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="WAV, FLAC, Ogg or MP3; or folders of them")
    add_named_run(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, help="a .csv file, or .parquet (needs pyarrow)")


def run(options: argparse.Namespace) -> int:
    """Write the rows of all readable files; returns 2 if a file could not be read."""
    if options.output.suffix not in WRITERS:
        raise UserError(f"{options.output}: must end in {' or '.join(WRITERS)}")
    folder = one_run(options.run, options.params)

    from tqdm import tqdm

    from soundclr.evaluation.classifier import Embedder

    embedder, counts = Embedder(folder), {"windows": 0, "broken": 0}

    def rows() -> Iterator[list[object]]:
        for path in tqdm(list(sound_files(options.files)), unit="file", disable=not sys.stderr.isatty()):
            try:
                found = embedder.embed(path)
            except UserError as error:
                print(f"soundclr: error: {error}", file=sys.stderr)
                counts["broken"] += 1
                continue
            counts["windows"] += len(found)
            yield from ([str(path), *row] for row in found)

    with atomic_path(options.output) as partial:
        WRITERS[options.output.suffix](partial, embedder.columns, rows())
    print(f"{options.output}: {counts['windows']} windows, {len(embedder.columns) - 3} numbers each")
    return 2 if counts["broken"] else 0


def sound_files(named: list[Path]) -> Iterator[Path]:
    """The files, and the sorted files in folders; hidden files in folders are left out."""
    for path in named:
        if path.is_dir():
            yield from (one for one in sorted(path.rglob("*")) if one.is_file() and not one.name.startswith("."))
        else:
            yield path


def to_csv(path: Path, columns: list[str], rows: Iterator[list[object]]) -> None:
    """Write the rows one by one."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([f"{value:.6g}" if isinstance(value, float) else value for value in row] for row in rows)


def to_parquet(path: Path, columns: list[str], rows: Iterator[list[object]]) -> None:
    """Write the rows as Parquet, a thousand at a time."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UserError("Parquet needs pyarrow: `pip install pyarrow`, or name an output that ends in .csv") from error
    schema = pa.schema([(name, pa.string() if name == "file" else pa.float32()) for name in columns])
    with pq.ParquetWriter(path, schema) as writer:
        while chunk := list(itertools.islice(rows, 1000)):
            writer.write(pa.table(dict(zip(columns, zip(*chunk, strict=True), strict=True)), schema=schema))


WRITERS = {".csv": to_csv, ".parquet": to_parquet}
