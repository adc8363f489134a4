"""The inputs that a job needs; the error for a missing one names the command that makes it."""

from pathlib import Path

from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.run import runs


def weights_file(params: Params, run: runs.Run, data: Path) -> Path | None:
    """The file of a run's initial weights, or None for a run from scratch."""
    settings = params.resolve(run.study, run.dataset, run.recipe)
    weights, encoder = settings.start.weights, settings.network
    if weights == "none":
        return None
    return existing(runs.weights_path(weights, encoder, data), f"soundclr weights {weights} {encoder}")


def check_trained(run: runs.Run, results: Path) -> None:
    """Raise UserError, with the command that trains ``run``, if it or its model is missing."""
    existing(run.directory(results) / "metrics.json", run.train_command)
    existing(run.model(results), f"{run.train_command} --force", "or pull the model")


def existing(path: Path, command: str, otherwise: str = "") -> Path:
    """Return ``path``; if it is missing, raise UserError with the command that makes it, or ``otherwise``."""
    if not path.is_file():
        raise UserError(f"{path}: is missing; make it with `{command}`{otherwise and f', {otherwise}'}")
    return path


def existing_folder(path: Path, option: str) -> Path:
    """Return ``path``; UserError, with the ``option`` that names another one, if it is not a folder."""
    if not path.is_dir():
        raise UserError(f"{path}: no such folder; run the command in the repository's folder, or name it with {option}")
    return path
