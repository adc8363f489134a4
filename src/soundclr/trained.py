"""A trained run, loaded from its folder."""

from pathlib import Path
from typing import Any

import torch

from soundclr.errors import UserError
from soundclr.files import sha256_of_file
from soundclr.models import Network, build_encoder
from soundclr.params import RunSettings
from soundclr.records import read_record
from soundclr.runs import Run

FORMAT = 2  # of metrics.json


def load_run(directory: Path) -> tuple[RunSettings, Network, list[str]]:
    """The settings, the trained network in evaluation mode, and the class names of a run's folder.

    Raises UserError for a folder that is no finished run, or a model that is missing or damaged.
    """
    run, results, metrics = read_run(directory)
    model = run.model(results)
    again = f"pull the model or train the run again: `{run.train_command} --force`"
    if not model.is_file():
        raise UserError(f"{model}: the run's model is not here; {again}")
    if (has := sha256_of_file(model)) != (says := metrics.get("model_sha256")):
        raise UserError(
            f"{model}: is damaged or another run's (SHA-256 {has}, metrics.json says {says}); remove it, then {again}"
        )
    try:
        settings, classes = RunSettings.model_validate(metrics["settings"]), list(metrics["classes"])
        network = Network(build_encoder(settings.encoder, None), settings.projection.size, len(classes))
        network.load_state_dict(torch.load(model, map_location="cpu", weights_only=True))
    except Exception as error:  # torch.load raises many kinds; with the right hash it was another version that wrote it
        reason = " ".join(str(error).split())[:100]
        raise UserError(f"{model}: is not a model of this version ({reason}); remove it, then {again}") from error
    return settings, network.eval(), classes


def read_run(directory: Path) -> tuple[Run, Path, dict[str, Any]]:
    """What run the folder is of, the results that it is in, and its metrics.json.

    Raises UserError for a folder that is no finished run, or whose metrics.json is damaged or of another version.
    """
    directory = Path(directory).absolute()
    parents = directory.parents
    run = Run.from_directory(directory, parents[4]) if len(parents) > 4 else None
    if run is None or not (directory / "metrics.json").is_file():
        raise UserError(
            f"{directory}: not a finished run; name a folder like results/STUDY/runs/DATASET/RECIPE-HASH/fold1-seed0"
        )
    remedy = f"restore it from git, or remove {directory} and train the run again: `{run.train_command}`"
    metrics = read_record(directory / "metrics.json", remedy)
    if metrics.get("format") != FORMAT:
        raise UserError(f"{directory}/metrics.json: is of format {metrics.get('format')}, not {FORMAT}; {remedy}")
    return run, parents[4], metrics
