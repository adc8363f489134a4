"""Accuracy of each class and scheme."""

import statistics
from collections import defaultdict
from typing import NamedTuple

from soundclr.report.accuracy import both
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.run_results import Epoch
from soundclr.report.table import Column, Table, dataset_column, sentences

EPOCHS: tuple[Epoch, ...] = ("best", "last")


class ClassAccuracy(NamedTuple):
    """How many times a clip of the class was held out, and the share taken for it at either epoch, in percent."""

    clips: int
    best: float
    last: float


def class_accuracy(collection: Collection, dataset: str, recipe: str) -> dict[str, ClassAccuracy]:
    """Of each class that was held out: over all folds and seeds that have run."""
    right: dict[str, dict[str, list[bool]]] = {epoch: defaultdict(list) for epoch in EPOCHS}
    for result in collection.of(dataset, recipe):
        for epoch in EPOCHS:
            for actual, predicted in result.decisions(epoch):
                right[epoch][actual].append(actual == predicted)
    return {
        name: ClassAccuracy(len(hits), 100 * statistics.fmean(hits), 100 * statistics.fmean(right["last"][name]))
        for name, hits in right["best"].items()
    }


def make(collection: Collection) -> Table:
    """A row a class of each dataset with runs, a column a scheme: best epoch (last epoch)."""
    records = []
    for dataset in collection.datasets:
        for recipe in collection.recipes:
            found = class_accuracy(collection, dataset, recipe)
            for name in collection.of(dataset, recipe)[0].metrics.classes if found else ():
                clips, best, last = found.get(name, (0, None, None))
                place = {"dataset": dataset, "recipe": recipe, "class": name, "clips": clips}
                records.append({**place, "best_epoch_percent": best, "last_epoch_percent": last})
    columns = [
        dataset_column(collection),
        Column("recipe"),
        Column("class", "class", show=lambda record: record["class"].replace("_", " "), align="l"),
        *(Column(name=collection.scheme(recipe), show=both, where={"recipe": recipe}) for recipe in collection.recipes),
        *map(Column, ("clips", "best_epoch_percent", "last_epoch_percent")),
    ]
    caption = sentences(
        "Share of each class's held-out clips that are taken for it, in %, at the best epoch and, in parentheses, at "
        "the last; all folds and seeds that have run",
        collection.covered(),
    )
    return Table(columns, records, caption, collection.own, line=["dataset", "class"])


ARTEFACT = Artefact("per_class", "Accuracy of each class", "table", make)
