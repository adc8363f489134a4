"""Read a study's run folders: one is believed where its contents agree with its path and its hashes."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import ConfigDict

from soundclr import runs
from soundclr.errors import UserError
from soundclr.files import read_json, sha256_of_file, sha256_of_json
from soundclr.params import Count, Fraction, Params, Positive, RunSettings, Section, known, validated
from soundclr.runs import Run

TABLES = ("history.csv", "predictions.csv")
HISTORY_COLUMNS = {"stage", "epoch", "train_loss", "test_accuracy"}
REMEDY = "restore the run folder from git or delete it and train the run again"


class Lenient(Section):
    """A part of metrics.json: what the report needs is checked, what else stands there is let be."""

    model_config = ConfigDict(extra="ignore")


class Accuracies(Lenient):
    """Held-out accuracy, a fraction: at the best epoch (the paper's protocol) and at the last (unbiased)."""

    best_epoch: Fraction
    last_epoch: Fraction


class Clips(Lenient):
    """How many clips the run learned from and how many it held out."""

    train: Positive
    test: Positive


class WeightsUsed(Lenient):
    """The initial weights: their key in params.yaml or ``none``, and their file's SHA-256."""

    name: str
    sha256: str | None


class Metrics(Lenient):
    """metrics.json of one run."""

    format: Literal[1]
    study: str
    dataset: str
    recipe: str
    recipe_hash: str
    fold: Positive
    seed: Count
    accuracy: Accuracies
    best_epoch: Positive
    epochs: Positive
    stopped_early: bool
    clips: Clips
    classes: tuple[str, ...]
    settings: dict[str, Any]
    weights: WeightsUsed
    device: str
    precision: str
    duration_seconds: float
    clips_per_second: float
    git_commit: str | None
    git_dirty: bool | None
    versions: dict[str, str | None]
    created: str
    files: dict[str, str]
    checksum: str


@dataclass(frozen=True)
class RunResult:
    """A finished run: what it says of itself, one row an epoch, and two rows a held-out clip."""

    run: Run
    metrics: Metrics
    settings: RunSettings
    history: pd.DataFrame
    predictions: pd.DataFrame

    def at(self, epoch: Literal["best", "last"]) -> pd.DataFrame:
        """The held-out clips' rows at the best or the last epoch."""
        return self.predictions[self.predictions["epoch"] == epoch]


@dataclass(frozen=True)
class Collection:
    """A study's runs as params.yaml has it now: expected ones, finished ones, and the others' paths."""

    params: Params
    study: str
    expected: tuple[Run, ...]
    results: tuple[RunResult, ...]
    set_aside: tuple[Path, ...]

    @property
    def coverage(self) -> str:
        """How many of the expected runs are there, as in ``15 of 25 runs``."""
        return f"{len(self.results)} of {len(self.expected)} runs"

    def of(self, dataset: str, recipe: str | None = None) -> list[RunResult]:
        """The finished runs of a dataset, and of one recipe if it is given, by recipe, fold and seed."""
        return [r for r in self.results if r.run.dataset == dataset and recipe in (None, r.run.recipe)]

    def expected_of(self, dataset: str, recipe: str) -> list[Run]:
        """The runs that params.yaml asks for, by fold and seed."""
        return [run for run in self.expected if (run.dataset, run.recipe) == (dataset, recipe)]


def collect(params: Params, study: str, results: Path) -> Collection:
    """Load the runs below ``results/<study>/runs`` that params.yaml asks for.

    Runs of other settings, seeds, folds or recipes are set aside: named, not loaded. A folder without
    metrics.json is a run that did not end, thus missing. Raises UserError for a run that is cut short, was
    edited by hand, or says something else of itself than its path does, naming both.
    """
    known(study, params.studies, "study")
    expected = tuple(runs.expand(params, study))
    wanted = set(expected)
    found: dict[Run, RunResult] = {}
    set_aside = []
    for path in sorted((results / study / "runs").glob("**/metrics.json")):
        run = Run.from_directory(path.parent, results)
        if run is None or run.directory(results) != path.parent:
            raise UserError(f"{path}: not the path of a run, <dataset>/<recipe>-<hash>/fold<k>-seed<s>; move it away")
        content = check_identity(path, run)
        if run in wanted:
            found[run] = load_run(params, path, run, content)
        else:
            set_aside.append(path.parent)
    return Collection(params, study, expected, tuple(found[r] for r in expected if r in found), tuple(set_aside))


def check_identity(path: Path, run: Run) -> dict[str, Any]:
    """metrics.json's content, once it agrees with the path, its own checksum and its files' hashes."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a JSON object, found {type(content).__name__}; {REMEDY}")
    by_path: dict[str, str | int] = {"study": run.study, "dataset": run.dataset, "recipe": run.recipe}
    by_path |= {"recipe_hash": run.hash, "fold": run.fold, "seed": run.seed}
    for key, value in by_path.items():
        if content.get(key) != value:
            raise UserError(f"{path}: says {key} {content.get(key)!r}, its path says {value!r}; {REMEDY}")
    checksum = sha256_of_json({key: value for key, value in content.items() if key != "checksum"})
    if content.get("checksum") != checksum:
        raise UserError(
            f"{path}: says checksum {content.get('checksum')!r}, its contents have {checksum!r}: "
            f"changed after the run wrote it; {REMEDY}"
        )
    files = content.get("files")
    for name in TABLES:
        table = path.with_name(name)
        if not table.is_file():
            raise UserError(f"{table}: missing, though {path.name} beside it says that the run ended; {REMEDY}")
        says = files.get(name) if isinstance(files, dict) else None
        if says != (has := sha256_of_file(table)):
            raise UserError(
                f"{table}: has SHA-256 {has}, {path.name} beside it says {says}: "
                f"changed after the run wrote it; {REMEDY}"
            )
    return content


def load_run(params: Params, path: Path, run: Run, content: dict[str, Any]) -> RunResult:
    """A run that params.yaml asks for, once its settings, weights and accuracies agree with what is known."""
    metrics = validated(Metrics, content, str(path))
    settings = params.resolve(run.study, run.dataset, run.recipe)
    if validated(RunSettings, metrics.settings, f"{path}: settings") != settings:
        raise UserError(f"{path}: its settings are not those that params.yaml gives for the hash {run.hash}; {REMEDY}")
    encoder = settings.encoder
    source = params.weights[encoder.weights].files[encoder.name].sha256 if encoder.weights != "none" else ""
    if metrics.weights.name != encoder.weights or not (metrics.weights.sha256 or "").startswith(source):
        raise UserError(
            f"{path}: says weights {metrics.weights.name} {metrics.weights.sha256}, params.yaml says "
            f"{encoder.weights} {source}; {REMEDY}"
        )
    history = read_table(path.with_name("history.csv"))
    if missing := HISTORY_COLUMNS - set(history.columns):
        raise UserError(f"{path.with_name('history.csv')}: lacks the columns {', '.join(sorted(missing))}; {REMEDY}")
    result = RunResult(run, metrics, settings, history, read_table(path.with_name("predictions.csv")))
    check_predictions(path.with_name("predictions.csv"), result)
    return result


def read_table(path: Path) -> pd.DataFrame:
    """A CSV file in which only an empty field is a missing value: a class or a clip may be called "none"."""
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"clip": str, "stage": str})
    except (ValueError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error}); {REMEDY}") from error


def check_predictions(path: Path, result: RunResult) -> None:
    """The clips that the probabilities get right must be as many as the accuracies say.

    Probabilities are rounded, so where the label's equals another class's the clip may count or not.
    """
    metrics = result.metrics
    if list(result.predictions.columns) != ["clip", "label", "epoch", *metrics.classes]:
        raise UserError(f"{path}: its columns are not clip, label, epoch and metrics.json's classes; {REMEDY}")
    for epoch, accuracy in (("best", metrics.accuracy.best_epoch), ("last", metrics.accuracy.last_epoch)):
        rows = result.predictions[result.predictions["epoch"] == epoch]
        if len(rows) != metrics.clips.test:
            raise UserError(f"{path}: {len(rows)} clips at the {epoch} epoch, metrics.json says {metrics.clips.test}")
        probabilities = rows[list(metrics.classes)].to_numpy(dtype=float)
        labels = rows["label"].to_numpy(dtype=int)
        of_label = probabilities[range(len(rows)), labels]
        probabilities[range(len(rows)), labels] = -math.inf
        others = probabilities.max(axis=1)
        least, most = int((of_label > others).sum()), int((of_label >= others).sum())
        if not least - 0.5 < accuracy * len(rows) < most + 0.5:
            raise UserError(
                f"{path}: {least} of {len(rows)} clips are right at the {epoch} epoch, metrics.json says "
                f"{accuracy * len(rows):g}; {REMEDY}"
            )
