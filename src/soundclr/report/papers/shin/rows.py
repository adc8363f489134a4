"""What the paper's tables have in common: a line a kind of start, ours beside the paper's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from soundclr.report.accuracy import NONE, PARTIAL_NOTE, Group, difference, group_of, spread
from soundclr.report.collect import Collection
from soundclr.report.papers.shin.published import paper_percent
from soundclr.report.run_results import RunResult
from soundclr.report.table import Column, Record, Table, dataset_column, sentences
from soundclr.run.optional import optional_weights

NOT_HERE = "weights not here"


@dataclass(frozen=True)
class Row:
    """A dataset and a recipe of a choice of runs."""

    dataset: str
    recipe: str
    choice: str


def rows_of(collection: Collection, *choices: str) -> list[Row]:
    """Every row of these choices, a study having some of them, in their order; the first choice that has it counts."""
    found: dict[tuple[str, str], Row] = {}
    for choice in choices:
        for run in collection.expected_of(choice=choice):
            found.setdefault((run.dataset, run.recipe), Row(run.dataset, run.recipe, choice))
    return list(found.values())


def results_of(collection: Collection, row: Row) -> list[RunResult]:
    """A row's finished runs."""
    return collection.of(row.dataset, row.recipe, row.choice)


def lacks_weights(collection: Collection, row: Row) -> bool:
    """Whether a row is empty for want of weights that its study does without."""
    lacking = optional_weights(collection.params, collection.study, row.dataset, row.recipe)
    return lacking is not None and not results_of(collection, row)


def table_of(collection: Collection, rows: Sequence[Row], what: str) -> Table:
    """Best and last epoch of each row, and the paper's; ``what`` begins the caption."""
    records = [record_of(collection, row) for row in rows]
    with_paper = any(record["paper_percent"] is not None for record in records)
    columns = [
        dataset_column(collection),
        Column("recipe", "row", show=lambda record: collection.scheme(record["recipe"]), align="l"),
        Column("held_out_folds", "folds", show=lambda record: f"{record['held_out_folds']} of {record['folds']}"),
        Column("folds"),
        Column("runs", "runs", show=lambda record: record["coverage"]),
        Column("expected_runs"),
        Column("seeds"),
    ]
    for epoch, name in (("best", "best epoch"), ("last", "last epoch")):
        columns += [
            Column(f"{epoch}_epoch_percent", name, show=accuracy(f"{epoch}_epoch")),
            Column(f"{epoch}_epoch_std_percent"),
        ]
    columns += [
        Column("paper_percent", "paper" if with_paper else ""),
        Column("difference_points", "difference" if with_paper else "", sign=True),
    ]
    results = [result for row in rows for result in results_of(collection, row)]
    caption = sentences(
        what,
        f"{len(results)} of {sum(record['expected_runs'] for record in records)} runs",
        PARTIAL_NOTE if any(record["group"].partial for record in records) else "",
        f"{NOT_HERE}: no run, for want of the file of initial weights that the row starts from"
        if any(record["lacks_weights"] for record in records)
        else "",
        "Difference: our best epoch minus the paper's, in percentage points; the paper does not say which epoch it "
        "shows, and its own settings are not known"
        if with_paper
        else "",
    )
    return Table(columns, records, caption, results)


def record_of(collection: Collection, row: Row) -> Record:
    """A row's numbers."""
    ours = group_of(collection, row.dataset, row.recipe, row.choice)
    theirs = paper_percent(row.dataset, row.recipe)
    expected = collection.expected_of(row.dataset, row.recipe, row.choice)
    return {
        "dataset": row.dataset,
        "recipe": row.recipe,
        "group": ours,
        **vars(ours),
        "coverage": ours.coverage,
        "held_out_folds": len({run.fold for run in expected}),
        "folds": len(collection.params.held_out(row.dataset)),
        "lacks_weights": lacks_weights(collection, row),
        "paper_percent": theirs,
        "difference_points": difference(ours, theirs),
        **ours.percents("mean", "std"),
    }


def accuracy(epoch: str) -> Callable[[Record], str]:
    """Show the accuracy at an epoch, or why there is none."""

    def shown(record: Record) -> str:
        ours: Group = record["group"]
        if ours.runs:
            return spread(record[epoch], ours.partial)
        return NOT_HERE if record["lacks_weights"] else NONE

    return shown
