"""The paper's tables with our numbers, and their rows in pairs."""

import pandas as pd
from pandas import DataFrame

from soundclr.report.artefacts.comparison import comparison_columns, pairs_of
from soundclr.report.collect import Collection
from soundclr.report.frames import RUN, Values, records
from soundclr.report.intervals import INTERVALS, PROTOCOLS, both_epochs, summary
from soundclr.report.papers.shin.reading import paper_percent
from soundclr.report.run_results import RunResult
from soundclr.report.table import (
    EPOCHS,
    Column,
    Show,
    Table,
    accuracy,
    coverage,
    dataset_column,
    frame_of,
    gap,
    partial_note,
    scheme_column,
    sentences,
)
from soundclr.run.optional import optional_weights

NOT_HERE = "weights not here"


def asked_rows(collection: Collection, *choices: str) -> DataFrame:
    """The rows of ``asked`` for these choices, in order; a recipe in several of them is taken from the first."""
    asked = pd.concat([collection.asked_of(choice=choice) for choice in choices])
    first = asked.groupby(["dataset", "recipe"])["choice"].transform("first")
    return asked[asked["choice"] == first]


def results_of(collection: Collection, rows: DataFrame) -> list[RunResult]:
    """The finished runs among rows of ``asked``."""
    places = rows[RUN].itertuples(index=False, name=None)
    found = {(r.run.dataset, r.run.recipe, r.run.fold, r.run.seed): r for r in collection.results}
    return [found[place] for place in places if place in found]


def shin_table1(collection: Collection) -> Table:
    """A row for each start and dataset, where the whole network is fine-tuned on the sounds; some have fewer folds."""
    text = "Fine-tuned from each start: held-out accuracy in %, mean over folds"
    return table_of(collection, asked_rows(collection, "shin_table1", "shin_one_fold"), text)


def shin_table2(collection: Collection) -> Table:
    """A row for each frozen encoder with a linear classifier; the paper has neither supervised nor random weights."""
    text = "Linear evaluation of frozen encoders: held-out accuracy in %, mean over folds; random weights too"
    return table_of(collection, asked_rows(collection, "shin_table2"), text)


def shin_sounds(collection: Collection) -> Table:
    """Not in the paper: encoders from our own contrastive training on sounds without labels."""
    text = "From contrastive training on the sounds of the other folds: held-out accuracy in %, mean over folds"
    return table_of(collection, asked_rows(collection, "shin_sounds"), text)


def table_of(collection: Collection, asked: DataFrame, what: str) -> Table:
    """A row for each recipe: best and last epoch, and the paper's; ``what`` is the beginning of the caption."""
    rows: list[Values] = []
    for row in records(summary(asked)):
        dataset, recipe = row["dataset"], row["recipe"]
        of_it = asked[(asked["dataset"] == dataset) & (asked["recipe"] == recipe)]
        lacking = optional_weights(collection.params, collection.study, dataset, recipe) and not row["runs"]
        row |= {"held_out_folds": of_it["fold"].nunique(), "folds": len(collection.params.held_out(dataset))}
        theirs = paper_percent(dataset, recipe)
        rows.append(row | {"lacks": lacking, "paper_percent": theirs, "difference_points": gap(row, theirs)})
    with_paper = any(row["paper_percent"] is not None for row in rows)

    def accuracy_or_note(epoch: str) -> Show:
        return lambda row: NOT_HERE if row["lacks"] else accuracy(epoch)(row)

    page = [dataset_column(collection), scheme_column(collection, "row")]
    page += [Column("folds", lambda row: f"{row['held_out_folds']} of {row['folds']}"), Column("runs", coverage)]
    page += [Column(name, accuracy_or_note(epoch)) for epoch, name in EPOCHS.items()]
    if with_paper:
        page += [Column("paper", "paper_percent"), Column("difference", "difference_points", sign=True)]
    results = results_of(collection, asked)
    caption = sentences(
        what,
        f"{len(results)} of {len(asked)} runs",
        partial_note(rows),
        f"{NOT_HERE}: no runs, because the file of initial weights is missing"
        if any(row["lacks"] for row in rows)
        else "",
        "Difference: our best epoch minus the paper's, in percentage points; what we have of the paper tells "
        "neither the epoch nor its settings"
        if with_paper
        else "",
    )
    csv = ["dataset", "recipe", "held_out_folds", "folds", "runs", "expected_runs", "seeds"]
    csv += [*both_epochs("percent", "std_percent"), "paper_percent", "difference_points"]
    return Table(frame_of(rows), csv, page, caption, results=results)


def shin_pairs(collection: Collection) -> Table:
    """The later minus the earlier of every two rows of a dataset with runs of the same folds and seeds."""
    asked = asked_rows(collection, "shin_table1", "shin_one_fold", "shin_table2")
    rows = pairs_of(asked[asked["there"]])
    for row in rows:
        one, two = (paper_percent(row["dataset"], row[side]) for side in ("first", "second"))
        row["paper_points"] = None if one is None or two is None else round(one - two, 2)
    with_paper = any(row["paper_points"] is not None for row in rows)
    page = comparison_columns(collection, "rows", "points")
    page += [Column("paper", "paper_points", sign=True)] if with_paper else []
    caption = sentences(
        f"Each pair of rows, on the folds and seeds that both have: mean difference in percentage points, {INTERVALS}. "
        "Folds share training clips, so the intervals are optimistic",
        "Paper: the difference of its two accuracies" if with_paper else "",
        "" if rows else "No two rows have a run of the same fold and seed yet",
    )
    csv = ["dataset", "first", "second", "pairs", *both_epochs("points", "low_points", "high_points"), "paper_points"]
    frame = frame_of(rows).rename(columns={f"{one}_difference_points": f"{one}_points" for one in PROTOCOLS})
    return Table(frame, csv, page, caption, results=results_of(collection, asked))
