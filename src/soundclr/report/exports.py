"""What `dvc metrics` and `dvc plots` show of a study, as JSON and CSV; accuracies in percent."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Literal

import pandas as pd

from soundclr.report.collect import Collection, RunResult

PLACE = ("dataset", "recipe")

CONFUSION_ROWS = 20_000
"""Above so many clips confusion.csv counts them by dataset, recipe and pair of classes, to stay small."""


def csv_text(lines: Iterable[Iterable[object]]) -> str:
    """Lines as CSV, quoted only where needed, each ending in one newline character."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(lines)
    return buffer.getvalue()


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
    """Held-out accuracy (%) and training loss by epoch, means over the ``runs`` that got so far.

    ``elapsed`` counts the epoch through all stages, as in :func:`mean_history`.
    """
    lines: list[list[object]] = [[*PLACE, "stage", "epoch", "elapsed", "test_accuracy", "train_loss", "runs"]]
    for place in pairs(collection):
        for row in mean_history(collection.of(*place)).to_dict("records"):
            accuracy = f"{row['test_accuracy_mean']:.2f}".replace("nan", "")
            loss = f"{row['train_loss_mean']:.4f}"
            lines.append([*place, row["stage"], row["epoch"], row["elapsed"], accuracy, loss, row["runs"]])
    return csv_text(lines)


def accuracy_per_fold_csv(collection: Collection) -> str:
    """Figure 4's data: the accuracies (%) of each run."""
    lines: list[list[object]] = [[*PLACE, "fold", "seed", "best_epoch", "last_epoch"]]
    for result in collection.own:
        run, accuracy = result.run, result.metrics.accuracy
        percent = [f"{100 * value:.2f}" for value in (accuracy.best_epoch, accuracy.last_epoch)]
        lines.append([run.dataset, run.recipe, run.fold, run.seed, *percent])
    return csv_text(lines)


def decisions(result: RunResult, epoch: Literal["best", "last"] = "best") -> pd.DataFrame:
    """The held-out clips' class and the most probable one at an epoch: names, actual and predicted."""
    classes = result.metrics.classes
    rows = result.at(epoch)
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


def provenance_csv(collection: Collection) -> str:
    """A row a run of all artefacts: what each says of its making."""
    versions = ["python", "torch", "torchvision", "torchaudio", "soundclr"]
    header = ["run", "best_epoch_percent", "last_epoch_percent", "best_at", "epochs", "stopped_early"]
    header += ["train_clips", "test_clips", "weights", "weights_sha256", "device", "precision", "minutes"]
    header += ["clips_per_second", "code", "git_commit", "git_dirty", "created", *versions]
    lines: list[Sequence[object]] = [header]
    for result in collection.results:
        m = result.metrics
        accuracies = (f"{100 * value:.2f}" for value in (m.accuracy.best_epoch, m.accuracy.last_epoch))
        line: list[object] = [f"{result.run.group}/{result.run.name}", *accuracies, m.best_epoch, m.epochs]
        line += [m.stopped_early, m.clips.train, m.clips.test, m.weights.name, m.weights.sha256, m.device, m.precision]
        line += [f"{m.duration_seconds / 60:.1f}", f"{m.clips_per_second:.1f}", " ".join(m.code)]
        line += [m.git_commit, m.git_dirty, m.created]
        lines.append([*line, *map(m.versions.get, versions)])
    return csv_text(lines)
