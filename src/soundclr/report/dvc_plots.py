"""The JSON and CSV that `dvc metrics` and `dvc plots` show, and provenance.csv; accuracies in percent."""

import math

from pandas import DataFrame

from soundclr.machine.files import to_csv
from soundclr.report.collect import Collection
from soundclr.report.frames import PLACE, RUN, Values, records, split
from soundclr.report.intervals import PROTOCOLS, summary
from soundclr.report.run_results import RunResult

CONFUSION_ROWS = 20_000
"""With more clips confusion.csv has a row for each dataset, recipe and pair of classes, to stay small."""

LIBRARIES = ("python", "torch", "torchvision", "torchaudio", "soundclr")


def mean_history(rows: DataFrame) -> DataFrame:
    """Mean, minimum and maximum of held-out accuracy (%) and training loss over runs, by stage and epoch.

    Columns: stage, epoch, elapsed (epochs counted through all stages), runs (how many got so far), and _mean, _min and
    _max of val_accuracy_percent and train_loss. A stage begins after the longest run of the stage before.
    """
    stages = list(dict.fromkeys(rows["stage"]))
    groups = rows.groupby(["stage", "epoch"], sort=True)
    table = groups[["val_accuracy_percent", "train_loss"]].agg(["mean", "min", "max"])
    table.columns = table.columns.map("_".join)
    table.insert(0, "runs", groups.size())
    table = table.reset_index()
    longest = table.groupby("stage")["epoch"].max()
    offsets = {stage: int(sum(longest[before] for before in stages[:i])) for i, stage in enumerate(stages)}
    table.insert(2, "elapsed", table["epoch"] + table["stage"].map(offsets))
    return table.sort_values("elapsed", ignore_index=True)


def curves_csv(collection: Collection) -> str:
    """Held-out accuracy (%) and training loss by epoch: means over the ``runs`` that got so far.

    ``elapsed`` counts the epoch through all stages, as in :func:`mean_history`.
    """
    lines: list[list[object]] = [[*PLACE, "stage", "epoch", "elapsed", "val_accuracy", "train_loss", "runs"]]
    own = collection.epochs.merge(collection.done()[RUN])
    for place, rows in split(own, PLACE).items():
        for row in records(mean_history(rows)):
            accuracy = f"{row['val_accuracy_percent_mean']:.2f}".replace("nan", "")
            loss = f"{row['train_loss_mean']:.4f}"
            lines.append([*place, row["stage"], row["epoch"], row["elapsed"], accuracy, loss, row["runs"]])
    return to_csv(lines)


def accuracy_per_fold_csv(collection: Collection) -> str:
    """The accuracies (%) of each run with a classifier that learns."""
    rows = collection.classifying.done()
    shares = [rows[f"{protocol}_percent"].map("{:.2f}".format) for protocol in PROTOCOLS]
    return to_csv([[*RUN, *PROTOCOLS], *zip(*(rows[name] for name in RUN), *shares, strict=True)])


def confusion_csv(collection: Collection, most: int = CONFUSION_ROWS) -> str:
    """A row for each held-out clip, which DVC's confusion template counts: its class and the predicted one.

    With more than ``most`` clips: a row for each dataset, recipe and pair of classes; fold and seed are empty.
    ``clips``: the number of clips in a row, whose sum is the same in both cases.
    """
    clips = collection.clips[collection.clips["epoch"] == "best"].merge(collection.classifying.done()[RUN])
    rows = clips[[*RUN, "class", "predicted"]].assign(clips=1)
    if len(rows) > most:
        rows = rows.groupby([*PLACE, "class", "predicted"], as_index=False)["clips"].sum().assign(fold="", seed="")
    rows = rows[[*RUN, "class", "predicted", "clips"]].rename(columns={"class": "actual"})
    return to_csv([list(rows), *rows.itertuples(index=False)])


def accuracies(collection: Collection) -> dict[str, dict[str, float]]:
    """Dataset -> recipe -> last-epoch accuracy (%), of the study's own recipes whose runs are all there.

    Short keys in one file: `dvc exp show` has a column for each, and puts the file's path before keys of several files.
    """
    found: dict[str, dict[str, float]] = {dataset: {} for dataset in collection.datasets}
    for row in records(summary(collection.asked_of())):
        if row["runs"] == row["expected_runs"] and not math.isnan(row["last_epoch_percent"]):
            found[row["dataset"]][row["recipe"]] = round(row["last_epoch_percent"], 2)
    return found


def provenance_csv(collection: Collection) -> str:
    """A row for each finished run: how it was made."""
    rows = [provenance(result) for result in collection.results]
    return to_csv([list(rows[0]) if rows else ["run"], *(list(row.values()) for row in rows)])


def provenance(result: RunResult) -> Values:
    """How a run was made, by its metrics.json."""
    metrics = result.metrics
    shares = {f"{name}_percent": getattr(metrics.accuracy, name) for name in PROTOCOLS}
    return {
        "run": f"{result.run.group}/{result.run.name}",
        **{name: "" if share is None else f"{100 * share:.2f}" for name, share in shares.items()},
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
