"""Table IV: ours among the published systems, single and as an ensemble of the seeds."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from soundclr.report.accuracy import NONE, PARTIAL, PROTOCOLS, both, group_of, number
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.ensembles import ensemble_points, members_by_fold
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.papers.soundclr.published import lines, percent, published
from soundclr.report.table import Column, Record, Table, sentences

OURS = "hybrid"
"""The recipe that the paper compares; other recipes stand in the CSV, or in the table where it is not studied."""

NUMBERS = tuple(f"{epoch}_epoch{what}_percent" for epoch in ("best", "last") for what in ("", "_std"))


def ensemble(collection: Collection, dataset: str, recipe: str) -> dict[str, Any]:
    """Of the ensembles of a dataset's folds: accuracies in percent, mean over folds; least and most seeds.

    Nothing unless every fold has one.
    """
    found = collection.of(dataset, recipe)
    members = members_by_fold(found)
    if members.keys() != {run.fold for run in collection.expected_of(dataset, recipe)} or not members:
        return {"seeds": 0}
    counts = [len(results) for results in members.values()]
    means = {f"{one}_percent": statistics.fmean(ensemble_points(found, one).values()) for one in PROTOCOLS}
    return {**means, "seeds": min(counts), "most": max(counts)}


def make(collection: Collection) -> Table:
    """The published systems in the paper's order, then ours: best epoch (last epoch)."""
    datasets = collection.datasets
    shown = [OURS] if OURS in collection.recipes else list(collection.recipes)
    systems = list(published_systems(datasets))
    ours = {recipe: list(our_systems(collection, recipe)) for recipe in collection.recipes}
    for found in ours.values():
        name_ensemble(found, len(collection.params.studies[collection.study].seeds))
    records = [*systems, *({**record, "csv_only": recipe not in shown} for recipe in ours for record in ours[recipe])]
    done = [result for recipe in shown for result in collection.of(recipe=recipe)]
    asked = [run for recipe in shown for run in collection.expected_of(recipe=recipe)]
    caption = sentences(
        "Held-out accuracy in %, mean over folds; ours at the best epoch (the paper's protocol) and, in parentheses, "
        "at the last; an ensemble is the mean of the class probabilities that a fold's seeds give",
        f"{len(done)} of {len(asked)} runs",
        "The other systems' numbers are as Nasiri and Hu (2021) report them" if systems else "",
        *(
            f"No ensemble of {collection.scheme(recipe)} ({NONE}) where a fold has fewer than two seeds"
            for recipe in shown
            if any(record["accuracy"] == "ensemble" and not record["seeds"] for record in ours[recipe])
        ),
    )
    columns = [
        Column("system", "system", show=lambda r: f"ours: {r['system']}" if r["recipe"] else r["system"], align="l"),
        *map(Column, ("recipe", "dataset", "accuracy")),
        Column(name="accuracy", show=lambda record: record["what"], align="l"),
        *(Column(name=collection.title(dataset), show=cell, where={"dataset": dataset}) for dataset in datasets),
        *map(Column, ("seeds", "expected_seeds", *NUMBERS, "published_percent")),
    ]
    return Table(columns, records, caption, done, line=["system", "recipe", "what"])


def cell(record: Record) -> str:
    """A published accuracy, or ours: best epoch (last epoch)."""
    return number(record["published_percent"]) if record["recipe"] is None else both(record, record["mark"])


def system(name: str, accuracy: str, dataset: str, **values: Any) -> dict[str, Any]:
    """A record, of which all that ``values`` does not say is None."""
    empty = dict.fromkeys(["recipe", "seeds", "expected_seeds", *NUMBERS, "published_percent"])
    return {**empty, "system": name, "accuracy": accuracy, "dataset": dataset, **values}


def published_systems(datasets: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The paper's systems, a record each and dataset."""
    # Every dataset lists some of the systems, all in one order: that of the data file.
    order = dict.fromkeys((line["row"], line["statistic"]) for line in lines() if line["artefact"] == "table4")
    found = {
        (line["row"], line["statistic"], dataset): percent(line)
        for dataset in datasets
        for line in published("table4", dataset)
    }
    for name, statistic in order:
        for dataset in datasets:
            if (name, statistic, dataset) in found:
                what = f"paper: {'reported' if statistic == 'reported' else 'best seed'}"
                value = found[name, statistic, dataset]
                yield system(name, statistic, dataset, what=what, published_percent=value)


def our_systems(collection: Collection, recipe: str) -> Iterator[dict[str, Any]]:
    """A recipe's mean, its best seed and its ensemble, on each dataset."""
    for dataset in collection.datasets:
        ours = group_of(collection, dataset, recipe)
        place = {"recipe": recipe, "seeds": ours.seeds, "expected_seeds": ours.expected_seeds, "mark": ""}
        best = {"best_epoch_percent": ours.best_epoch.best, "last_epoch_percent": ours.last_epoch.best}
        together = ensemble(collection, dataset, recipe)
        title, mark = collection.scheme(recipe), f" {PARTIAL}" if ours.partial else ""
        mean = place | ours.percents("mean", "std") | {"mark": mark, "what": "mean of single seeds"}
        yield system(title, "mean", dataset, **mean)
        yield system(title, "best", dataset, **place, **best, what="best seed")
        yield system(title, "ensemble", dataset, **(place | together))


def name_ensemble(records: Sequence[dict[str, Any]], seeds: int) -> None:
    """Let a recipe's ensembles say how many of the seeds they are of."""
    ensembles = [record for record in records if record["accuracy"] == "ensemble"]
    members = [count for record in ensembles if record["seeds"] for count in (record["seeds"], record["most"])]
    counts = "–".join(map(str, sorted({min(members), max(members)}))) if members else ""
    for record in ensembles:
        record["what"] = f"ensemble of {f'{counts} of {seeds} seeds' if counts else 'the seeds'}"


ARTEFACT = Artefact("table4", "Table IV", "table", make, paper=PAPER)
