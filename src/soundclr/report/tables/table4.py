"""Table IV: ours among the published systems, single and as an ensemble of the seeds."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from soundclr.report.accuracy import NONE, PROTOCOLS, both, group, number
from soundclr.report.collect import Collection, RunResult
from soundclr.report.paper import percent, published
from soundclr.report.tables.render import Cell, Column, Table

HEADER = [
    "system",
    "recipe",
    "dataset",
    "accuracy",
    "seeds",
    "expected_seeds",
    "best_epoch_percent",
    "best_epoch_std_percent",
    "last_epoch_percent",
    "last_epoch_std_percent",
    "published_percent",
]

OURS = "hybrid"
"""The recipe that the paper compares; other recipes stand in the CSV, or in the table where it is not studied."""


@dataclass(frozen=True)
class Ensemble:
    """Accuracies in percent, mean over folds, of the mean probabilities of a fold's ``least`` to ``most`` seeds."""

    least: int
    most: int
    best_epoch: float
    last_epoch: float


def ensemble(collection: Collection, dataset: str, recipe: str) -> Ensemble | None:
    """The ensemble of the seeds that there are; None unless every fold has two or more."""
    by_fold: dict[int, list[RunResult]] = defaultdict(list)
    for result in collection.of(dataset, recipe):
        by_fold[result.run.fold].append(result)
    folds = {run.fold for run in collection.expected_of(dataset, recipe)}
    counts = [len(by_fold[fold]) for fold in folds]
    if min(counts, default=0) < 2:
        return None
    best, last = (
        100 * statistics.fmean(ensemble_accuracy([result.at(epoch) for result in by_fold[fold]]) for fold in folds)
        for epoch in ("best", "last")
    )
    return Ensemble(min(counts), max(counts), best, last)


def ensemble_accuracy(members: list[pd.DataFrame]) -> float:
    """The share of clips that the mean of the members' class probabilities gets right."""
    tables = [table.set_index("clip").drop(columns="epoch") for table in members]
    mean = pd.concat([table.drop(columns="label") for table in tables]).groupby(level=0).mean()
    labels = tables[0]["label"].loc[mean.index].to_numpy()
    return float((mean.to_numpy().argmax(axis=1) == labels).mean())


def make(collection: Collection) -> Table:
    """The published systems in the paper's order, then ours: best epoch (last epoch)."""
    params = collection.params
    study = params.studies[collection.study]
    datasets = study.datasets
    systems: dict[tuple[str, str], dict[str, float | None]] = {}
    for dataset in datasets:
        for line in published("table4", dataset):
            systems.setdefault((line["row"], line["statistic"]), {})[dataset] = percent(line)
    # Every dataset lists some of the systems, all in one order: that of the data file.
    order = {line: place for place, line in enumerate(systems_in_order())}
    columns = [Column("system", align="l"), Column("accuracy", align="l")]
    columns += [Column(params.datasets[dataset].title) for dataset in datasets]
    lines: list[list[Cell | str]] = []
    data: list[Sequence[object]] = [HEADER]
    for system in sorted(systems, key=order.__getitem__):
        name, statistic = system
        said = "reported" if statistic == "reported" else "best seed"
        lines.append([name, f"paper: {said}", *(number(systems[system].get(dataset)) for dataset in datasets)])
        for dataset, value in systems[system].items():
            data.append([name, None, dataset, statistic, None, None, None, None, None, None, value])
    notes = []
    for recipe in study.recipes:
        title = params.recipes[recipe].title
        single, best_seed, together, members = [], [], [], set()
        for dataset in datasets:
            ours = group(collection.expected_of(dataset, recipe), collection.of(dataset, recipe))
            single.append(both(ours))
            pair = [getattr(ours, protocol) for protocol in PROTOCOLS]
            best_seed.append(f"{number(pair[0].best)} ({number(pair[1].best)})" if ours.seeds else NONE)
            place = [title, recipe, dataset]
            spread = [value for accuracy in pair for value in (accuracy.mean, accuracy.std)]
            data.append([*place, "mean", ours.seeds, ours.expected_seeds, *spread, None])
            data.append([*place, "best", ours.seeds, ours.expected_seeds, pair[0].best, None, pair[1].best, None, None])
            found = ensemble(collection, dataset, recipe)
            together.append(f"{number(found.best_epoch)} ({number(found.last_epoch)})" if found else NONE)
            if found:
                members |= {found.least, found.most}
                numbers = [found.best_epoch, None, found.last_epoch, None]
                data.append([*place, "ensemble", found.least, ours.expected_seeds, *numbers, None])
        if recipe == OURS or OURS not in study.recipes:
            together_of = "the seeds"
            if members:
                counts = "–".join(map(str, sorted({min(members), max(members)})))
                together_of = f"{counts} of {len(study.seeds)} seeds"
            lines.append([f"ours: {title}", "mean of single seeds", *single])
            lines.append([f"ours: {title}", "best seed", *best_seed])
            lines.append([f"ours: {title}", f"ensemble of {together_of}", *together])
            if NONE in together:
                notes.append(f"No ensemble of {title} ({NONE}) where a fold has fewer than two seeds.")
    shown = [r for r in collection.own if r.run.recipe == OURS or OURS not in study.recipes]
    wanted = [run for run in collection.expected[None] if run.recipe == OURS or OURS not in study.recipes]
    caption = (
        "Held-out accuracy in %, mean over folds; ours at the best epoch (the paper's protocol) and, in parentheses, "
        "at the last; an ensemble is the mean of the class probabilities that a fold's seeds give. "
        f"{len(shown)} of {len(wanted)} runs."
    )
    if systems:
        caption += " The other systems' numbers are as Nasiri and Hu (2021) report them."
    return Table("table4", "Table IV", " ".join([caption, *notes]), columns, lines, data, shown)


def systems_in_order() -> list[tuple[str, str]]:
    """All of the paper's systems, each with what its number is, in the data file's order."""
    from soundclr.report.paper import lines

    return list(dict.fromkeys((line["row"], line["statistic"]) for line in lines() if line["artefact"] == "table4"))
