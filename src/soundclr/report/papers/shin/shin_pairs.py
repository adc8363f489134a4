"""The rows of both tables compared in pairs, on the folds that both have; the paper's differences beside ours."""

import itertools
import math
from typing import Any

from soundclr.report.accuracy import PROTOCOLS, mean_of, paired
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.intervals import INTERVALS
from soundclr.report.papers.shin import PAPER
from soundclr.report.papers.shin.published import paper_percent
from soundclr.report.papers.shin.rows import results_of, rows_of
from soundclr.report.papers.shin.shin_table1 import ONE_FOLD
from soundclr.report.table import Column, Record, Table, dataset_column, sentences, span

CHOICES = ("shin_table1", ONE_FOLD, "shin_table2")


def make(collection: Collection) -> Table:
    """A row for every two rows of a dataset that have runs of the same fold and seed, the later minus the earlier."""
    records: list[Record] = []
    for one, two in itertools.combinations(rows_of(collection, *CHOICES), 2):
        ours = {p: paired(results_of(collection, two), results_of(collection, one), p) for p in PROTOCOLS}
        if one.dataset != two.dataset or not ours["best_epoch"]:
            continue
        record: dict[str, Any] = {"dataset": one.dataset, "first": two.recipe, "second": one.recipe}
        record |= {
            "pairs": len(ours["best_epoch"]),
            "paper_points": paper_difference(one.dataset, two.recipe, one.recipe),
        }
        for protocol in PROTOCOLS:
            mean = mean_of(ours[protocol])
            none = math.isnan(mean.half)
            record[f"{protocol}_points"] = mean.mean
            record[f"{protocol}_low_points"] = None if none else mean.low
            record[f"{protocol}_high_points"] = None if none else mean.high
        records.append(record)
    with_paper = any(record["paper_points"] is not None for record in records)
    columns = [dataset_column(collection), Column("first"), Column("second")]
    columns += [
        Column(name="rows", show=lambda r: " − ".join(collection.scheme(r[k]) for k in ("first", "second")), align="l")
    ]
    columns += [Column("pairs", "pairs")]
    for protocol, name in (("best_epoch", "best epoch"), ("last_epoch", "last epoch")):
        low, high = f"{protocol}_low_points", f"{protocol}_high_points"
        columns += [Column(f"{protocol}_points", "difference", name, sign=True)]
        columns += [Column(low, "95 % interval", name, span(low, high)), Column(high)]
    columns += [Column("paper_points", "paper" if with_paper else "", sign=True)]
    results = {result.run: result for row in rows_of(collection, *CHOICES) for result in results_of(collection, row)}
    caption = sentences(
        f"Every two rows on the folds and seeds that both have: mean difference in percentage points, {INTERVALS}. "
        "Folds share training clips, so the intervals are optimistic",
        "Paper: the difference of its two accuracies" if with_paper else "",
        "" if records else "No two rows have a run of the same fold and seed yet",
    )
    return Table(columns, records, caption, list(results.values()))


def paper_difference(dataset: str, first: str, second: str) -> float | None:
    """The paper's accuracy of one recipe minus that of another, or None where it lacks one."""
    theirs = [paper_percent(dataset, recipe) for recipe in (first, second)]
    return None if theirs[0] is None or theirs[1] is None else round(theirs[0] - theirs[1], 2)


ARTEFACT = Artefact(
    "shin_pairs", "Rows compared in pairs", "table", make, runs="shin_table1", also="shin_table2", paper=PAPER
)
