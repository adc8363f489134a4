"""Comparisons: schemes in pairs, seeds with their ensemble, and schemes with one setting changed."""

import itertools
import statistics

from pandas import DataFrame

from soundclr.report import figure as draw
from soundclr.report import style
from soundclr.report.catalogue import MEMBERS
from soundclr.report.collect import Collection
from soundclr.report.figure import RowOfMeans
from soundclr.report.frames import PLACE, Values, records, split
from soundclr.report.intervals import (
    INTERVALS,
    PROTOCOLS,
    at_places,
    both_epochs,
    compare,
    interval_note,
    mean_of,
    over_folds,
    paired,
    summary,
)
from soundclr.report.intervals import ensembles as ensembles_of
from soundclr.report.style import COLUMN, Drawing
from soundclr.report.table import (
    EPOCHS,
    Column,
    Table,
    beside,
    bounds_column,
    dataset_column,
    frame_of,
    place_columns,
    scheme_column,
    sentences,
    signed,
)

MOST_PAIRS = 6
"""The pairs of four schemes. With more a figure has the pairs with the first scheme only; the table has all."""


def comparisons(collection: Collection, dataset: str | None = None) -> DataFrame:
    """The rows of :func:`pairs_of` for the study's own recipes."""
    return frame_of(pairs_of(collection.done(dataset)))


def pairs_of(done: DataFrame) -> list[Values]:
    """The later minus the earlier of every two recipes of a dataset with finished runs of the same folds and seeds.

    ``dataset``, ``first``, ``second``, and the columns of :func:`soundclr.report.intervals.compare`.
    """
    rows = []
    for ((dataset, second), theirs), ((other, first), ours) in itertools.combinations(split(done, PLACE).items(), 2):
        if dataset == other and (found := compare(ours, theirs)):
            rows.append({"dataset": dataset, "first": first, "second": second, **found})
    return rows


def comparison_columns(collection: Collection, name: str, difference: str, p: bool = False) -> list[Column]:
    """Columns of a comparison: dataset, the two recipes, pairs, and for both epochs difference, interval and ``p``."""
    two = Column(name, lambda row: " − ".join(collection.scheme(row[key]) for key in ("first", "second")), align="l")
    page = [dataset_column(collection), two, Column("pairs", "pairs")]
    for protocol, title in EPOCHS.items():
        page += [Column("difference", f"{protocol}_{difference}", title, sign=True)]
        page += [bounds_column(f"{protocol}_", title)]
        page += [Column("p", f"{protocol}_p", title, decimals=4)] if p else []
    return page


def comparison(collection: Collection) -> Table:
    """A row for every two schemes: difference, interval and p at the best and the last epoch."""
    frame = comparisons(collection)
    page = comparison_columns(collection, "schemes", "difference_points", p=True)
    csv = ["dataset", "first", "second", "pairs", "folds"]
    csv += both_epochs("difference_points", "low_points", "high_points", "p")
    fewest = sorted({pairs for pairs in frame["pairs"] if pairs < 6}) if len(frame) else []
    least = "; ".join(f"p cannot be below {2 ** (1 - pairs):g} where pairs are {pairs}" for pairs in fewest)
    caption = sentences(
        "Each pair of schemes, on the folds and seeds that both have: mean difference in percentage points, "
        f"{INTERVALS}, and p of the two-sided Wilcoxon signed-rank test, which takes pairs as independent. Folds share "
        "training clips, so both are optimistic; p is not corrected for the number of comparisons",
        collection.covered(),
        least,
        "" if len(frame) else "No two schemes have a run of the same fold and seed yet",
    )
    return Table(frame, csv, page, caption, forms=dict.fromkeys(both_epochs("p"), ".4f"))


def pairs_to_draw(pairs: DataFrame) -> DataFrame:
    """All pairs or, where they are too many, those with the study's first scheme."""
    return pairs if len(pairs) <= MOST_PAIRS else pairs[pairs["second"] == pairs["second"].iloc[0]]


def comparison_figure(collection: Collection, dataset: str) -> Drawing | None:
    """A row for every two schemes: a point for each fold and seed, and the means at both epochs."""
    found = comparisons(collection, dataset)
    if not len(found):
        return None
    rows = []
    for pair in records(pairs_to_draw(found)):
        best, last = pair["best_epoch_mean"], pair["last_epoch_mean"]
        label = f"{collection.scheme(pair['first'])}\n− {collection.scheme(pair['second'])}"
        means = [(0.14, last, style.LAST), (0.32, best, style.BEST)]
        point = style.look(collection, pair["first"]).point
        rows.append(RowOfMeans(label, means, pair["last_epoch_differences"].tolist(), point, signed(last.mean)))
    figure = style.new_figure(COLUMN, 0.8 + 0.45 * len(rows))
    axes = figure.subplots()
    axes.axvline(0, color="black", linewidth=0.6)
    draw.rows_with_intervals(axes, rows)
    axes.set_xlabel("difference (percentage points)")
    handles = [style.handle("mean, last epoch", **style.LAST), style.handle("mean, best epoch", **style.BEST)]
    style.add_legend(figure, handles)
    text = "Paired differences of two schemes' accuracies: a point for each fold and seed at the last epoch, their "
    text += "mean (in numbers at the right), and the mean at the best epoch"
    text += interval_note(mean for row in rows for _, mean, _ in row.means)
    text += ". Right of the line the first of the two is better"
    text += "" if len(rows) == len(found) else f"; the table has all {len(found)} pairs"
    return Drawing(figure, f"{text}.")


def ensembles(collection: Collection) -> Table:
    """A row for each scheme: the ensemble's accuracy beside its seeds' mean, for each fold and over folds."""
    found = ensembles_of(collection.done(), collection.clips, MEMBERS)
    rows = [row for _, group in split(found, PLACE).items() for row in ensemble_rows(group)]
    csv = ["dataset", "recipe", "fold", "seeds"]
    values = ("ensemble_percent", "single_percent", "gain_points", "low_points", "high_points")
    csv += [f"{protocol}_{name}" for protocol in reversed(PROTOCOLS) for name in values]

    folds = sorted(found["fold"].unique())
    page = [dataset_column(collection), scheme_column(collection), Column("seeds", "seeds", where={"fold": None})]
    for protocol in reversed(PROTOCOLS):
        title, of_all = EPOCHS[protocol], {"fold": None}
        show = beside(f"{protocol}_ensemble_percent", f"{protocol}_single_percent")
        if protocol == "last_epoch":
            page += [Column(f"fold {fold}", show, title, where={"fold": fold}) for fold in folds]
        page += [Column("mean", show, title, where=of_all)]
        page += [Column("gain", f"{protocol}_gain_points", title, where=of_all, sign=True)]
        page += [bounds_column(f"{protocol}_", title, of_all)]
    caption = sentences(
        "Held-out accuracy in % of the ensemble, the mean of the class probabilities that a fold's seeds give, and in "
        "parentheses the mean accuracy of those seeds alone",
        "Gain: ensemble minus single, in percentage points, mean "
        f"over the folds with {MEMBERS} seeds or more; {INTERVALS}",
        collection.covered(),
        "" if rows else f"No fold has {MEMBERS} seeds yet",
    )
    members = set(found[["dataset", "recipe", "fold"]].itertuples(index=False, name=None))
    results = [one for one in collection.finished() if (one.run.dataset, one.run.recipe, one.run.fold) in members]
    return Table(frame_of(rows), csv, page, caption, ["dataset", "recipe"], results=results)


def ensemble_rows(found: DataFrame) -> list[Values]:
    """A row for each fold with an ensemble, and last one for their mean, whose fold is None."""
    counts = "–".join(map(str, sorted(set(found["seeds"]))))
    rows = []
    for fold in [*found["fold"], None]:
        chosen = found if fold is None else found[found["fold"] == fold]
        row = {"dataset": found["dataset"].iloc[0], "recipe": found["recipe"].iloc[0], "fold": fold}
        row["seeds"] = counts if fold is None else str(chosen["seeds"].item())
        for protocol in PROTOCOLS:
            together, single = (chosen[f"{protocol}_{what}_percent"] for what in ("ensemble", "single"))
            gain = over_folds(zip(chosen["fold"], together - single, strict=True))
            values = {"ensemble_percent": statistics.fmean(together), "single_percent": statistics.fmean(single)}
            values |= {"gain_points": gain.mean, "low_points": gain.low, "high_points": gain.high}
            row |= {f"{protocol}_{name}": value for name, value in values.items()}
        rows.append(row)
    return rows


def variants(collection: Collection) -> Table:
    """A row for each recipe with one change: its accuracies, and the difference to the scheme that it builds on."""
    rows = []
    for row in records(summary(collection.asked_of(choice="variants"))):
        dataset, recipe = row["dataset"], row["recipe"]
        before = collection.params.lineage(recipe)[:-1]
        scheme = next(base for base in reversed(before) if base in collection.recipes)
        ours, theirs = collection.done(dataset, recipe, "variants"), collection.done(dataset, scheme)
        mean = mean_of(paired(at_places(ours, "last_epoch"), at_places(theirs, "last_epoch")))
        row |= {"scheme": scheme, "difference_points": mean.mean, "low_points": mean.low, "high_points": mean.high}
        rows.append(row)
    csv = ["dataset", "recipe", "runs", "expected_runs", "scheme", *both_epochs("percent")]
    csv += ["difference_points", "low_points", "high_points"]
    page = [*place_columns(collection), scheme_column(collection, "compared with", "scheme")]
    page += [Column(EPOCHS[protocol], f"{protocol}_percent") for protocol in PROTOCOLS]
    page += [Column("difference", "difference_points", sign=True), bounds_column()]
    caption = sentences(
        "Recipes that differ from one of the study's schemes in one setting: held-out accuracy in %, and the "
        f"difference to that scheme after the last epoch on the folds and seeds that both have, {INTERVALS}",
        collection.covered("variants"),
    )
    return Table(frame_of(rows), csv, page, caption)
