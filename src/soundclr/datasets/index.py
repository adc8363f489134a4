"""The index, the common table of every dataset: each clip's place, class and fold.

Columns: ``clip`` (unique name), ``path`` (relative to the index's folder, POSIX), ``label`` (0 to C - 1),
``class`` (its name), ``fold`` (from 1), ``source`` (the recording that the clip was cut from), ``sha256`` (its file's).
A record beside it has the hashes of its definition and its content; without that record the index is not read.
"""

import csv
import hashlib
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from tqdm import tqdm

from soundclr.errors import UserError
from soundclr.machine.files import check_text, reason, sha256_of_file, to_csv, write_text, writing
from soundclr.run.index_record import Known, read_made_of, remedy, write_made_of

COLUMNS = ["clip", "path", "label", "class", "fold", "source", "sha256"]


class IndexRow(NamedTuple):
    """One clip, in the order of the index's columns, without the file's hash, which is added when writing."""

    clip: str
    path: str
    label: int
    class_name: str
    fold: int
    source: str


def write_index(path: Path, rows: Iterable[IndexRow], definition: str, before: Known | None = None) -> None:
    """Write ``rows``, sorted by clip, as an index with the hash of each clip's file, and the record beside it.

    ``definition`` is the hash of the settings and the table that the rows come from. If only the clips' paths differ
    from those in ``before``, the index keeps its identity. UserError for an unreadable clip.
    """
    lines: list[list[Any]] = [COLUMNS]
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)  # paths are relative to it
    for row in tqdm(sorted(rows), desc="hash", unit=" clips", dynamic_ncols=True, delay=2):
        check_text(" ".join(map(str, row)), f"{path}: cannot list a clip")
        try:
            lines.append([*row, sha256_of_file(path.parent / row.path)])
        except OSError as error:
            raise UserError(f"{path.parent / row.path}: cannot be read ({reason(error)})") from error
    text = to_csv(lines)
    same = before is not None and _without_paths(before.content) == _without_paths(text)
    write_made_of(path, definition, text.encode(), before.identity if before and same else None)
    write_text(path, text)


def read_index(path: Path) -> pd.DataFrame:
    """Read and check an index; ``label`` and ``fold`` are int64, all other columns strings.

    Raises:
        UserError: the file cannot be read or does not match its record, or a row is invalid.
    """
    made_of = read_made_of(path)
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != made_of["file_sha256"]:
            raise UserError(f"{path}: is not the index that was fetched: changed or cut off; {remedy(path)}")
        index = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as an index ({error})") from error
    if list(index.columns) != COLUMNS:
        raise UserError(f"{path}: the columns are {','.join(index.columns)}, not {','.join(COLUMNS)}")
    if not isinstance(index.index, pd.RangeIndex):  # pandas uses the first values of longer lines as row names
        raise UserError(f"{path}: a line has more than {len(COLUMNS)} values")
    if index.empty:
        raise UserError(f"{path}: the index has no clips")
    index["label"] = _integers(index, "label", 0, path)
    index["fold"] = _integers(index, "fold", 1, path)
    for column in ("clip", "class"):
        empty = index.index[index[column] == ""]
        if len(empty):
            raise UserError(f"{path}, line {empty[0] + 2}: `{column}` is empty")
    wrong = index.index[~index["sha256"].str.fullmatch("[0-9a-f]{64}")]
    if len(wrong):
        raise UserError(f"{path}, line {wrong[0] + 2}: `sha256` of clip {index['clip'][wrong[0]]} is not a SHA-256")
    repeated = index["clip"][index["clip"].duplicated()]
    if len(repeated):
        raise UserError(f"{path}: clip {repeated.iloc[0]} is listed more than once")
    _check_classes(index, path)
    for clip, file in zip(index["clip"], index["path"], strict=True):
        if not os.path.isfile(path.parent / file):  # unlike Path.is_file, False for a name that is too long
            raise UserError(f"{path}: clip {clip} is missing: no file {path.parent / file}")
    return index


def identical_clips(index: pd.DataFrame) -> dict[str, Any]:
    """The number of ``groups`` of byte-identical clips, and of ``clips`` in them.

    ``across_folds`` is the number of groups with clips in several folds: test clips were trained on. ``across_classes``
    is the number of groups with several labels, of which at most one is right. ``names`` lists each group's clips, if
    there are groups.
    """
    groups = index[index["sha256"].duplicated(keep=False)].groupby("sha256")
    several = groups[["fold", "label"]].nunique() > 1
    counts = {
        "groups": groups.ngroups,
        "clips": int(groups.size().sum()),
        "across_folds": int(several["fold"].sum()),
        "across_classes": int(several["label"].sum()),
    }
    return counts | ({"names": sorted(groups["clip"].apply(list))} if groups.ngroups else {})


def _without_paths(index: str) -> list[list[str]]:
    return [[*row[:1], *row[2:]] for row in csv.reader(io.StringIO(index, newline=""))]


def _integers(index: pd.DataFrame, column: str, least: int, path: Path) -> pd.Series:
    numbers = pd.to_numeric(index[column].where(index[column].str.fullmatch(r"[0-9]{1,9}")), errors="coerce")
    wrong = index.index[~(numbers >= least)]
    if len(wrong):
        row = wrong[0]
        raise UserError(
            f"{path}, line {row + 2}: `{column}` of clip {index['clip'][row]} is {index[column][row]!r}, "
            f"not a whole number from {least} on"
        )
    return numbers.astype("int64")


def _check_classes(index: pd.DataFrame, path: Path) -> None:
    """Check that labels are 0 to C - 1, each with a name of its own."""
    classes = index[["label", "class"]].drop_duplicates().sort_values("label", kind="stable")
    for column, other in (("label", "class"), ("class", "label")):
        repeated = classes[column][classes[column].duplicated()]
        if len(repeated):
            names = classes[other][classes[column] == repeated.iloc[0]].tolist()
            raise UserError(f"{path}: {column} {repeated.iloc[0]} has more than one {other}: {names}")
    last = int(classes["label"].max())
    absent = sorted(set(range(last + 1)) - set(classes["label"]))
    if absent:
        raise UserError(f"{path}: no clip has label {absent[0]}, but labels go up to {last}")
