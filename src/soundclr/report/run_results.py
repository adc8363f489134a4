"""Read a finished run from its folder, and check it against params.yaml and its own files."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from pandas import DataFrame

from soundclr.errors import UserError
from soundclr.losses import classifies
from soundclr.params import Params, RunSettings, validated
from soundclr.run import runs
from soundclr.run.records import Metrics
from soundclr.run.runs import Run

Epoch = Literal["best", "last"]


@dataclass(frozen=True)
class RunResult:
    """A finished run: its record, a row for each epoch, and two rows for each held-out clip (best and last epoch)."""

    run: Run
    metrics: Metrics
    settings: RunSettings
    history: DataFrame
    predictions: DataFrame

    def at(self, epoch: Epoch) -> DataFrame:
        """The held-out clips' rows at the best or the last epoch."""
        return self.predictions[self.predictions["epoch"] == epoch]


def read_table(path: Path, text: Sequence[str] = ("clip", "stage", "class")) -> DataFrame:
    """Read a CSV file; columns in ``text`` are names, and only an empty field is missing: a clip may be "none"."""
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(text, str))
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error})") from error


def load_run(params: Params, path: Path, run: Run, metrics: Metrics) -> RunResult:
    """Read the run with this metrics.json; UserError where its settings, start or accuracies are not right."""
    settings = params.resolve(run.study, run.dataset, run.recipe)
    if validated(RunSettings, metrics.settings, f"{path}: settings") != settings:
        raise UserError(f"{path}: its settings are not those that params.yaml gives for the hash {run.hash}")
    if metrics.precision != settings.precision:
        raise UserError(f"{path}: says precision {metrics.precision!r}, its settings say {settings.precision!r}")
    start, sha256 = start_of(params, run, settings)
    if metrics.start.name != start or not (metrics.start.sha256 or "").startswith(sha256):
        raise UserError(
            f"{path}: says that it starts from {metrics.start.name} {metrics.start.sha256}, params.yaml says {start} "
            f"{sha256}"
        )
    history = read_table(path.with_name("history.csv"))
    if missing := {"stage", "epoch", "train_loss", "val_accuracy"} - set(history.columns):
        raise UserError(f"{path.with_name('history.csv')}: lacks the columns {', '.join(sorted(missing))}")
    predictions = read_table(path.with_name("predictions.csv"), text=("clip", "source"))  # a class may be "stage"
    result = RunResult(run, metrics, settings, history, predictions)
    check_predictions(path.with_name("predictions.csv"), result)
    return result


def start_of(params: Params, run: Run, settings: RunSettings) -> tuple[str, str]:
    """The name of a run's start in its metrics.json, and the first digits of its SHA-256 where params.yaml has it."""
    other = runs.started_from(params, run)
    if other is not None:
        return f"{other.group}/{other.name}", ""
    weights = settings.start.weights
    return weights, "" if weights == "none" else params.weights[weights].files[settings.encoder.name].sha256 or ""


def check_predictions(path: Path, result: RunResult) -> None:
    """Raise UserError where predictions.csv and metrics.json disagree on how many clips are right.

    A run without a classifier has no predictions. Earlier versions wrote no column ``source``.
    """
    metrics = result.metrics
    classes = list(metrics.classes)
    columns = list(result.predictions.columns)
    if columns not in (["clip", "source", "label", "epoch", *classes], ["clip", "label", "epoch", *classes]):
        raise UserError(f"{path}: its columns are not clip, source, label, epoch and metrics.json's classes")
    learnt = classifies(result.settings)
    accuracies: dict[Epoch, float | None] = {"best": metrics.accuracy.best_epoch, "last": metrics.accuracy.last_epoch}
    for epoch, accuracy in accuracies.items():
        rows, wanted = result.at(epoch), metrics.clips.test if learnt else 0
        if (accuracy is not None) != learnt:
            teaches = "teach" if learnt else "do not teach"
            raise UserError(f"{path}: metrics.json says accuracy {accuracy}, its settings {teaches} the classifier")
        if len(rows) != wanted:
            raise UserError(f"{path}: {len(rows)} clips at the {epoch} epoch, metrics.json says {wanted}")
        if accuracy is None:
            continue
        numbers = rows[["label", *classes]].apply(pd.to_numeric, errors="coerce")
        if not numbers["label"].isin(range(len(classes))).all() or numbers.isna().any(axis=None):
            raise UserError(f"{path}: a label or a probability at the {epoch} epoch is none")
        least, most = certainly_right(numbers, classes)
        if not least - 0.5 < accuracy * len(rows) < most + 0.5:
            raise UserError(
                f"{path}: {least} of {len(rows)} clips are right at the {epoch} epoch, metrics.json says "
                f"{accuracy * len(rows):g}"
            )


def certainly_right(numbers: DataFrame, classes: list[str]) -> tuple[int, int]:
    """The least and greatest number of clips that the probabilities get right.

    They are rounded, so a clip whose class ties with another one may count or not.
    """
    probabilities = numbers[classes].to_numpy(dtype=float, copy=True)
    place = range(len(numbers)), numbers["label"].to_numpy(dtype=int)
    of_label = probabilities[place]
    probabilities[place] = -math.inf
    others = probabilities.max(axis=1)
    return int((of_label > others).sum()), int((of_label >= others).sum())
