"""What `dvc metrics` and `dvc plots` show of a study, as JSON and CSV; accuracies in percent. And provenance.csv."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from soundclr.machine.files import to_csv
from soundclr.report.accuracy import PROTOCOLS, own_groups, points
from soundclr.report.collect import Collection
from soundclr.report.run_results import DataFrame, RunResult

CONFUSION_ROWS = 20_000
"""Above so many clips confusion.csv counts them by dataset, recipe and pair of classes, to stay small."""

LIBRARIES = ("python", "torch", "torchvision", "torchaudio", "soundclr")


def mean_history(results: Sequence[RunResult]) -> DataFrame:
    """Mean, least and greatest held-out accuracy (%) and training loss over runs, by stage and epoch.

    Columns stage, epoch, elapsed (the epoch counted through all stages), runs (that got so far), and mean,
    min and max of val_accuracy and train_loss; a stage begins after the longest run of the one before.
    """
    import pandas as pd

    rows = pd.concat([result.history for result in results], ignore_index=True)
    rows["val_accuracy"] = 100 * rows["val_accuracy"].astype(float)
    stages = list(dict.fromkeys(rows["stage"]))
    groups = rows.groupby(["stage", "epoch"], sort=True)
    table = groups[["val_accuracy", "train_loss"]].agg(["mean", "min", "max"])
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
    lines: list[list[object]] = [
        ["dataset", "recipe", "stage", "epoch", "elapsed", "val_accuracy", "train_loss", "runs"]
    ]
    for place in dict.fromkeys((result.run.dataset, result.run.recipe) for result in collection.own):
        for row in mean_history(collection.of(*place)).to_dict("records"):
            accuracy = f"{row['val_accuracy_mean']:.2f}".replace("nan", "")
            loss = f"{row['train_loss_mean']:.4f}"
            lines.append([*place, row["stage"], row["epoch"], row["elapsed"], accuracy, loss, row["runs"]])
    return to_csv(lines)


def accuracy_per_fold_csv(collection: Collection) -> str:
    """The accuracies (%) of each run that has them."""
    lines: list[list[object]] = [["dataset", "recipe", "fold", "seed", *PROTOCOLS]]
    for result in collection.classifying.own:
        run = result.run
        lines.append([run.dataset, run.recipe, run.fold, run.seed, *percents(result).values()])
    return to_csv(lines)


def percents(result: RunResult) -> dict[str, str]:
    """A run's accuracies by protocol, with two decimals; empty where it has none."""
    has = result.metrics.accuracy.last_epoch is not None
    return {protocol: f"{points(result, protocol):.2f}" if has else "" for protocol in PROTOCOLS}


def confusion_csv(collection: Collection, most: int = CONFUSION_ROWS) -> str:
    """A row a held-out clip, as dvc's confusion template counts them: its class and the predicted one.

    With more than ``most`` clips: a row for each dataset, recipe and pair of classes, fold and seed empty.
    ``clips`` says how many clips a row stands for, so that its sum is right in both.
    """
    rows: list[tuple[Any, ...]] = [
        (result.run.dataset, result.run.recipe, result.run.fold, result.run.seed, *pair, 1)
        for result in collection.classifying.own
        for pair in result.decisions()
    ]
    if len(rows) > most:
        counts = Counter((dataset, recipe, "", "", *pair) for dataset, recipe, _, _, *pair, _ in rows)
        rows = [(*place, clips) for place, clips in sorted(counts.items())]
    return to_csv([["dataset", "recipe", "fold", "seed", "actual", "predicted", "clips"], *rows])


def summaries(collection: Collection) -> dict[tuple[str, str], dict[str, Any]]:
    """Accuracies and coverage of each of the study's datasets and recipes; accuracies only where it has some."""
    found = {}
    for place, ours in own_groups(collection).items():
        means = {"best_epoch": ours.best_epoch.mean, "last_epoch": ours.last_epoch.mean}
        accuracies = {name: round(mean, 2) for name, mean in means.items() if mean is not None}
        found[place] = {**accuracies, "runs": ours.runs, "expected": ours.expected_runs}
    return found


def provenance_csv(collection: Collection) -> str:
    """A row a run of all choices: what each says of its making."""
    records = [provenance(result) for result in collection.results]
    header = list(records[0]) if records else ["run"]
    return to_csv([header, *(list(record.values()) for record in records)])


def provenance(result: RunResult) -> dict[str, Any]:
    """What a run says of its making."""
    metrics = result.metrics
    return {
        "run": f"{result.run.group}/{result.run.name}",
        **{f"{name}_percent": text for name, text in percents(result).items()},
        "best_at": metrics.best_epoch,
        "epochs": metrics.epochs,
        "stopped_early": metrics.stopped_early,
        "train_clips": metrics.clips.train,
        "test_clips": metrics.clips.test,
        "start": metrics.start.name,
        "start_sha256": metrics.start.sha256,
        "device": metrics.device,
        "precision": metrics.precision,
        "minutes": f"{metrics.duration_seconds / 60:.1f}",
        "clips_per_second": f"{metrics.clips_per_second:.1f}",
        "code": " ".join(metrics.code),
        "git_commit": metrics.git_commit,
        "git_dirty": metrics.git_dirty,
        "created": metrics.created,
        **{name: metrics.versions.get(name) for name in LIBRARIES},
    }
