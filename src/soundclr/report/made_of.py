"""What a study's report was made of, in a small file beside it: the workflow compares it with what is there now."""

from pathlib import Path
from typing import Any

from soundclr.errors import UserError
from soundclr.machine.files import read_json, refuse_irregular, sha256_of_file, sha256_of_json
from soundclr.params import Params
from soundclr.run import runs

FILE = "made_of.json"

READ = {"runs": "metrics.json", "evaluations": "evaluation.json"}
"""The file by which each is believed; it holds the hashes of those beside it."""


def made_of(params: Params, study: str, results: Path) -> dict[str, Any]:
    """How many runs and evaluations of a study there are, and the SHA-256 of them and of all else that is shown.

    Equal for equal contents, whatever the files' times. UserError for one that is no file.
    """
    folder = results / study
    found = {kind: sorted(folder.glob(f"{kind}/**/{name}")) for kind, name in READ.items()}
    refuse_irregular(path for files in found.values() for path in files)
    hashes = {path.relative_to(folder).as_posix(): sha256_of_file(path) for files in found.values() for path in files}
    content = sha256_of_json({"files": hashes, "shown": shown(params, study)})
    return {**{kind: len(files) for kind, files in found.items()}, "sha256": content}


def shown(params: Params, study: str) -> dict[str, Any]:
    """What params.yaml says that a report shows or chooses by; no defaults, since a new setting brings one."""
    chosen = list(runs.expand(params, study))
    places = dict.fromkeys((run.dataset, run.recipe) for run in chosen)
    starts = {params.resolve(study, *place).start.weights for place in places}
    settings = params.studies[study].model_dump(mode="json", exclude_defaults=True)
    if len(settings.get("evaluate", ())) == 1:  # as reports that are there had it, when there was but one choice
        (settings["evaluate"],) = settings["evaluate"]
    return {
        "study": settings,
        "runs": [[run.group, run.name] for run in chosen],
        "evaluation": params.evaluation.model_dump(mode="json", exclude_defaults=True),
        "datasets": {
            run.dataset: params.datasets[run.dataset].model_dump(mode="json", exclude_defaults=True) for run in chosen
        },
        "recipes": {run.recipe: params.all_recipes[run.recipe].title for run in chosen},
        "weights": {name: params.weights[name].title for name in sorted(starts - {"none"})},
    }


def is_current(params: Params, study: str, results: Path) -> bool:
    """Whether a report is there that was made of exactly what is there now."""
    try:
        return read_json(results / study / FILE) == made_of(params, study, results)
    except (UserError, OSError):  # missing or damaged; or what it is of cannot be read, which the report says
        return False
