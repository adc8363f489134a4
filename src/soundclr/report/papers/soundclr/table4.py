"""Table IV: ours among the published systems, single and as an ensemble of the seeds."""

import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soundclr.report.accuracy import NONE, PARTIAL, group_of, number
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.papers.soundclr.published import lines, percent, published
from soundclr.report.run_results import Epoch, RunResult
from soundclr.report.table import Column, Record, Table, sentences

if TYPE_CHECKING:
    import pandas as pd

OURS = "hybrid"
"""The recipe that the paper compares; other recipes stand in the CSV, or in the table where it is not studied."""

NUMBERS = tuple(f"{epoch}_epoch{what}_percent" for epoch in ("best", "last") for what in ("", "_std"))


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

    def mean(epoch: Epoch) -> float:
        return 100 * statistics.fmean(ensemble_accuracy([r.at(epoch) for r in by_fold[fold]]) for fold in folds)

    return Ensemble(min(counts), max(counts), mean("best"), mean("last"))


def ensemble_accuracy(members: "list[pd.DataFrame]") -> float:
    """The share of clips that the mean of the members' class probabilities gets right."""
    import pandas as pd

    tables = [table.set_index("clip").drop(columns="epoch") for table in members]
    mean = pd.concat([table.drop(columns="label") for table in tables]).groupby(level=0).mean()
    labels = tables[0]["label"].loc[mean.index].to_numpy()
    return float((mean.to_numpy().argmax(axis=1) == labels).mean())


def make(collection: Collection) -> Table:
    """The published systems in the paper's order, then ours: best epoch (last epoch)."""
    datasets = collection.datasets
    shown = [OURS] if OURS in collection.recipes else list(collection.recipes)
    systems = list(published_systems(datasets))
    ours = {recipe: list(our_systems(collection, recipe)) for recipe in collection.recipes}
    for recipe in collection.recipes:
        name_ensemble(ours[recipe], len(collection.params.studies[collection.study].seeds))
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
    best = record["best_epoch_percent"]
    if record["recipe"] is None or best is None:
        return number(record["published_percent"])
    return f"{number(best)} ({number(record['last_epoch_percent'])})" + record["mark"]


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
        ours, together = group_of(collection, dataset, recipe), ensemble(collection, dataset, recipe)
        pair = {"best_epoch": ours.best_epoch, "last_epoch": ours.last_epoch}
        title, mark = collection.scheme(recipe), f" {PARTIAL}" if ours.partial else ""
        place = {"recipe": recipe, "seeds": ours.seeds, "expected_seeds": ours.expected_seeds, "mark": ""}
        means = {f"{key}_percent": accuracy.mean for key, accuracy in pair.items()}
        stds = {f"{key}_std_percent": accuracy.std for key, accuracy in pair.items()}
        mean = {**place, **means, **stds, "mark": mark}
        yield system(title, "mean", dataset, **mean, what="mean of single seeds")
        best = {f"{key}_percent": accuracy.best for key, accuracy in pair.items()}
        yield system(title, "best", dataset, **place, **best, what="best seed")
        numbers = {f"{key}_percent": getattr(together, key) for key in pair} if together else {}
        place["seeds"] = together.least if together else 0
        yield system(title, "ensemble", dataset, **place, **numbers, most=together.most if together else 0)


def name_ensemble(records: Sequence[dict[str, Any]], seeds: int) -> None:
    """Let a recipe's ensembles say how many of the seeds they are of."""
    ensembles = [record for record in records if record["accuracy"] == "ensemble"]
    members = [count for record in ensembles if record["seeds"] for count in (record["seeds"], record["most"])]
    counts = "–".join(map(str, sorted({min(members), max(members)}))) if members else ""
    for record in ensembles:
        record["what"] = f"ensemble of {f'{counts} of {seeds} seeds' if counts else 'the seeds'}"


ARTEFACT = Artefact("table4", "Table IV", "table", make, paper=PAPER)
