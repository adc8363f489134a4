"""Table III: a study's datasets and recipes, ours beside the paper's."""

from collections.abc import Sequence

from soundclr.report.accuracy import PARTIAL_NOTE, Accuracy, difference, own_groups, spread
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.papers.soundclr.published import percent, published
from soundclr.report.table import Column, Record, Table, place_columns, sentences

STATISTICS = ("mean", "std", "best")


def make(collection: Collection) -> Table:
    """Mean ± std and best over seeds, at best and last epoch, beside the paper's."""
    records = []
    for (dataset, recipe), ours in own_groups(collection).items():
        theirs = paper_accuracy(dataset, recipe)
        accuracies = {"best_epoch": ours.best_epoch, "last_epoch": ours.last_epoch, "paper": theirs}
        numbers = {f"{p}_{name}_percent": getattr(a, name) for p, a in accuracies.items() for name in STATISTICS}
        gap = difference(ours, theirs.mean)
        place = {"dataset": dataset, "recipe": recipe, "partial": ours.partial}
        records.append({**place, **vars(ours), **accuracies, **numbers, "difference_points": gap})
    with_paper = any(record["paper"].mean is not None for record in records)
    columns = [*place_columns(collection), Column("seeds"), Column("expected_seeds")]
    columns += [*accuracy_columns("best_epoch", "best epoch"), *accuracy_columns("last_epoch", "last epoch")]
    columns += accuracy_columns("paper", "paper", with_paper)
    columns += [Column("difference_points", "difference" if with_paper else "", sign=True)]
    return Table(columns, records, caption(collection, records, with_paper), collection.own)


def accuracy_columns(key: str, heading: str, shown: bool = True) -> list[Column]:
    """Mean, with its deviation, and best."""

    def mean(record: Record) -> str:
        return spread(record[key], record["partial"] and key != "paper")

    return [
        Column(f"{key}_mean_percent", "mean" if shown else "", heading, mean),
        Column(f"{key}_std_percent"),
        Column(f"{key}_best_percent", "best" if shown else "", heading),
    ]


def paper_accuracy(dataset: str, recipe: str) -> Accuracy:
    """The paper's Table III for a dataset and recipe; empty where it has none."""
    found = {line["statistic"]: line for line in published("table3", dataset) if line["row"] == recipe}
    if not found:
        return Accuracy()
    return Accuracy(percent(found["mean"]), percent(found["mean"], "std_percent"), percent(found["best"]))


def caption(collection: Collection, records: Sequence[Record], with_paper: bool) -> str:
    """What the numbers are, how many runs they are of, and only those notes that apply to these."""
    several = any(record["seeds"] > 1 for record in records)
    seeds = {record["seeds"] for record in records if record["runs"]}
    only = "One seed" if seeds == {1} else "Where only one seed has all its folds"
    return sentences(
        "Held-out accuracy of each training scheme in %, mean over folds"
        + (", then mean ± sample standard deviation over seeds" if several else ""),
        collection.covered(),
        f"{only}: no standard deviation" if 1 in seeds else "",
        PARTIAL_NOTE if any(record["partial"] for record in records) else "",
        "Paper: Table III of Nasiri and Hu (2021), five seeds; difference: our best epoch's mean minus the paper's, in "
        "percentage points"
        if with_paper and collection.own
        else "",
    )


ARTEFACT = Artefact("table3", "Table III", "table", make, paper=PAPER)
