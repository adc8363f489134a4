"""The fingerprint of a report's inputs, in a small file beside it: the workflow compares it with the inputs now."""

from pathlib import Path
from typing import Any

from soundclr.errors import UserError
from soundclr.machine.files import read_json, refuse_irregular, sha256_of_file, sha256_of_json
from soundclr.params import Params
from soundclr.run import runs

FILE = "made_of.json"


def made_of(params: Params, study: str, results: Path) -> dict[str, Any]:
    """The number of a study's runs and evaluations, and the SHA-256 of them and of all else that a report shows.

    It depends on contents only, not on the files' times. Raises UserError for a record that is not a regular file.
    """
    folder = results / study
    records = {"runs": "metrics.json", "evaluations": "evaluation.json"}  # these hold the hashes of the files beside
    found = {kind: sorted(folder.glob(f"{kind}/**/{name}")) for kind, name in records.items()}
    refuse_irregular(path for files in found.values() for path in files)
    hashes = {path.relative_to(folder).as_posix(): sha256_of_file(path) for files in found.values() for path in files}
    content = sha256_of_json({"files": hashes, "shown": report_inputs(params, study)})
    return {**{kind: len(files) for kind, files in found.items()}, "sha256": content}


def report_inputs(params: Params, study: str) -> dict[str, Any]:
    """The parts of params.yaml that a report uses, without defaults: a new setting with a default changes nothing."""
    chosen = list(runs.expand(params, study))
    places = dict.fromkeys((run.dataset, run.recipe) for run in chosen)
    starts = {params.resolve(study, *place).start.weights for place in places}
    settings = params.studies[study].model_dump(mode="json", exclude_defaults=True)
    if len(settings.get("evaluate", ())) == 1:  # as in older reports, which knew one choice only
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
    """Whether the study has a report that was made from exactly the present inputs."""
    try:
        return read_json(results / study / FILE) == made_of(params, study, results)
    except (UserError, OSError):  # missing or damaged; inputs that cannot be read are refused by the report itself
        return False
