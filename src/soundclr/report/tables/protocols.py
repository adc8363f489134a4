"""How far choosing the epoch on the held-out fold flatters each scheme, and what an inner fold would choose."""

from collections.abc import Sequence

from soundclr.params import RunSettings
from soundclr.report.accuracy import NONE, PROTOCOLS, Protocol, covered, number, points
from soundclr.report.collect import Collection, RunResult
from soundclr.report.intervals import over_folds
from soundclr.report.tables.render import Column, Table

HEADER = [
    "dataset",
    "recipe",
    "runs",
    "expected_runs",
    "best_epoch_percent",
    "last_epoch_percent",
    "best_minus_last_points",
    "least_points",
    "greatest_points",
    "inner_recipe",
    "inner_runs",
    "inner_expected_runs",
    "inner_percent",
    "pairs",
    "best_minus_inner_points",
]


def with_validation(settings: RunSettings, validation: str) -> RunSettings:
    """The same settings with every stage's epoch chosen on other clips."""
    stages = [
        stage.model_copy(update={"training": stage.training.model_copy(update={"validation": validation})})
        for stage in settings.stages
    ]
    return settings.model_copy(update={"stages": tuple(stages)})


def inner_recipes(collection: Collection, dataset: str) -> dict[str, str | None]:
    """The recipes of the artefact ``protocols`` whose epoch an inner fold chooses, each with its base recipe.

    The base is the study's own recipe with equal settings but for that; None where the study has none.
    """
    params, study = collection.params, collection.study
    if "protocols" not in collection.expected or dataset not in (params.artefact(study, "protocols").datasets or ()):
        return {}
    own = {recipe: params.resolve(study, dataset, recipe) for recipe in params.studies[study].recipes}
    found: dict[str, str | None] = {}
    for recipe in params.artefact(study, "protocols").recipes or ():
        settings = params.resolve(study, dataset, recipe)
        if settings == with_validation(settings, "inner"):
            base = with_validation(settings, "held_out")
            found[recipe] = next((name for name, other in own.items() if other == base), None)
    return found


def gains(results: Sequence[RunResult]) -> list[float]:
    """Best minus last epoch's accuracy of each run, in percentage points."""
    return [points(result, "best_epoch") - points(result, "last_epoch") for result in results]


def make(collection: Collection) -> Table:
    """A row a scheme: both epochs' accuracies, their difference over runs, and the inner fold's accuracy."""
    params = collection.params
    with_inner = "protocols" in collection.expected
    columns = [Column("dataset", align="l"), Column("scheme", align="l"), Column("runs")]
    columns += [Column("best epoch"), Column("last epoch")]
    columns += [Column("mean", "best − last"), Column("least to greatest", "best − last")]
    columns += [Column(name, "inner fold") for name in ("runs", "accuracy", "best − inner")] if with_inner else []
    data: list[Sequence[object]] = [HEADER]
    lines = []
    for dataset in params.studies[collection.study].datasets:
        inner = inner_recipes(collection, dataset)
        inner_of = {base: recipe for recipe, base in inner.items() if base is not None}
        places = [(recipe, inner_of.get(recipe)) for recipe in params.studies[collection.study].recipes]
        places += [(recipe, recipe) for recipe, base in inner.items() if base is None]
        for recipe, other in places:
            done, expected = collection.of(dataset, recipe), collection.expected_of(dataset, recipe)
            differences = gains(done)
            numbers: list[float | None] = [None] * 5
            if done:
                best, last = (mean(done, protocol) for protocol in PROTOCOLS)
                numbers = [best, last, best - last, min(differences), max(differences)]
            span = f"{number(numbers[3], sign=True)} to {number(numbers[4], sign=True)}" if done else NONE
            texts = [params.datasets[dataset].title, params.recipes[recipe].title, f"{len(done)} of {len(expected)}"]
            texts += [number(numbers[0]), number(numbers[1]), number(numbers[2], sign=True), span]
            chosen = collection.shown("protocols", dataset, other) if other else []
            asked = collection.expected_of(dataset, other, "protocols") if other else []
            accuracy = mean(chosen, "best_epoch") if chosen else None
            pairs = paired(done, chosen)
            flattery = over_folds(pairs).mean if pairs else None
            if with_inner:
                texts += [f"{len(chosen)} of {len(asked)}", number(accuracy), number(flattery, sign=True)]
            lines.append(texts)
            row: list[object] = [dataset, recipe, len(done), len(expected), *numbers]
            data.append([*row, other, len(chosen), len(asked), accuracy, len(pairs), flattery])
    caption = (
        "Held-out accuracy in %, mean over folds, at the epoch that the held-out fold itself chooses (best) and at the "
        "last; their difference in percentage points is what that choice adds. "
        f"{covered(len(collection.own), len(collection.expected[None]))}."
    )
    results = list(collection.own)
    if with_inner:
        results += collection.done(collection.expected["protocols"])
        number_done = len(collection.done(collection.expected["protocols"]))
        caption += (
            " Inner fold: another fold, not learned from, chooses the epoch and the held-out fold is looked at once "
            f"({covered(number_done, len(collection.expected['protocols']))}); best − inner is the mean over the folds "
            "and seeds that both have, and holds both the choice and one fold less to learn from."
        )
    return Table("protocols", "Protocols", caption, columns, lines, data, results)


def mean(results: Sequence[RunResult], protocol: Protocol) -> float:
    """Mean accuracy over folds, each the mean of its seeds, in percent."""
    return over_folds((result.run.fold, points(result, protocol)) for result in results).mean


def paired(base: Sequence[RunResult], inner: Sequence[RunResult]) -> list[tuple[int, float]]:
    """Fold, and best epoch's accuracy minus the inner fold's, for the folds and seeds that both have; points."""
    accuracy = {(r.run.fold, r.run.seed): points(r, "best_epoch") for r in inner}
    places = [((r.run.fold, r.run.seed), points(r, "best_epoch")) for r in base]
    return [(place[0], value - accuracy[place]) for place, value in places if place in accuracy]
