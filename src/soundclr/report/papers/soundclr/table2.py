"""Table II: the hybrid loss with several values of alpha, ours beside the paper's."""

from soundclr.params import RunSettings
from soundclr.report.accuracy import PARTIAL_NOTE, Group, difference, group_of, number, spread
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.papers.soundclr.published import percent, published
from soundclr.report.table import Column, Record, Table, sentences, signed


def alpha_of(settings: RunSettings) -> float:
    """The weight of SupCon in the first stage's loss, the paper's alpha."""
    return sum(term.weight for term in settings.stages[0].loss if term.name == "supcon")


def make(collection: Collection) -> Table:
    """A row a value of alpha; for each dataset best and last epoch, and the paper's where it has one."""
    params, study = collection.params, collection.study
    datasets = collection.datasets_of("table2")
    paper = {
        dataset: {float(line["row"].removeprefix("alpha=")): percent(line) for line in published("table2", dataset)}
        for dataset in datasets
    }
    places = {
        (alpha_of(params.resolve(study, dataset, recipe)), dataset): recipe
        for dataset in datasets
        for recipe in collection.recipes_of("table2")
    }
    order = sorted(places, key=lambda place: (place[0], datasets.index(place[1])))
    records = []
    for alpha, dataset in order:
        recipe = places[alpha, dataset]
        ours = group_of(collection, dataset, recipe, "table2")
        records.append(record(alpha, dataset, recipe, ours, paper[dataset].get(alpha)))
    columns = csv_columns()
    for dataset in datasets:
        columns += page_columns(collection.title(dataset), {"dataset": dataset}, bool(paper[dataset]))
    caption = sentences(
        "Hybrid loss, alpha · SupCon + (1 − alpha) · cross-entropy: held-out accuracy in %, mean over folds"
        + (", mean ± sample standard deviation over seeds" if any(r["seeds"] > 1 for r in records) else ""),
        f"{collection.covered('table2')}; alpha 0.5 is Table III's hybrid",
        PARTIAL_NOTE if any(r["ours"].partial for r in records) else "",
        "Diff.: our best epoch minus the paper's, in percentage points" if any(paper.values()) else "",
    )
    return Table(columns, records, caption, collection.of(choice="table2"), line=["alpha"])


def record(alpha: float, dataset: str, recipe: str, ours: Group, theirs: float | None) -> Record:
    """A value of alpha on a dataset."""
    return {
        "alpha": alpha,
        "dataset": dataset,
        "recipe": recipe,
        "ours": ours,
        **vars(ours),
        "best_epoch_percent": ours.best_epoch.mean,
        "best_epoch_std_percent": ours.best_epoch.std,
        "last_epoch_percent": ours.last_epoch.mean,
        "last_epoch_std_percent": ours.last_epoch.std,
        "paper_percent": theirs,
        "difference_points": difference(ours, theirs),
    }


def csv_columns() -> list[Column]:
    """The columns of the CSV file, of which the page has alpha alone."""
    accuracies = [f"{epoch}_epoch{what}_percent" for epoch in ("best", "last") for what in ("", "_std")]
    names = ["dataset", "recipe", "runs", "expected_runs", "seeds", *accuracies, "paper_percent", "difference_points"]
    alpha = Column("alpha", "alpha", show=lambda record: f"{record['alpha']:g}", form="g", align="l")
    return [alpha, *map(Column, names)]


def page_columns(title: str, where: Record, with_paper: bool) -> list[Column]:
    """The columns of a dataset on the page."""

    def ours(epoch: str) -> Column:
        def show(record: Record) -> str:
            return spread(getattr(record["ours"], f"{epoch}_epoch"), record["ours"].partial)

        return Column(name=f"{epoch} epoch", group=title, show=show, where=where)

    columns = [Column(name="runs", group=title, show=lambda r: r["ours"].coverage, where=where)]
    columns += [ours("best"), ours("last")]
    if with_paper:
        columns.append(Column(name="paper", group=title, show=lambda r: number(r["paper_percent"]), where=where))
        columns.append(Column(name="diff.", group=title, show=signed("difference_points"), where=where))
    return columns


ARTEFACT = Artefact("table2", "Table II", "table", make, runs="table2", paper=PAPER)
