"""Data frames of a study's runs: tables, figures and claims are made from these.

A run is (dataset, recipe, fold, seed). Every frame has these columns, so any two can be merged on :data:`RUN`.
Accuracies are in percent. A run that is asked for and missing has NaN, so coverage is a count.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from soundclr.evaluation.conditions import Noise
from soundclr.losses import classifies
from soundclr.params import RunSettings
from soundclr.report.evaluations import Evaluation
from soundclr.report.run_results import RunResult
from soundclr.run.runs import Run

Values = dict[str, Any]
"""A row: its values by the names of their columns."""

RUN = ["dataset", "recipe", "fold", "seed"]
"""The columns that identify a run of a study."""

PLACE = ["dataset", "recipe"]
"""The columns that identify a group of runs, which differ in fold and seed only."""

PERCENTS = ["best_epoch_percent", "last_epoch_percent"]
"""Accuracy at the epoch with the best validation accuracy (as the papers' code), and at the last epoch."""

SPACES = {"h": "distances", "projection": "projection_distances", "logits": "logit_distances"}
"""The spaces in which distances are measured, with their keys in evaluation.json."""

SOURCES = (
    re.compile(r"\d+-(\d+)-[A-Z](?:-\d+)?"),  # ESC: fold-Freesound ID-take, with or without the target
    re.compile(r"(\d+)-\d+-\d+-\d+"),  # UrbanSound8K: fsID-class-occurrence-slice
    re.compile(r"(?:.*/)?(\w+)_nohash_\d+"),  # Speech Commands: word/speaker_nohash_number
)


def source_of(clip: str) -> str:
    """The recording or speaker in a clip's name, for runs that did not record it; without one the clip itself.

    >>> source_of("1-100032-A"), source_of("100032-3-0-0"), source_of("yes/0c40e715_nohash_0"), source_of("own")
    ('100032', '100032', '0c40e715', 'own')
    """
    return next((found[1] for name in SOURCES if (found := name.fullmatch(clip))), clip)


def asked_frame(
    expected: Mapping[str, Sequence[Run]],
    found: Mapping[Run, RunResult],
    evaluations: Mapping[Run, Evaluation],
    settings: Mapping[tuple[str, str], RunSettings],
) -> DataFrame:
    """A row for each run of each choice, in params.yaml's order; a run in several choices has several rows.

    ``choice``: "own", "evaluated" or a key of the study's ``artefacts:``; ``dataset``, ``recipe``, ``fold``, ``seed``.
    ``there``: the run has finished. ``evaluated``: its model's evaluation has finished too.
    ``best_epoch_percent``, ``last_epoch_percent``: held-out accuracy; NaN where the run is missing or no stage trains
    its classifier. ``clips`` (held out), ``train_clips``, ``classes``: counts of a finished run.
    From the settings, always known: ``classifies`` (a stage trains the classifier), ``labels`` (the share used),
    ``encoder`` (its name), ``start`` (of the encoder: weights, or the recipe of another run), ``budget_epochs`` (of the
    first stage), ``validation`` (the clips that choose the last stage's best epoch: "held_out" or "inner").
    """
    rows = []
    for choice, runs in expected.items():
        for run in runs:
            its = settings[run.dataset, run.recipe]
            row = {"choice": choice, **run_columns(run), "there": run in found, "evaluated": run in evaluations}
            row |= {"classifies": classifies(its), "labels": its.labels, "encoder": its.encoder.name}
            row |= {"start": its.start.run or its.start.weights, "budget_epochs": its.stages[0].training.epochs}
            row |= {"validation": its.stages[-1].training.validation}
            if run in found:
                metrics = found[run].metrics
                shares = zip(PERCENTS, (metrics.accuracy.best_epoch, metrics.accuracy.last_epoch), strict=True)
                row |= {name: np.nan if share is None else 100 * share for name, share in shares}
                row |= {"clips": metrics.clips.test, "train_clips": metrics.clips.train}
                row |= {"classes": len(metrics.classes)}
            rows.append(row)
    columns = ["choice", *RUN, "there", "evaluated", "classifies", "labels", "encoder", "start", "budget_epochs"]
    columns += ["validation", *PERCENTS, "clips", "train_clips", "classes"]
    truths = dict.fromkeys(("there", "evaluated", "classifies"), bool)  # without rows too: masks must be booleans
    return DataFrame(rows, columns=columns).astype({**dict.fromkeys(PERCENTS, float), **truths})


def clips_frame(results: Iterable[RunResult]) -> DataFrame:
    """A row for each held-out clip of each finished run at each ``epoch`` ("best" and "last"), in the files' order.

    ``dataset``, ``recipe``, ``fold``, ``seed``; ``clip``; ``source``: its recording or speaker; ``label`` and
    ``prediction``: numbers from 0; ``class`` and ``predicted``: their names; ``right``; ``p0``, ``p1``, ...: class
    probabilities, NaN beyond a dataset's classes. Runs whose classifier learns nothing have no rows.
    """
    parts = []
    for result in results:
        rows = result.predictions
        if not len(rows):
            continue
        names = np.array(result.metrics.classes, dtype=object)
        values = rows[list(names)].to_numpy(dtype=float)
        part = with_run(result.run, rows[["epoch", "clip"]])
        part["source"] = rows["source"] if "source" in rows else rows["clip"].map(source_of)
        part["label"] = rows["label"].to_numpy(dtype=int)
        part["prediction"] = values.argmax(axis=1)
        part["class"], part["predicted"] = names[part["label"]], names[part["prediction"]]
        part["right"] = part["label"] == part["prediction"]
        probabilities = DataFrame(values, columns=[f"p{i}" for i in range(len(names))], index=part.index)
        parts.append(pd.concat([part, probabilities], axis=1))
    columns = [*RUN, "epoch", "clip", "source", "label", "prediction", "class", "predicted", "right"]
    return joined(parts, columns)


def epochs_frame(results: Iterable[RunResult]) -> DataFrame:
    """A row for each epoch of each finished run: history.csv, with accuracies in percent.

    ``dataset``, ``recipe``, ``fold``, ``seed``, ``stage``, ``epoch`` (from 1 in each stage), ``train_loss``,
    ``val_loss``; ``train_accuracy_percent``, ``val_accuracy_percent`` (on the clips that choose the epoch) and
    ``probe_accuracy_percent`` (a linear probe's, on held-out clips); ``lr``, ``seconds``, ``clips_per_second``. NaN
    where a run recorded nothing.
    """
    shares = {f"{name}_accuracy": f"{name}_accuracy_percent" for name in ("train", "val", "probe")}
    parts = [with_run(result.run, result.history) for result in results]
    others = ["lr", "seconds", "clips_per_second"]
    frame = joined(parts, [*RUN, "stage", "epoch", "train_loss", "val_loss", *shares, *others])
    return frame.assign(**{name: 100 * frame[name].astype(float) for name in shares}).rename(columns=shares)


def noise_frame(evaluations: Iterable[Evaluation]) -> DataFrame:
    """A row for each noise of each evaluation: the accuracy of the last epoch's model on noisy held-out clips.

    ``dataset``, ``recipe``, ``fold``, ``seed``; ``noise``: its colour; ``sigma`` (standard deviation on waveforms in
    [-1, 1]) or ``snr_db`` (signal to noise in dB), the other is NaN; ``right`` of ``clips``; ``accuracy_percent``.
    """
    rows = []
    for one in evaluations:
        for under in one.record.accuracy:
            row = run_columns(one.run) | under.model_dump()
            rows.append(row | {"clips": one.record.clips, "accuracy_percent": 100 * under.accuracy})
    frame = DataFrame(rows, columns=[*RUN, "noise", "sigma", "snr_db", "right", "clips", "accuracy_percent"])
    return frame.astype({"sigma": float, "snr_db": float, "accuracy_percent": float})


def answers_frame(evaluations: Iterable[Evaluation], clips: DataFrame) -> DataFrame:
    """A row for each noise and clip of the evaluations with an answers.csv; ``clips`` gives the sources.

    ``dataset``, ``recipe``, ``fold``, ``seed``, ``noise``, ``sigma``, ``snr_db``, ``clip``, ``source``, ``label``,
    ``answer`` (the number of the class that the model gave), ``right``.
    """
    parts = []
    for one in evaluations:
        if one.answers is None:
            continue
        for under in one.record.accuracy:
            part = with_run(one.run, one.answers[["clip", "label"]])
            part = part.assign(noise=under.noise, sigma=under.sigma, snr_db=under.snr_db)
            parts.append(part.assign(answer=one.answers[Noise(under.noise, under.sigma, under.snr_db).column]))
    columns = [*RUN, "noise", "sigma", "snr_db", "clip", "source", "label", "answer", "right"]
    frame = joined(parts, [name for name in columns if name not in ("source", "right")])
    sources = clips.drop_duplicates(["dataset", "clip"])[["dataset", "clip", "source"]]
    frame = frame.merge(sources, on=["dataset", "clip"], how="left")
    return frame.assign(right=frame["answer"] == frame["label"])[columns].astype({"sigma": float, "snr_db": float})


def distances_frame(evaluations: Iterable[Evaluation]) -> DataFrame:
    """A row for each recorded ``space`` of each evaluation: "h" (the representation), "projection" or "logits".

    ``dataset``, ``recipe``, ``fold``, ``seed``; mean cosine distance within a class (``intra``) and between classes
    (``inter``), their ``ratio``, and the mean ``silhouette``; NaN where it is undefined.
    """
    rows = [
        {**run_columns(one.run), "space": space, **found.model_dump()}
        for one in evaluations
        for space, name in SPACES.items()
        if (found := getattr(one.record, name)) is not None
    ]
    measures = ["intra", "inter", "ratio", "silhouette"]
    return DataFrame(rows, columns=[*RUN, "space", *measures]).astype(dict.fromkeys(measures, float))


def split(frame: DataFrame, by: str | list[str] | Series) -> dict[Any, DataFrame]:
    """The rows by the value of a column, or by the tuple of several columns' values, in order of appearance."""
    return dict(list(frame.groupby(by, sort=False)))


def records(frame: DataFrame) -> list[Values]:
    """The rows as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def run_columns(run: Run) -> Values:
    """A run's values of the columns :data:`RUN`."""
    return {name: getattr(run, name) for name in RUN}


def with_run(run: Run, rows: DataFrame) -> DataFrame:
    """The rows with the columns :data:`RUN` in front."""
    return rows.assign(**run_columns(run))[[*RUN, *rows.columns]]


def joined(parts: Sequence[DataFrame], columns: Sequence[str]) -> DataFrame:
    """The parts one below the other; ``columns`` are always there and come first."""
    frame = pd.concat(parts, ignore_index=True) if parts else DataFrame(columns=list(columns))
    return frame.reindex(columns=[*columns, *(name for name in frame if name not in columns)])
