"""Read what finished runs' models were asked after training: noise, distances and a projection."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field

from soundclr import runs
from soundclr.errors import UserError
from soundclr.params import Count, EvaluationSettings, Fraction, Params, Positive, validated
from soundclr.report.sealed import Lenient, read_sealed, read_table, remedied
from soundclr.runs import Run

COLUMNS = ["clip", "label", "class", "x", "y"]
REMEDY = "restore the folder from git or delete it and evaluate the run again"


class Heard(Lenient):
    """Held-out accuracy under one noise: of standard deviation ``sigma``, or at a ratio of signal to noise in dB."""

    noise: str
    sigma: float | None
    snr_db: float | None
    right: Count
    accuracy: Fraction


class Distances(Lenient):
    """Mean cosine distance of held-out pairs of one class and of different ones, their ratio, mean silhouette.

    None is what is not defined, as the distance within classes of one clip each.
    """

    intra: Annotated[float, Field(ge=0)] | None
    inter: Annotated[float, Field(ge=0)] | None
    ratio: Annotated[float, Field(ge=0)] | None
    silhouette: Annotated[float, Field(ge=-1, le=1)] | None


class Content(Lenient):
    """evaluation.json of one run."""

    format: Literal[2]
    settings: dict[str, Any]
    clips: Positive
    accuracy: tuple[Heard, ...]
    distances: Distances
    model_sha256: str
    index_sha256: str
    device: str
    precision: str
    code: str
    git_commit: str | None
    git_dirty: bool | None
    created: str


@dataclass(frozen=True)
class Evaluation:
    """What one run's model (its last epoch's weights) answered on its held-out clips.

    ``accuracy`` has the columns noise, sigma, snr_db (one of the two is missing), right (clips) and accuracy (a
    fraction); ``projection`` has clip, label, class and the place x, y, a row a clip.
    """

    run: Run
    content: Content
    accuracy: pd.DataFrame
    projection: pd.DataFrame

    @property
    def distances(self) -> Distances:
        """Of the held-out clips' representations."""
        return self.content.distances


def read_evaluations(
    params: Params, study: str, results: Path, clips: Mapping[Run, int]
) -> tuple[dict[Run, Evaluation], tuple[Path, ...]]:
    """The evaluations that params.yaml asks for now, and the folders of all others, which are set aside.

    ``clips`` says which runs' evaluations count, and how many clips each holds out. Raises UserError for one
    that was edited, is cut short, or says something else of itself than its path does.
    """
    key = runs.evaluation_key(params)
    top = results / study / "evaluations"
    found, set_aside = {}, []
    for path in sorted(top.glob("**/evaluation.json")):
        folder = path.parent
        run = Run.from_directory(results / study / "runs" / folder.parent.relative_to(top), results)
        if run is None or run.evaluation(folder.name, results) != folder:
            raise UserError(
                f"{path}: not the path of an evaluation, <dataset>/<recipe>-<hash>/fold<k>-seed<s>/<key>; move it away"
            )
        with remedied(REMEDY):
            content = read_sealed(path, run, {"key": folder.name}, ["projection.csv"], REMEDY)
            if folder.name == key and run in clips:
                found[run] = load_evaluation(params, path, run, content, clips[run])
            else:
                set_aside.append(folder)
    return found, tuple(set_aside)


def load_evaluation(params: Params, path: Path, run: Run, content: dict[str, Any], clips: int) -> Evaluation:
    """An evaluation that params.yaml asks for, once it holds all that was to be asked of all clips."""
    checked = validated(Content, content, str(path))
    settings = params.evaluation
    if validated(EvaluationSettings, checked.settings, f"{path}: settings") != settings:
        raise UserError(f"{path}: its settings are not params.yaml's evaluation, which its key stands for; {REMEDY}")
    asked: list[tuple[str, float | None, float | None]] = [("white", sigma, None) for sigma in settings.sigmas]
    asked += [(noise, None, ratio) for noise in settings.noises for ratio in settings.snr]
    if sorted(map(str, asked)) != sorted(str((a.noise, a.sigma, a.snr_db)) for a in checked.accuracy):
        raise UserError(f"{path}: its noises are not those that params.yaml's evaluation names; {REMEDY}")
    for heard in checked.accuracy:
        if abs(heard.accuracy * checked.clips - heard.right) > 0.01:
            raise UserError(f"{path}: says {heard.right} of {checked.clips} right and {heard.accuracy}; {REMEDY}")
    projection = read_table(path.with_name("projection.csv"), REMEDY)
    if list(projection.columns) != COLUMNS:
        raise UserError(f"{path.with_name('projection.csv')}: its columns are not {', '.join(COLUMNS)}; {REMEDY}")
    if not clips == checked.clips == len(projection):
        raise UserError(
            f"{path}: {checked.clips} clips, {len(projection)} in projection.csv, {clips} held out by the run; {REMEDY}"
        )
    accuracy = pd.DataFrame([heard.model_dump() for heard in checked.accuracy])
    return Evaluation(run, checked, accuracy.astype({"sigma": float, "snr_db": float}), projection)
