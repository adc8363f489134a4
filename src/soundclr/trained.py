"""A trained run, loaded from its folder."""

from pathlib import Path

import torch
from pydantic import ValidationError

from soundclr.errors import UserError
from soundclr.files import read_json
from soundclr.models import Network, build_encoder
from soundclr.params import RunSettings
from soundclr.runs import Run


def load_run(directory: Path) -> tuple[RunSettings, Network, list[str]]:
    """The settings, the trained network in evaluation mode, and the class names of a run's folder.

    Raises UserError for a folder that is no finished run, or a model that is missing or damaged.
    """
    directory = Path(directory).absolute()
    parents = directory.parents
    run = Run.from_directory(directory, parents[4]) if len(parents) > 4 else None
    if run is None or not (directory / "metrics.json").is_file():
        raise UserError(
            f"{directory}: not a finished run; name a folder like results/STUDY/runs/DATASET/RECIPE-HASH/fold1-seed0"
        )
    metrics = read_json(directory / "metrics.json")
    model = run.model(parents[4])
    if not model.is_file():
        raise UserError(f"{model}: the run's model is not here; train the run again or pull the model")
    try:
        settings, classes = RunSettings.model_validate(metrics["settings"]), list(metrics["classes"])
        network = Network(build_encoder(settings.encoder, None), settings.projection.size, len(classes))
        network.load_state_dict(torch.load(model, map_location="cpu", weights_only=True))
    except (KeyError, TypeError, ValidationError) as error:
        raise UserError(f"{directory}/metrics.json: not of this version ({type(error).__name__})") from error
    except Exception as error:  # torch.load raises many kinds; all of them mean that the file is damaged
        raise UserError(f"{model}: cannot be read ({' '.join(str(error).split())[:100]}); train again") from error
    return settings, network.eval(), classes
