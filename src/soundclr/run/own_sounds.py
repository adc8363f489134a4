"""Checks your own sounds, which may change: DVC must see changes, and runs of clips that have changed are refused.

Published clips are checked against their manifest or table when they are fetched. This module imports neither pandas
nor PyTorch, because the workflow uses it at each start.
"""

import csv
import io
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from soundclr.errors import UserError
from soundclr.machine.files import read_json, regular, sha256_of_file, write_json
from soundclr.machine.yaml_file import read_yaml
from soundclr.params import Params
from soundclr.run import runs
from soundclr.run.index_record import current_identity, known_index, place_of, remedy

FOUND_GOOD = ".found-good"  # beside an index: the clips that matched it when read: SHA-256, place, inode, size, times
LONGEST_HEADER = 1 << 28  # the most bytes to read of a features file's header; NSynth's has 10 MB


def check_seen_by_dvc(params: Params, datasets: Iterable[str], stages: Path = Path("dvc.yaml")) -> None:
    """Raise UserError for own sounds on which DVC's stage ``data`` does not depend, with what to add there."""
    deps = read_yaml(stages)["stages"]["data"]["deps"]
    named = re.compile(r"\$\{datasets\.(\w+)\.file\}")
    seen = [Path(named.sub(lambda match: str(params.datasets[match[1]].file), str(dep))).resolve() for dep in deps]
    for dataset in sorted(set(datasets)):
        source = params.datasets[dataset]
        if source.adapter not in runs.OWN_TABLES or source.file is None:
            continue
        if not any(Path(source.file).resolve().is_relative_to(dep) for dep in seen):
            raise UserError(
                f"{stages}: its stage `data` does not depend on {source.file}, the sounds of the dataset {dataset}, so "
                f"DVC would not see them change; add `- ${{datasets.{dataset}.file}}` to its `deps`"
            )


def check_clips(params: Params, dataset: str, data: Path = Path("data")) -> None:
    """Raise UserError for own clips that changed under their names since they were fetched.

    A file is read only if its inode, size or times differ from when it was last found good. Missing files are reported
    elsewhere.
    """
    index = data / dataset / "index.csv"
    if params.datasets[dataset].adapter not in runs.OWN_TABLES or current_identity(params, dataset, data) is None:
        return
    if (known := known_index(index)) is None:
        return
    before, found, changed = _read_object(index.with_name(FOUND_GOOD)), {}, []
    for row in csv.DictReader(io.StringIO(known.content, newline="")):
        clip, expected = place_of(index, row["path"]), row["sha256"]
        with suppress(OSError, ValueError):
            status = clip.stat()  # taken before reading, so that no change is missed
            times = status.st_mtime_ns, status.st_ctime_ns  # the latter also changes if a copy keeps the former
            state = [expected, str(clip), status.st_ino, status.st_size, *times]
            if state == before.get(row["clip"]) or sha256_of_file(clip) == expected:
                found[row["clip"]] = state
            else:
                changed.append(clip)
    if found != before:
        with suppress(UserError):  # without permission to write, all clips are read each time
            write_json(index.with_name(FOUND_GOOD), found)
    if changed:
        others = f", as did {len(changed) - 1} more clips," if len(changed) > 1 else ""
        raise UserError(
            f"{changed[0]}: changed under its name{others} since it was fetched, so features and runs belong to "
            f"another sound; restore it, give it another name, or {remedy(index)} to use it as it is"
        )


def check_runs(params: Params, some: Iterable[runs.Run], results: Path, data: Path = Path("data")) -> None:
    """Raise UserError for finished runs of another index than their dataset has now."""
    identity = cache(partial(current_identity, params, data=data))
    for run in some:
        path, now = run.directory(results) / "metrics.json", identity(run.dataset)
        if now is None or not path.is_file() or _read_object(path).get("index_sha256") in (None, now):
            continue
        index = data / run.dataset / "index.csv"
        folders = [str(results / run.study / part / run.dataset) for part in ("runs", "models", "evaluations")]
        raise UserError(
            f"{path}: was made of other clips than {index} has now, of the same names; restore those clips and "
            f"{remedy(index)}, or delete {', '.join(folders)}, and the runs are trained again"
        )


def check_features(params: Params, dataset: str, features: Path, data: Path = Path("data")) -> None:
    """Raise UserError for a features file of another index than the dataset has now."""
    now = current_identity(params, dataset, data)
    if now is not None and _index_of_features(features) not in (None, now):
        index = data / dataset / "index.csv"
        raise UserError(f"{features}: was made of other clips than {index} has now; run `soundclr features {dataset}`")


def _read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file; an empty one if it is missing or damaged, which the report reports of a record."""
    try:
        content = read_json(path)
    except UserError:
        return {}
    return content if isinstance(content, dict) else {}


def _index_of_features(path: Path) -> Any:
    """The hash of a features file's index; None for a damaged file, which its reader reports."""
    try:
        with open(path, "rb", opener=regular) as file:
            header = json.loads(file.read(min(int.from_bytes(file.read(8), "little"), LONGEST_HEADER)))
        return header["__metadata__"]["index_sha256"]
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return None
