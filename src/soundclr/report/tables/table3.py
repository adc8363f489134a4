"""Table III: a study's datasets and recipes, ours beside the paper's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from soundclr.report.accuracy import PARTIAL, Accuracy, Group, covered, difference, group, number, spread
from soundclr.report.collect import Collection
from soundclr.report.paper import percent, published
from soundclr.report.tables.render import Column, Table

STATISTICS = ("mean", "std", "best")


@dataclass(frozen=True)
class Row(Group):
    """One dataset and recipe of the study's own grid, and the paper's accuracy."""

    dataset: str
    recipe: str
    paper: Accuracy

    @property
    def difference(self) -> float | None:
        """Our mean (best epoch, the paper's protocol) minus the paper's, of the numbers as shown; points."""
        return difference(self, self.paper.mean)


def table3_rows(collection: Collection) -> list[Row]:
    """A row for each dataset and recipe of the study, in params.yaml's order, also where no run is there."""
    study = collection.params.studies[collection.study]
    rows = []
    for dataset in study.datasets:
        for recipe in study.recipes:
            ours = group(collection.expected_of(dataset, recipe), collection.of(dataset, recipe))
            rows.append(Row(**vars(ours), dataset=dataset, recipe=recipe, paper=paper_accuracy(dataset, recipe)))
    return rows


def paper_accuracy(dataset: str, recipe: str) -> Accuracy:
    """The paper's Table III for a dataset and recipe; empty where it has none."""
    found = {line["statistic"]: line for line in published("table3", dataset) if line["row"] == recipe}
    if not found:
        return Accuracy()
    return Accuracy(percent(found["mean"]), percent(found["mean"], "std_percent"), percent(found["best"]))


def make(collection: Collection) -> Table:
    """Mean ± std and best over seeds, at best and last epoch, beside the paper's."""
    rows = table3_rows(collection)
    with_paper = any(row.paper.mean is not None for row in rows)
    protocols = ["best epoch", "last epoch", *(["paper"] if with_paper else [])]
    columns = [Column("dataset", align="l"), Column("scheme", align="l"), Column("runs")]
    columns += [Column(name, protocol) for protocol in protocols for name in ("mean", "best")]
    columns += [Column("difference")] if with_paper else []
    lines = []
    for row in rows:
        texts = [collection.params.datasets[row.dataset].title, collection.params.recipes[row.recipe].title]
        texts += [row.coverage]
        for accuracy in (row.best_epoch, row.last_epoch):
            texts += [spread(accuracy, row.partial), number(accuracy.best)]
        if with_paper:
            texts += [spread(row.paper), number(row.paper.best), number(row.difference, sign=True)]
        lines.append(texts)
    return Table(
        "table3", "Table III", caption(collection, rows, with_paper), columns, lines, data(rows), collection.own
    )


def data(rows: Sequence[Row]) -> list[list[object]]:
    """One line a row, percent, with coverage; the header first."""
    columns = ["dataset", "recipe", "runs", "expected_runs", "seeds", "expected_seeds"]
    places = [(protocol, name) for protocol in ("best_epoch", "last_epoch", "paper") for name in STATISTICS]
    lines: list[list[object]] = [[*columns, *(f"{p}_{name}_percent" for p, name in places), "difference_points"]]
    for row in rows:
        numbers = [getattr(getattr(row, protocol), name) for protocol, name in places]
        lines.append([*(getattr(row, column) for column in columns), *numbers, row.difference])
    return lines


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


def caption(collection: Collection, rows: Sequence[Row], with_paper: bool) -> str:
    """What the numbers are, how many runs they are of, and only those notes that apply to these."""
    over_seeds = ", then mean ± sample standard deviation over seeds" if any(row.seeds > 1 for row in rows) else ""
    done = len(collection.own)
    sentences = [
        f"Held-out accuracy of each training scheme in %, mean over folds{over_seeds}",
        covered(done, len(collection.expected[None])),
    ]
    seeds = {row.seeds for row in rows if row.runs}
    if 1 in seeds:
        only = "One seed" if seeds == {1} else "Where only one seed has all its folds"
        sentences.append(f"{only}: no standard deviation")
    if any(row.partial for row in rows):
        sentences.append(f"{PARTIAL} No seed has all its folds: the mean of the runs there, not comparable to others")
    if with_paper and done:
        sentences.append(
            "Paper: Table III of Nasiri and Hu (2021), five seeds; difference: our best epoch's mean minus "
            "the paper's, in percentage points"
        )
    return " ".join(f"{sentence}." for sentence in sentences)
