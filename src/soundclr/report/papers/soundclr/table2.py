"""Table II: the hybrid loss with several values of alpha, ours beside the paper's."""

from collections.abc import Callable

from soundclr.params import RunSettings
from soundclr.report.accuracy import PARTIAL_NOTE, difference, group_of, number, spread
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.papers.soundclr.published import percent, published
from soundclr.report.table import Column, Record, Table, sentences


def alpha_of(settings: RunSettings) -> float:
    """The weight of SupCon in the first stage's loss, the paper's alpha."""
    return sum(term.weight for term in settings.stages[0].loss if term.name == "supcon")


def make(collection: Collection) -> Table:
    """A row a value of alpha; for each dataset best and last epoch, and the paper's where it has one."""
    params, study = collection.params, collection.study
    records, columns = [], [Column("alpha", "alpha", show=lambda r: f"{r['alpha']:g}", form="g", align="l")]
    columns += [*map(Column, ("dataset", "recipe", "runs", "expected_runs", "seeds"))]
    columns += [Column(f"{epoch}_epoch{what}_percent") for epoch in ("best", "last") for what in ("", "_std")]
    columns += [Column("paper_percent"), Column("difference_points")]
    for dataset in collection.datasets_of("table2"):
        lines = published("table2", dataset)
        paper = {float(line["row"].removeprefix("alpha=")): percent(line) for line in lines}
        columns += page_columns(collection.title(dataset), {"dataset": dataset}, bool(paper))
        for recipe in collection.recipes_of("table2"):
            alpha = alpha_of(params.resolve(study, dataset, recipe))
            ours, theirs = group_of(collection, dataset, recipe, "table2"), paper.get(alpha)
            record = {"alpha": alpha, "dataset": dataset, "recipe": recipe, "ours": ours, **vars(ours)}
            record |= {"paper_percent": theirs, "difference_points": difference(ours, theirs)}
            records.append(record | ours.percents("mean", "std"))
    records.sort(key=lambda record: record["alpha"])
    caption = sentences(
        "Hybrid loss, alpha · SupCon + (1 − alpha) · cross-entropy: held-out accuracy in %, mean over folds"
        + (", mean ± sample standard deviation over seeds" if any(r["seeds"] > 1 for r in records) else ""),
        f"{collection.covered('table2')}; alpha 0.5 is Table III's hybrid",
        PARTIAL_NOTE if any(r["ours"].partial for r in records) else "",
        "Diff.: our best epoch minus the paper's, in percentage points"
        if any(column.name == "diff." for column in columns)
        else "",
    )
    return Table(columns, records, caption, collection.of(choice="table2"), line=["alpha"])


def page_columns(title: str, where: Record, with_paper: bool) -> list[Column]:
    """The columns of a dataset on the page."""
    shows: dict[str, Callable[[Record], str]] = {
        "runs": lambda record: record["ours"].coverage,
        "best epoch": lambda record: spread(record["best_epoch"], record["ours"].partial),
        "last epoch": lambda record: spread(record["last_epoch"], record["ours"].partial),
    }
    if with_paper:
        shows |= {
            "paper": lambda record: number(record["paper_percent"]),
            "diff.": lambda record: number(record["difference_points"], sign=True),
        }
    return [Column(name=name, group=title, show=show, where=where) for name, show in shows.items()]


ARTEFACT = Artefact("table2", "Table II", "table", make, runs="table2", paper=PAPER)
