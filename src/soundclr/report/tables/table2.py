"""Table II: the hybrid loss with several values of alpha, ours beside the paper's."""

from collections.abc import Sequence

from soundclr.report.accuracy import PARTIAL, covered, difference, group, number, spread
from soundclr.report.collect import Collection
from soundclr.report.paper import percent, published
from soundclr.report.tables.render import Column, Table

HEADER = [
    "alpha",
    "dataset",
    "recipe",
    "runs",
    "expected_runs",
    "seeds",
    "best_epoch_percent",
    "best_epoch_std_percent",
    "last_epoch_percent",
    "last_epoch_std_percent",
    "paper_percent",
    "difference_points",
]


def make(collection: Collection) -> Table:
    """A row a value of alpha; for each dataset best and last epoch, and the paper's where it has one."""
    params = collection.params
    chosen = params.artefact(collection.study, "table2")
    datasets, recipes = chosen.datasets or (), chosen.recipes or ()
    by_alpha: dict[float, dict[str, str]] = {}
    for dataset in datasets:
        for recipe in recipes:
            alpha = params.resolve(collection.study, dataset, recipe).stages[0].loss.alpha
            by_alpha.setdefault(alpha, {})[dataset] = recipe
    paper = {
        dataset: {float(line["row"].removeprefix("alpha=")): percent(line) for line in published("table2", dataset)}
        for dataset in datasets
    }
    columns = [Column("alpha", align="l")]
    for dataset in datasets:
        names = ["runs", "best epoch", "last epoch", *(["paper", "diff."] if paper[dataset] else [])]
        columns += [Column(name, params.datasets[dataset].title) for name in names]
    data: list[Sequence[object]] = [HEADER]
    lines, partial, several = [], False, False
    for alpha, recipe_on in sorted(by_alpha.items()):
        texts = [f"{alpha:g}"]
        for dataset in datasets:
            recipe = recipe_on.get(dataset, "")
            ours = group(collection.expected_of(dataset, recipe, "table2"), collection.shown("table2", dataset, recipe))
            published_here = paper[dataset].get(alpha)
            gap = difference(ours, published_here)
            partial, several = partial or ours.partial, several or ours.seeds > 1
            texts += [ours.coverage, spread(ours.best_epoch, ours.partial), spread(ours.last_epoch, ours.partial)]
            texts += [number(published_here), number(gap, sign=True)] if paper[dataset] else []
            numbers = [n for a in (ours.best_epoch, ours.last_epoch) for n in (a.mean, a.std)]
            place = [f"{alpha:g}", dataset, recipe, ours.runs, ours.expected_runs, ours.seeds]
            data.append([*place, *numbers, published_here, gap])
        lines.append(texts)
    results = [result for dataset in datasets for result in collection.shown("table2", dataset)]
    over_seeds = ", mean ± sample standard deviation over seeds" if several else ""
    caption = (
        "Hybrid loss, alpha · SupCon + (1 − alpha) · cross-entropy: held-out accuracy in %, mean over folds"
        f"{over_seeds}. {covered(len(results), len(collection.expected['table2']))}; "
        "alpha 0.5 is Table III's hybrid."
    )
    if partial:
        caption += f" {PARTIAL} No seed has all its folds: the mean of the runs there, not comparable to others."
    if any(paper.values()):
        caption += " Diff.: our best epoch minus the paper's, in percentage points."
    return Table("table2", "Table II", caption, columns, lines, data, results)
