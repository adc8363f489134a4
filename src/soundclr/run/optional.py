"""Optional weights: runs that start from a missing file of such weights are left out."""

import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from soundclr.params import Params
from soundclr.run import runs
from soundclr.run.runs import Run

Weights = tuple[str, str]  # their name and the encoder


def optional_weights(params: Params, study: str, dataset: str, recipe: str) -> Weights | None:
    """The optional weights from which a recipe's run starts, also by way of other runs; or None."""
    place = [(dataset, recipe), *params.origins(study, dataset, recipe)][-1]
    settings = params.resolve(study, *place)
    wanted = settings.start.weights in params.studies[study].optional_weights
    return (settings.start.weights, settings.network) if wanted else None


def are_here(params: Params, weights: Weights, data: Path, mirror: Path | None) -> bool:
    """Whether there is a file of ``weights``: fetched, in this package, or in the mirror. Hosts are not asked."""
    file = params.weights_file(*weights)
    places = [runs.weights_path(*weights, data), *([mirror / file.file] if mirror else [])]
    return file.packed is not None or any(place.is_file() for place in places)


def left_out(
    params: Params, study: str, results: Path = Path("results"), data: Path = Path("data"), mirror: Path | None = None
) -> dict[Run, Weights]:
    """The runs of a study that are not trained because optional weights are missing, with these weights.

    The default of ``mirror`` is the folder in SOUNDCLR_MIRROR.
    """
    if mirror is None and os.environ.get("SOUNDCLR_MIRROR"):
        mirror = Path(os.environ["SOUNDCLR_MIRROR"])
    if not params.studies[study].optional_weights:
        return {}

    @cache
    def lacking(dataset: str, recipe: str) -> Weights | None:
        weights = optional_weights(params, study, dataset, recipe)
        return None if weights is None or are_here(params, weights, data, mirror) else weights

    missing = (run for run in runs.expand(params, study) if not (run.directory(results) / "metrics.json").is_file())
    return {run: weights for run in missing if (weights := lacking(run.dataset, run.recipe)) is not None}


def lines(params: Params, runs_left_out: dict[Run, Weights]) -> Iterator[str]:
    """A line for each of the missing weights: how many runs need them, and how to get them."""
    for (name, encoder), count in Counter(runs_left_out.values()).items():
        file = params.weights_file(name, encoder)
        fetch = f", or run `soundclr weights {name} {encoder}`" if file.url else ""
        are = "run is" if count == 1 else "runs are"
        yield (
            f"{count} {are} left out: the weights {name} are missing; put {file.file} into a folder that "
            f"SOUNDCLR_MIRROR names{fetch}"
        )
