"""What a study comes to, as a small file: DVC's stages depend on it, so that only what changed runs again.

It has the clips and weights, the runs and the evaluations by the hashes that stand for all their settings, and what the
report shows. A setting that changes none of them, or another study's, changes nothing here.
"""

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import yaml

from soundclr import optional, runs
from soundclr.files import sha256_of_file, sha256_of_json, write_text
from soundclr.params import Params
from soundclr.report.made_of import shown

HEAD = "# Written by `soundclr plan --write`: what the study comes to, by the hashes of all that decides it.\n"


def write_plan(params: Params, study: str, path: Path) -> None:
    """Write :func:`planned` as YAML."""
    write_text(path, HEAD + yaml.safe_dump(planned(params, study), sort_keys=False, width=120))


def planned(params: Params, study: str) -> dict[str, Any]:
    """The parts that DVC's stages depend on, one each: ``data``, ``runs``, ``evaluations`` and ``report``."""
    left_out = optional.left_out(params, study)
    asked = [run for run in runs.expand(params, study) if run not in left_out]
    places = dict.fromkeys((run.dataset, run.recipe) for run in asked)
    starts = (params.resolve(study, *place) for place in places)
    weights = {(one.start.weights, one.encoder.name): None for one in starts if one.start.weights != "none"}
    datasets = list(dict.fromkeys(run.dataset for run in asked))
    evaluated = [run for run in runs.evaluated(params, study) if run not in left_out]
    settings = f"hash {runs.evaluation_key(params)}"
    evaluations = {"settings": settings, "runs": by_group(evaluated)} if evaluated else {}
    return {
        "data": {
            "features": [runs.features_path(params, dataset).name for dataset in datasets],
            "weights": [runs.weights_path(*one).name for one in weights],
            "own_sounds": {name: sha256 for name in datasets if (sha256 := contents(params, name))},
        },
        "runs": by_group(asked),
        "evaluations": evaluations,
        "report": sha256_of_json(shown(params, study)),
    }


def by_group(asked: list[runs.Run]) -> dict[str, str]:
    """The folds and seeds of each dataset and recipe, as in ``folds 1 2 3, seeds 0 1``."""
    found: dict[str, tuple[dict[int, None], dict[int, None]]] = {}
    for run in asked:
        folds, seeds = found.setdefault(run.group, ({}, {}))
        folds[run.fold], seeds[run.seed] = None, None
    return {group: f"folds {' '.join(map(str, f))}, seeds {' '.join(map(str, s))}" for group, (f, s) in found.items()}


def contents(params: Params, dataset: str) -> str | None:
    """The SHA-256 of your own sounds, table and clips; None for a dataset that is somebody else's.

    A clip that is not there is for fetching to say.
    """
    source = params.datasets[dataset]
    table = runs.own_table(source)
    if table is None or source.file is None:
        return None
    place, text = Path(source.file), table.decode("utf-8-sig", errors="replace")
    folder = place if place.is_dir() else place.parent
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    clips = [row.get("path") or "" for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)]
    digest = hashlib.sha256(table)
    for clip in filter(None, clips):
        if (folder / clip).is_file():
            digest.update(f"{clip} {sha256_of_file(folder / clip)}\n".encode())
    return digest.hexdigest()
