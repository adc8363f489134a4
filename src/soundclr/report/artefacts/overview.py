"""Accuracies beside chance and beside baselines that train no network."""

import math

from soundclr.report.artefact import BASELINES, OWN
from soundclr.report.artefacts.classes import macro_f1
from soundclr.report.collect import Collection
from soundclr.report.frames import RUN, Values, records
from soundclr.report.intervals import best_percent, interval, summary
from soundclr.report.table import (
    NONE,
    NOT_ABOVE,
    PARTIAL,
    Column,
    Row,
    Table,
    coverage,
    dataset_column,
    formatted,
    frame_of,
    partial_note,
    sentences,
)

STATISTICS = "spectrogram statistics (each band's mean and standard deviation over time)"
UNTRAINED = "an untrained encoder (the same network with random weights)"


def overview(collection: Collection) -> Table:
    """Chance, the baselines, then the study's own schemes, each dataset's by accuracy after the last epoch."""
    rows = [row for dataset in collection.datasets for row in dataset_rows(collection, dataset)]

    def accuracy(row: Row) -> str:
        marks = [PARTIAL] if row["partial"] else []
        marks += [NOT_ABOVE] if row["above_baselines"] == "no" else []
        return " ".join([formatted(row["last_epoch_percent"]), *marks])

    def ends(row: Row) -> str:
        low, high = row["low_percent"], row["high_percent"]
        return NONE if low is None else f"{formatted(max(low, 0))} to {formatted(min(high, 100))}"

    page = [
        dataset_column(collection),
        Column("scheme", lambda row: collection.scheme(row["recipe"]) if row["recipe"] else "chance", align="l"),
        Column("runs", lambda row: coverage(row) if row["recipe"] else NONE),
        Column("last epoch (%)", accuracy),
        Column("95 % interval", ends),
        Column("best epoch (%)", "best_epoch_percent"),
        Column("macro-F1 (%)", "macro_f1_percent"),
    ]
    csv = ["dataset", "recipe", "kind", "runs", "expected_runs", "last_epoch_percent", "low_percent", "high_percent"]
    csv += ["best_epoch_percent", "macro_f1_percent", "above_baselines"]
    baselines = [collection.settings(r["dataset"], r["recipe"]) for r in rows if r["kind"] == "baseline"]
    inputs = dict.fromkeys(STATISTICS if one.encoder.name == "statistics" else UNTRAINED for one in baselines)
    caption = sentences(
        "The study's own schemes beside chance" + (" and beside baselines that train no network" if inputs else ""),
        f"The baselines are a logistic regression on {' or on '.join(inputs)}" if inputs else "",
        partial_note(rows),
        f"{NOT_ABOVE} not above the best baseline on the same folds"
        if any(row["above_baselines"] == "no" for row in rows)
        else "",
        "Intervals: Student's t over folds, or Wilson's over the clips of a single run",
        "Macro-F1: the classes' mean F1 of all held-out clips at the last epoch, the mean over seeds",
        collection.covered(),
    )
    return Table(frame_of(rows).reindex(columns=[*csv, "partial"]), csv, page, caption)


def dataset_rows(collection: Collection, dataset: str) -> list[Values]:
    """A dataset's rows: chance, the baselines, the schemes."""
    asked = collection.asked
    here = asked[(asked["dataset"] == dataset) & asked["choice"].isin((OWN, BASELINES))]
    clips = collection.clips[collection.clips["epoch"] == "last"]
    baselines = collection.done(dataset, choice=BASELINES)
    rows: list[Values] = []
    for choice, kind in ((BASELINES, "baseline"), (OWN, "scheme")):
        runs = here[(here["choice"] == choice) & here["classifies"]]
        for row in records(summary(runs)):
            done = runs[(runs["recipe"] == row["recipe"]) & runs["there"]]
            ends, score = interval(done, "last_epoch"), macro_f1(clips.merge(done[RUN]))
            row |= {"low_percent": ends.low, "high_percent": ends.high, "macro_f1_percent": score}
            best = best_percent(baselines, done["fold"]) if kind == "scheme" else math.nan
            known = not math.isnan(best)
            above = ("yes" if row["last_epoch_percent"] > best else "no") if known else ""
            rows.append({**row, "kind": kind, "above_baselines": above})
    chance = {"dataset": dataset, "recipe": None, "kind": "chance", "above_baselines": "", "partial": False}
    classes = here["classes"].dropna()
    return [{**chance, "last_epoch_percent": 100 / float(classes.iloc[0])}, *rows] if len(classes) else rows
