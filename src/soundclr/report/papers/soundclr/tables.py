"""Tables II, III and IV, our numbers beside the paper's."""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from functools import partial

from soundclr.report.catalogue import MEMBERS
from soundclr.report.collect import Collection
from soundclr.report.frames import Values, records, split
from soundclr.report.intervals import PROTOCOLS, both_epochs, ensembles, summary
from soundclr.report.papers import percent
from soundclr.report.papers.soundclr.reading import alpha_of, paper_accuracy, published
from soundclr.report.table import (
    EPOCHS,
    NONE,
    PARTIAL,
    Column,
    Row,
    Table,
    accuracy,
    both,
    coverage,
    formatted,
    frame_of,
    gap,
    partial_note,
    place_columns,
    seeds_note,
    sentences,
    spread,
)

OURS = "hybrid"
"""The recipe in Table IV; others are in the CSV only, unless the study lacks this one."""

NUMBERS = both_epochs("percent", "std_percent")


def table2(collection: Collection) -> Table:
    """A row for each value of alpha; for each dataset best and last epoch, and the paper's number."""
    rows, page = [], [Column("alpha", lambda row: f"{row['alpha']:g}", align="l")]
    for dataset in collection.datasets_of("table2"):
        paper = {float(line["row"].removeprefix("alpha=")): percent(line) for line in published("table2", dataset)}
        column = partial(Column, group=collection.title(dataset), where={"dataset": dataset})
        page += [column("runs", coverage), *(column(name, accuracy(epoch)) for epoch, name in EPOCHS.items())]
        if paper:
            page += [column("paper", "paper_percent"), column("diff.", "difference_points", sign=True)]
        for row in records(summary(collection.asked_of(dataset, choice="table2"))):
            alpha = alpha_of(collection.settings(dataset, row["recipe"]))
            theirs = paper.get(alpha)
            rows.append(row | {"alpha": alpha, "paper_percent": theirs, "difference_points": gap(row, theirs)})
    rows.sort(key=lambda row: row["alpha"])
    caption = sentences(
        "Hybrid loss, alpha · SupCon + (1 − alpha) · cross-entropy: held-out accuracy in %, "
        + (collection.only_fold("table2") or "mean over folds")
        + seeds_note(rows),
        f"{collection.covered('table2')}; alpha 0.5 is Table III's hybrid here{collection.fewer_seeds('table2')}",
        partial_note(rows),
        "Diff.: our best epoch minus the paper's, in percentage points"
        if any(column.name == "diff." for column in page)
        else "",
    )
    csv = ["alpha", "dataset", "recipe", "runs", "expected_runs", "seeds", *NUMBERS]
    csv += ["paper_percent", "difference_points"]
    return Table(frame_of(rows), csv, page, caption, line=["alpha"], forms={"alpha": "g"})


def table3(collection: Collection) -> Table:
    """A row for each scheme: mean ± std and best over seeds at both epochs, and the paper's."""
    rows = []
    for row in records(summary(collection.asked_of())):
        theirs = paper_accuracy(row["dataset"], row["recipe"])
        row |= {f"paper_{name}_percent": value for name, value in theirs.items()}
        rows.append(row | {"difference_points": gap(row, theirs["mean"])})
    with_paper = any(row["paper_mean_percent"] is not None for row in rows)
    page = place_columns(collection)
    for key, title in [*EPOCHS.items(), *([("paper", "paper")] if with_paper else [])]:
        mean = spread(f"{key}_mean_percent", f"{key}_std_percent", marked=key != "paper")
        page += [Column("mean", mean, title), Column("best", f"{key}_best_percent", title)]
    page += [Column("difference", "difference_points", sign=True)] if with_paper else []
    seeds = {row["seeds"] for row in rows if row["runs"]}
    only = "One seed" if seeds == {1} else "Where only one seed has all its folds"
    caption = sentences(
        f"Held-out accuracy of each training scheme in %, {collection.only_fold() or 'mean over folds'}"
        + (", then mean ± sample standard deviation over seeds" if any(row["seeds"] > 1 for row in rows) else ""),
        collection.covered(),
        f"{only}: no standard deviation" if 1 in seeds else "",
        partial_note(rows),
        "Paper: Table III of Nasiri and Hu (2021), five seeds; difference: our best epoch's mean minus the paper's, in "
        "percentage points"
        if with_paper and collection.finished()
        else "",
    )
    csv = ["dataset", "recipe", "runs", "expected_runs", "seeds", "expected_seeds"]
    csv += [f"{key}_{name}_percent" for key in (*PROTOCOLS, "paper") for name in ("mean", "std", "best")]
    renamed = {f"{key}_percent": f"{key}_mean_percent" for key in PROTOCOLS}
    renamed |= {f"{key}_max_percent": f"{key}_best_percent" for key in PROTOCOLS}
    return Table(frame_of(rows).rename(columns=renamed), [*csv, "difference_points"], page, caption)


def table4(collection: Collection) -> Table:
    """The published systems in the paper's order, then ours: best epoch (last epoch)."""
    datasets = collection.datasets
    shown = [OURS] if OURS in collection.recipes else list(collection.recipes)
    systems = list(published_systems(datasets))
    ours = list(our_systems(collection))
    rows = [*systems, *({**row, "csv_only": row["recipe"] not in shown} for row in ours)]
    done = [result for recipe in shown for result in collection.finished(recipe=recipe)]
    asked = [run for recipe in shown for run in collection.expected_of(recipe=recipe)]
    own = f" (of {only})" if (only := collection.only_fold()) else ""
    lacking = {row["recipe"] for row in ours if row["accuracy"] == "ensemble" and not row["seeds"]}
    caption = sentences(
        f"Held-out accuracy in %, mean over folds; ours{own} at the best epoch (as the paper's code) and, in "
        "parentheses, at the last; an ensemble is the mean of the class probabilities that a fold's seeds give",
        f"{len(done)} of {len(asked)} runs",
        "The other systems' numbers are as Nasiri and Hu (2021) report them" if systems else "",
        f"{NONE}: no ensemble of {' or '.join(collection.scheme(recipe) for recipe in shown if recipe in lacking)}, "
        "because a fold has fewer than two seeds"
        if lacking & set(shown)
        else "",
    )

    def cell(row: Row) -> str:
        return formatted(row["published_percent"]) if row["recipe"] is None else both(row) + row["mark"]

    page = [
        Column("system", lambda r: f"ours: {r['system']}" if r["recipe"] else r["system"], align="l"),
        Column("accuracy", "what", align="l"),
        *(Column(collection.title(dataset), cell, where={"dataset": dataset}) for dataset in datasets),
    ]
    csv = ["system", "recipe", "dataset", "accuracy", "seeds", "expected_seeds", *NUMBERS, "published_percent"]
    frame = frame_of(rows).reindex(columns=[*csv, "what", "mark", "csv_only"])
    return Table(frame, csv, page, caption, ["system", "recipe", "what"], results=done)


def published_systems(datasets: Sequence[str]) -> Iterator[Values]:
    """The paper's systems, a row for each system and dataset."""
    # Each dataset has some of the systems, in the order of published.csv.
    order = dict.fromkeys((line["row"], line["statistic"]) for line in published("table4"))
    for (name, statistic), dataset in itertools.product(order, datasets):
        for line in published("table4", dataset):
            if (line["row"], line["statistic"]) == (name, statistic):
                what = f"paper: {'reported' if statistic == 'reported' else 'best seed'}"
                row = {"system": name, "accuracy": statistic, "dataset": dataset, "what": what}
                yield row | {"published_percent": percent(line)}


def our_systems(collection: Collection) -> Iterator[Values]:
    """Each recipe's mean, its best seed and its ensemble, on each dataset."""
    groups = {(row["recipe"], row["dataset"]): row for row in records(summary(collection.asked_of()))}
    found = ensembles(collection.done(), collection.clips, MEMBERS)
    every = len(collection.params.studies[collection.study].seeds)
    for recipe in collection.recipes:
        of_it = found[found["recipe"] == recipe]
        together = {
            dataset: folds
            for dataset, folds in split(of_it, "dataset").items()
            if set(folds["fold"]) == set(collection.asked_of(dataset, recipe)["fold"])
        }
        counts = [seeds for folds in together.values() for seeds in folds["seeds"]]
        members = "–".join(map(str, sorted({min(counts), max(counts)}))) if counts else ""
        what = f"ensemble of {members} of {every} seeds" if counts else "ensemble of the seeds"
        for dataset in collection.datasets:
            ours, folds = groups[recipe, dataset], together.get(dataset, of_it[:0])
            row = {"system": collection.scheme(recipe), "recipe": recipe, "dataset": dataset, "mark": ""}
            row |= {"seeds": ours["seeds"], "expected_seeds": ours["expected_seeds"]}
            mean = {name: ours[name] for name in NUMBERS} | {"mark": f" {PARTIAL}" if ours["partial"] else ""}
            yield row | mean | {"accuracy": "mean", "what": "mean of single seeds"}
            best = {f"{protocol}_percent": ours[f"{protocol}_max_percent"] for protocol in PROTOCOLS}
            yield row | best | {"accuracy": "best", "what": "best seed"}
            means = {f"{p}_percent": statistics.fmean(folds[f"{p}_ensemble_percent"]) for p in PROTOCOLS if len(folds)}
            seeds = folds["seeds"].min() if len(folds) else 0
            yield row | means | {"accuracy": "ensemble", "what": what, "seeds": seeds}
