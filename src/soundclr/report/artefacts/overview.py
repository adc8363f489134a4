"""Accuracies beside chance and beside baselines that train nothing."""

import math

from soundclr.report.artefact import BASELINES, OWN
from soundclr.report.artefacts.classes import macro_f1
from soundclr.report.collect import Collection
from soundclr.report.frames import RUN, records
from soundclr.report.intervals import interval, summary
from soundclr.report.table import (
    NONE,
    NOT_ABOVE,
    Cell,
    Column,
    Row,
    Table,
    coverage,
    dataset_column,
    formatted,
    frame_of,
    sentences,
)


def overview(collection: Collection) -> Table:
    """Chance, the baselines, then the study's own schemes, each dataset's by accuracy after the last epoch."""
    rows = [row for dataset in collection.datasets for row in dataset_rows(collection, dataset)]
    page = [
        dataset_column(collection),
        Column("scheme", lambda row: scheme_title(collection, row), align="l"),
        Column("runs", lambda row: coverage(row) if row["recipe"] else NONE),
        Column("last epoch (%)", accuracy_cell),
        Column("95 % interval", ends),
        Column("best epoch (%)", lambda row: formatted(row["best_epoch_percent"])),
        Column("macro-F1 (%)", lambda row: formatted(row["macro_f1_percent"])),
    ]
    csv = ["dataset", "recipe", "kind", "runs", "expected_runs", "last_epoch_percent", "low_percent", "high_percent"]
    csv += ["best_epoch_percent", "macro_f1_percent", "above_baselines"]
    below = [row for row in rows if row["above_baselines"] == "no"]
    caption = sentences(
        "Each scheme beside chance and beside baselines that train nothing. Spectrogram "
        "statistics: mean and standard deviation over time of each band; untrained encoder: the same network with "
        "random weights; both with a logistic regression",
        f"{NOT_ABOVE} not above the best baseline" if below else "",
        "Intervals: Student's t over folds, or Wilson's over the clips of a single run",
        "Macro-F1: the classes' mean F1 of all held-out clips at the last epoch, the mean over seeds",
        collection.covered(),
    )
    return Table(frame_of(rows).reindex(columns=csv), csv, page, caption)


def dataset_rows(collection: Collection, dataset: str) -> list[dict[str, object]]:
    """A dataset's rows: chance, the baselines, the schemes."""
    asked = collection.asked
    here = asked[(asked["dataset"] == dataset) & asked["choice"].isin((OWN, BASELINES))]
    classes = here["classes"].dropna()
    clips = collection.clips[collection.clips["epoch"] == "last"]
    rows: list[dict[str, object]] = []
    for choice in (BASELINES, OWN):
        runs = here[(here["choice"] == choice) & here["classifies"]]
        for row in records(summary(runs)) if len(runs) else []:
            done = runs[(runs["recipe"] == row["recipe"]) & runs["there"]]
            low, high, _ = interval(done, "last_epoch") if len(done) else (math.nan, math.nan, "")
            kind = "baseline" if choice == BASELINES else "scheme"
            score = macro_f1(clips.merge(done[RUN])) if len(done) else None
            found = {"kind": kind, "low_percent": low, "high_percent": high, "macro_f1_percent": score}
            rows.append({**row, **found, "above_baselines": ""})
    known = [float(str(row["last_epoch_percent"])) for row in rows if row["kind"] == "baseline" and row["runs"]]
    for row in rows:
        if row["kind"] == "scheme" and known and row["runs"]:
            row["above_baselines"] = "yes" if float(str(row["last_epoch_percent"])) > max(known) else "no"
    empty = dict.fromkeys(("low_percent", "high_percent", "best_epoch_percent", "macro_f1_percent"))
    chance = 100 / float(classes.iloc[0]) if len(classes) else None
    first = {"dataset": dataset, "recipe": None, "kind": "chance", "runs": None, "expected_runs": None, **empty}
    return [{**first, "last_epoch_percent": chance, "above_baselines": ""}, *rows] if chance else rows


def scheme_title(collection: Collection, row: Row) -> str:
    """The recipe's title, or "chance"."""
    return collection.scheme(row["recipe"]) if row["recipe"] else "chance"


def accuracy_cell(row: Row) -> Cell:
    """The accuracy, with a mark where a scheme is not above the best baseline."""
    mark = f" {NOT_ABOVE}" if row["above_baselines"] == "no" else ""
    return Cell(f"{formatted(row['last_epoch_percent'])}{mark}")


def ends(row: Row) -> str:
    """The interval's ends."""
    low, high = row["low_percent"], row["high_percent"]
    return NONE if low is None else f"{formatted(max(low, 0))} to {formatted(min(high, 100))}"
