"""Writes a study's plan to a small file on which DVC's stages depend, so that only what changed runs again.

It lists runs and evaluations by the hashes of all their settings, and has a hash of what the report shows. Settings
that change none of them, such as another study's, do not change the file.
"""

from pathlib import Path
from typing import Any

import yaml

from soundclr.machine.files import sha256_of_json, write_text
from soundclr.params import Params
from soundclr.report.made_of import report_inputs
from soundclr.run import optional, runs

HEAD = "# Written by `soundclr plan --write`: what the study comes to, by the hashes of all that decides it.\n"


def write_plan(params: Params, study: str, path: Path) -> None:
    """Write :func:`planned` as YAML."""
    write_text(path, HEAD + yaml.safe_dump(planned(params, study), sort_keys=False, width=120))


def planned(params: Params, study: str) -> dict[str, Any]:
    """The parts on which DVC's stages depend: ``runs``, ``evaluations`` and ``report``."""
    left_out = optional.left_out(params, study)
    asked = [run for run in runs.expand(params, study) if run not in left_out]
    evaluated = [run for run in runs.evaluated(params, study) if run not in left_out]
    settings = f"hash {runs.evaluation_key(params)}"
    evaluations = {"settings": settings, "runs": by_group(evaluated)} if evaluated else {}
    return {
        "runs": by_group(asked),
        "evaluations": evaluations,
        "report": sha256_of_json(report_inputs(params, study)),
    }


def by_group(asked: list[runs.Run]) -> dict[str, str]:
    """The folds and seeds of each dataset and recipe, as in ``folds 1 2 3, seeds 0 1``."""
    found: dict[str, tuple[dict[int, None], dict[int, None]]] = {}
    for run in asked:
        folds, seeds = found.setdefault(run.group, ({}, {}))
        folds[run.fold], seeds[run.seed] = None, None
    return {group: f"folds {' '.join(map(str, f))}, seeds {' '.join(map(str, s))}" for group, (f, s) in found.items()}
