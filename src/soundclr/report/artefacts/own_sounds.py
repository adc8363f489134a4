"""Your own sounds: what to do next, which clips were wrong, and how each class fares."""

from collections.abc import Iterator
from operator import itemgetter

from pandas import DataFrame

from soundclr.report.artefact import OWN
from soundclr.report.artefacts.classes import f1_scores, macro_f1
from soundclr.report.artefacts.overview import dataset_rows
from soundclr.report.collect import Collection
from soundclr.report.frames import RUN, Values, split
from soundclr.report.table import Column, Table, dataset_column, formatted, frame_of, sentences

FEW_CLIPS = 10
"""A class with fewer clips is named: a fifth of them, held out, is one or two."""

FEW_SOURCES = 3
"""A class from fewer recordings is named: its folds have little in common to learn."""

MIXED_UP = 0.2
"""Two classes are named where at least this share of the one's clips is taken for the other."""

SURE = 0.6
"""A wrong clip may be mislabelled where every run is, in the mean, at least this sure of the same other class."""

UNLEARNT = 0.8
"""A scheme that is right about less than this share of its own training clips has not learnt them."""

MEAN = "(mean)"


def advice(collection: Collection) -> Table:
    """A sentence a row."""
    rows = [
        {"dataset": dataset, "kind": kind, "advice": text}
        for dataset in collection.datasets
        for kind, text in (*accuracy_advice(collection, dataset), *clip_advice(collection, dataset))
    ]
    page = [dataset_column(collection), Column("advice", "advice", align="l")]
    caption = sentences("What these runs suggest; the tables below have the numbers", collection.covered())
    csv = ["dataset", "kind", "advice"]
    return Table(frame_of(rows).reindex(columns=csv), csv, page, caption)


def accuracy_advice(collection: Collection, dataset: str) -> Iterator[tuple[str, str]]:
    """Which scheme to use, what it is worth, and whether it has learnt its own training clips."""
    rows = [row for row in dataset_rows(collection, dataset) if row["kind"] == "chance" or row["runs"]]
    schemes = [row for row in rows if row["kind"] == "scheme"]
    others = [row for row in rows if row["kind"] != "scheme"]
    if not schemes:
        return

    def name(row: Values) -> str:
        return collection.scheme(row["recipe"]) if row["recipe"] else "guessing"

    percent = itemgetter("last_epoch_percent")
    best, beside = max(schemes, key=percent), max(others, key=percent)
    if percent(best) > percent(beside):
        rest = [row for row in (*others, *schemes) if row is not best]
        worth = ", ".join(f"{name(row)} {formatted(percent(row))} %" for row in rest)
        yield "use", f"Use {name(best)}: {formatted(percent(best))} % of the held-out clips are right ({worth})."
        if near := [name(row) for row in rest if percent(row) >= best["low_percent"]]:
            clips = last_clips(collection, dataset)["clip"].nunique()
            yield "unsure", f"{clips} clips do not tell it from {' and '.join(near)}: more clips may change the order."
    else:
        yield (
            "none",
            f"No scheme is better than {name(beside)}, {formatted(percent(beside))} %; the best, {name(best)}, has "
            f"{formatted(percent(best))} %. More clips, or more epochs, may help.",
        )
    epochs = collection.epochs[collection.epochs["dataset"] == dataset]
    for row in schemes:
        its = epochs[epochs["recipe"] == row["recipe"]]
        learnt = its.groupby(RUN)["train_accuracy_percent"].last().mean()
        if learnt < 100 * UNLEARNT:
            text = f"{name(row)} is right about {formatted(learnt)} % of its own training clips: give it more epochs."
            yield "unlearnt", f"{text[:1].upper()}{text[1:]}"


def clip_advice(collection: Collection, dataset: str) -> Iterator[tuple[str, str]]:
    """Classes that are small, or that the best scheme takes for each other, and clips that may be mislabelled."""
    clips = last_clips(collection, dataset)
    if not len(clips):
        return
    one = clips.drop_duplicates("clip")
    for label, group in split(one, "class").items():
        sources = group["source"].nunique()
        if len(group) < FEW_CLIPS or sources < FEW_SOURCES:
            of = f", of {sources} recording{'s' if sources > 1 else ''}" if sources < len(group) else ""
            yield "few", f"{label} has {len(group)} clips{of}: add more, from other recordings."
    means = collection.done(dataset, choice=OWN).groupby("recipe")["last_epoch_percent"].mean()
    its = clips[clips["recipe"] == means.idxmax()]
    for (label, other), group in split(its[~its["right"]], ["class", "predicted"]).items():
        share = len(group) / (its["class"] == label).sum()
        if share >= MIXED_UP:
            yield "mixed_up", f"{label} is taken for {other} in {100 * share:.0f} % of its clips: add clips of both."
    suspects = sum(row["suspect"] == "yes" for row in wrong_rows(collection, dataset))
    if suspects:
        them = "a clip" if suspects == 1 else f"{suspects} clips"
        yield "suspect", f"Listen to {them} in the table of wrong clips: the label may be wrong."


def wrong_clips(collection: Collection) -> Table:
    """A row a clip that any of the study's own runs gets wrong, those that most get wrong first."""
    rows = [row for dataset in collection.datasets for row in wrong_rows(collection, dataset)]
    page = [
        dataset_column(collection),
        Column("clip", "clip", align="l"),
        Column("class", "class", align="l"),
        Column("taken for", "predicted", align="l"),
        Column("wrong in", lambda row: f"{row['wrong']} of {row['runs']}"),
        Column("probability", "probability"),
        Column("note", lambda row: "may be mislabelled" if row["suspect"] == "yes" else "", align="l"),
    ]
    csv = ["dataset", "clip", "class", "predicted", "wrong", "runs", "probability", "suspect"]
    caption = sentences(
        "Held-out clips that a run of the study's own takes for another class at the last epoch: the class that most "
        "of these runs take it for, and their mean probability of that",
        f"A clip may be mislabelled where all agree on the other class, at a mean probability of {SURE:g} or more",
        collection.covered(),
    )
    return Table(frame_of(rows).reindex(columns=csv), csv, page, caption)


def wrong_rows(collection: Collection, dataset: str) -> list[Values]:
    """The wrong clips of a dataset."""
    rows = []
    for clip, held_out in split(last_clips(collection, dataset), "clip").items():
        wrong = held_out[~held_out["right"]]
        if not len(wrong):
            continue
        predicted = wrong["predicted"].value_counts().index[0]
        agreeing = wrong[wrong["predicted"] == predicted]
        probability = float(agreeing.filter(regex=r"^p\d").max(axis=1).mean())
        suspect = len(agreeing) == len(held_out) and probability >= SURE
        row = {"dataset": dataset, "clip": clip, "class": held_out["class"].iloc[0], "predicted": predicted}
        row |= {"wrong": len(wrong), "runs": len(held_out), "probability": probability}
        rows.append({**row, "suspect": "yes" if suspect else "no"})
    return sorted(rows, key=lambda row: (-row["wrong"] / row["runs"], -row["probability"], row["clip"]))


def f1(collection: Collection) -> Table:
    """A row a class, a column a scheme, and the classes' mean."""
    rows = []
    for dataset in collection.datasets:
        clips = last_clips(collection, dataset)
        scores = {one: {**f1_scores(its), MEAN: macro_f1(its)} for one, its in split(clips, "recipe").items()}
        for label in [*sorted(clips["class"].unique()), MEAN]:
            its = (clips if label == MEAN else clips[clips["class"] == label]).drop_duplicates("clip")
            row = {"dataset": dataset, "class": label, "clips": len(its), "sources": its["source"].nunique()}
            rows += [{**row, "recipe": recipe, "f1_percent": found.get(label)} for recipe, found in scores.items()]
    csv = ["dataset", "class", "clips", "sources", "recipe", "f1_percent"]
    page = [dataset_column(collection), Column("class", "class", align="l")]
    page += [Column("clips", "clips"), Column("recordings", "sources")]
    page += [Column(collection.scheme(one), "f1_percent", where={"recipe": one}) for one in collection.recipes]
    caption = sentences(
        "F1 of each class in %, of all held-out clips at the last epoch, and the classes' mean (macro-F1), in which a "
        "rare class counts as much as a common one",
        collection.covered(),
    )
    return Table(frame_of(rows).reindex(columns=csv), csv, page, caption, line=["dataset", "class"])


def last_clips(collection: Collection, dataset: str) -> DataFrame:
    """The held-out clips of a dataset's own runs at the last epoch."""
    clips = collection.clips
    return clips[clips["epoch"] == "last"].merge(collection.done(dataset, choice=OWN)[RUN])
