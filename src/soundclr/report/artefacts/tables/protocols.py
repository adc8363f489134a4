"""What choosing the epoch on the held-out fold adds for each scheme, and what an inner fold would choose."""

from typing import Any

from soundclr.params import RunSettings
from soundclr.report.accuracy import by_fold, gains, mean_of, paired
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.table import Column, Record, Table, place_columns, sentences, span

INNER = "protocols"
"""The study's artefact with the runs whose epoch an inner fold chooses."""


def with_validation(settings: RunSettings, validation: str) -> RunSettings:
    """The same settings with every stage's epoch chosen on other clips."""
    stages = [
        stage.model_copy(update={"training": stage.training.model_copy(update={"validation": validation})})
        for stage in settings.stages
    ]
    return settings.model_copy(update={"stages": tuple(stages)})


def inner_recipes(collection: Collection, dataset: str) -> dict[str, str | None]:
    """The recipes on a dataset whose epoch an inner fold chooses, each with its base recipe.

    The base is the study's own recipe with equal settings but for that; None where the study has none.
    """
    params, study = collection.params, collection.study
    own = {recipe: params.resolve(study, dataset, recipe) for recipe in collection.recipes}
    found: dict[str, str | None] = {}
    for recipe in dict.fromkeys(run.recipe for run in collection.expected_of(dataset, choice=INNER)):
        settings = params.resolve(study, dataset, recipe)
        if settings == with_validation(settings, "inner"):
            base = with_validation(settings, "held_out")
            found[recipe] = next((name for name, other in own.items() if other == base), None)
    return found


def make(collection: Collection) -> Table:
    """A row a scheme: both epochs' accuracies, their difference over runs, and the inner fold's accuracy."""
    records = []
    for dataset in collection.datasets:
        inner = inner_recipes(collection, dataset)
        inner_of = {base: recipe for recipe, base in inner.items() if base is not None}
        places = [(recipe, inner_of.get(recipe)) for recipe in collection.recipes]
        places += [(recipe, recipe) for recipe, base in inner.items() if base is None]
        records += [record(collection, dataset, *place) for place in places]
    with_inner = INNER in collection.expected
    caption = sentences(
        "Held-out accuracy in %, mean over folds, at the epoch that the held-out fold itself chooses (best) and at the "
        "last; their difference in percentage points is what that choice adds",
        collection.covered(),
        "Inner fold: another fold, not learned from, chooses the epoch and the held-out fold is looked at once "
        f"({collection.covered(INNER)}); best − inner is the mean over the folds and seeds that both have, and holds "
        "both the choice and one fold less to learn from"
        if with_inner
        else "",
    )
    return Table(columns(collection, with_inner), records, caption, collection.shown(ARTEFACT))


def record(collection: Collection, dataset: str, recipe: str, inner: str | None) -> Record:
    """A scheme on a dataset, and the runs of the recipe ``inner`` beside."""
    done, chosen = collection.of(dataset, recipe), collection.of(dataset, inner, INNER) if inner else []
    asked = collection.expected_of(dataset, inner, INNER) if inner else []
    pairs, gained = paired(done, chosen), gains(done).values()
    best = by_fold(done).mean if done else None
    last = by_fold(done, "last_epoch").mean if done else None
    return {
        "dataset": dataset,
        "recipe": recipe,
        "runs": len(done),
        "expected_runs": len(collection.expected_of(dataset, recipe)),
        "best_epoch_percent": best,
        "last_epoch_percent": last,
        "best_minus_last_points": None if best is None or last is None else best - last,
        "least_points": min(gained, default=None),
        "greatest_points": max(gained, default=None),
        "inner_recipe": inner,
        "inner_runs": len(chosen),
        "inner_expected_runs": len(asked),
        "inner_percent": by_fold(chosen).mean if chosen else None,
        "pairs": len(pairs),
        "best_minus_inner_points": mean_of(pairs).mean if pairs else None,
    }


def columns(collection: Collection, with_inner: bool) -> list[Column]:
    """The columns, those of the inner fold on the page only ``with_inner``."""

    def inner(key: str, name: str, **how: Any) -> Column:
        return Column(key, name if with_inner else "", "inner fold", **how)

    return [
        *place_columns(collection),
        Column("best_epoch_percent", "best epoch"),
        Column("last_epoch_percent", "last epoch"),
        Column("best_minus_last_points", "mean", "best − last", sign=True),
        Column("least_points", "least to greatest", "best − last", span("least_points", "greatest_points")),
        Column("greatest_points"),
        Column("inner_recipe"),
        inner("inner_runs", "runs", show=lambda r: f"{r['inner_runs']} of {r['inner_expected_runs']}"),
        Column("inner_expected_runs"),
        inner("inner_percent", "accuracy"),
        Column("pairs"),
        inner("best_minus_inner_points", "best − inner", sign=True),
    ]


ARTEFACT = Artefact("protocols", "Protocols", "table", make, also=INNER)
