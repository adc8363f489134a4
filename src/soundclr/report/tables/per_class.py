"""Accuracy of each class and scheme."""

import statistics
from collections import defaultdict
from typing import NamedTuple

from soundclr.report.accuracy import NONE, covered, number
from soundclr.report.collect import Collection
from soundclr.report.exports import decisions
from soundclr.report.tables.render import Column, Table


class ClassAccuracy(NamedTuple):
    """How many times a clip of the class was held out, and the share taken for it at either epoch, in percent."""

    clips: int
    best: float
    last: float


def class_accuracy(collection: Collection, dataset: str, recipe: str) -> dict[str, ClassAccuracy]:
    """Of each class that was held out: over all folds and seeds that have run."""
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for result in collection.of(dataset, recipe):
        for epoch in ("best", "last"):
            for actual, predicted in decisions(result, epoch).itertuples(index=False):
                right[actual, epoch].append(actual == predicted)
    return {
        name: ClassAccuracy(len(hits), 100 * statistics.fmean(hits), 100 * statistics.fmean(right[name, "last"]))
        for (name, epoch), hits in list(right.items())
        if epoch == "best"
    }


def make(collection: Collection) -> Table:
    """A row a class of each dataset with runs, a column a scheme: best epoch (last epoch)."""
    params = collection.params
    study = params.studies[collection.study]
    columns = [Column("dataset", align="l"), Column("class", align="l")]
    columns += [Column(params.recipes[recipe].title) for recipe in study.recipes]
    data: list[list[object]] = [["dataset", "recipe", "class", "clips", "best_epoch_percent", "last_epoch_percent"]]
    lines = []
    for dataset in study.datasets:
        tables = {r: class_accuracy(collection, dataset, r) for r in study.recipes if collection.of(dataset, r)}
        for recipe, table in tables.items():
            data += [[dataset, recipe, name, *accuracy] for name, accuracy in table.items()]
        if tables:
            for name in collection.of(dataset)[0].metrics.classes:
                found = [tables.get(recipe, {}).get(name) for recipe in study.recipes]
                texts = [NONE if a is None else f"{number(a.best)} ({number(a.last)})" for a in found]
                lines.append([params.datasets[dataset].title, name.replace("_", " "), *texts])
    caption = (
        "Share of each class's held-out clips that are taken for it, in %, at the best epoch and, in parentheses, at "
        f"the last; all folds and seeds that have run. {covered(len(collection.own), len(collection.expected[None]))}."
    )
    return Table("per_class", "Accuracy of each class", caption, columns, lines, data, collection.own)
