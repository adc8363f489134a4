"""What `dvc metrics` and `dvc plots` show of a study, as JSON and CSV; accuracies in percent."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from soundclr.report.collect import Collection, RunResult
from soundclr.report.tables import Row, csv_text

PLACE = ("dataset", "recipe")

CONFUSION_ROWS = 20_000
"""Above so many clips confusion.csv counts them by dataset, recipe and pair of classes, to stay small."""


def summary(rows: Sequence[Row]) -> dict[str, dict[str, dict[str, Any]]]:
    """dataset -> recipe -> accuracies and coverage; a recipe without runs has no accuracies."""
    content: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        entry: dict[str, Any] = {}
        if row.best_epoch.mean is not None and row.last_epoch.mean is not None:
            entry = {"best_epoch": round(row.best_epoch.mean, 2), "last_epoch": round(row.last_epoch.mean, 2)}
        content.setdefault(row.dataset, {})[row.recipe] = entry | {
            "runs": row.runs,
            "expected": row.expected_runs,
        }
    return content


def mean_history(results: Sequence[RunResult]) -> pd.DataFrame:
    """Mean, least and greatest held-out accuracy (%) and training loss over runs, by stage and epoch.

    Columns stage, epoch, elapsed (the epoch counted through all stages), runs (that got so far), and mean,
    min and max of test_accuracy and train_loss; a stage begins after the longest run of the one before.
    """
    rows = pd.concat([result.history for result in results], ignore_index=True)
    rows["test_accuracy"] = 100 * rows["test_accuracy"].astype(float)
    stages = list(dict.fromkeys(rows["stage"]))
    groups = rows.groupby(["stage", "epoch"], sort=True)
    table = groups[["test_accuracy", "train_loss"]].agg(["mean", "min", "max"])
    table.columns = table.columns.map("_".join)
    table.insert(0, "runs", groups.size())
    table = table.reset_index()
    longest = table.groupby("stage")["epoch"].max()
    offsets = {stage: int(sum(longest[before] for before in stages[:i])) for i, stage in enumerate(stages)}
    table.insert(2, "elapsed", table["epoch"] + table["stage"].map(offsets))
    return table.sort_values("elapsed", ignore_index=True)


def curves_csv(collection: Collection) -> str:
    """Held-out accuracy (%) and training loss by epoch, means over the ``runs`` that got so far."""
    lines: list[list[object]] = [[*PLACE, "stage", "epoch", "test_accuracy", "train_loss", "runs"]]
    for place in pairs(collection):
        for row in mean_history(collection.of(*place)).to_dict("records"):
            accuracy = f"{row['test_accuracy_mean']:.2f}".replace("nan", "")
            loss = f"{row['train_loss_mean']:.4f}"
            lines.append([*place, row["stage"], row["epoch"], accuracy, loss, row["runs"]])
    return csv_text(lines)


def accuracy_per_fold_csv(collection: Collection) -> str:
    """Figure 4's data: the accuracies (%) of each run."""
    lines: list[list[object]] = [[*PLACE, "fold", "seed", "best_epoch", "last_epoch"]]
    for result in collection.own:
        run, accuracy = result.run, result.metrics.accuracy
        percent = [f"{100 * value:.2f}" for value in (accuracy.best_epoch, accuracy.last_epoch)]
        lines.append([run.dataset, run.recipe, run.fold, run.seed, *percent])
    return csv_text(lines)


def decisions(result: RunResult) -> pd.DataFrame:
    """The held-out clips' class and the most probable one at the best epoch: names, actual and predicted."""
    classes = result.metrics.classes
    rows = result.at("best")
    return pd.DataFrame(
        {
            "actual": [classes[label] for label in rows["label"]],
            "predicted": [classes[label] for label in rows[list(classes)].to_numpy().argmax(axis=1)],
        }
    )


def confusion_csv(collection: Collection, most: int = CONFUSION_ROWS) -> str:
    """A row a held-out clip, as dvc's confusion template counts them: its class and the predicted one.

    With more than ``most`` clips: a row for each dataset, recipe and pair of classes, fold and seed empty.
    ``clips`` says how many clips a row stands for, so that its sum is right in both.
    """
    columns = [*PLACE, "fold", "seed"]
    parts = []
    for result in collection.own:
        part = decisions(result)
        for place, column in enumerate(columns):
            part.insert(place, column, str(getattr(result.run, column)))
        parts.append(part.assign(clips=1))
    header = [*columns, "actual", "predicted", "clips"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=header)
    if len(table) > most:
        table["fold"] = table["seed"] = ""
        table = table.groupby(header[:-1], sort=True)["clips"].sum().reset_index()
    return csv_text([header, *table[header].itertuples(index=False)])


def pairs(collection: Collection) -> list[tuple[str, str]]:
    """The datasets and recipes that have runs, in params.yaml's order."""
    return list(dict.fromkeys((result.run.dataset, result.run.recipe) for result in collection.own))
