"""Accuracy under noise: by its strength, by signal-to-noise ratio, and the area under that curve."""

import itertools
import statistics
from collections.abc import Iterator
from typing import Any

from soundclr.evaluation.conditions import Noise
from soundclr.params import EvaluationSettings
from soundclr.report.accuracy import number
from soundclr.report.artefact import EVALUATED, Artefact
from soundclr.report.collect import Collection
from soundclr.report.evaluations import Evaluation
from soundclr.report.intervals import over_folds
from soundclr.report.table import Column, Record, Table, dataset_column, sentences


def level(noise: Noise) -> str:
    """What the table calls a noise's level; that of all of a colour's ratios is the area."""
    if noise.sigma is not None:
        return f"σ = {noise.sigma:g}"
    return "area" if noise.snr_db is None else f"{number_of_db(noise.snr_db)} dB"


def number_of_db(value: float) -> str:
    """A ratio in dB, with a minus sign and not a hyphen."""
    return f"{value:g}".replace("-", "−")


def noises(settings: EvaluationSettings) -> Iterator[Noise]:
    """All noises of a table, in its order."""
    yield from (Noise("white", sigma=sigma) for sigma in settings.sigmas)
    for colour in settings.noises:
        yield from (Noise(colour, snr_db=ratio) for ratio in settings.snr)
        yield Noise(colour)


def accuracy(evaluation: Evaluation, noise: Noise) -> float:
    """A run's accuracy under a noise, in percent; of all ratios: the area under accuracy against dB, over its range.

    The area is the trapezoid rule's, divided by the range of ratios, so that it is a mean accuracy; of a single ratio
    it is its accuracy.
    """
    heard = {(a.noise, a.sigma, a.snr_db): 100 * a.accuracy for a in evaluation.record.accuracy}
    if noise.sigma is not None or noise.snr_db is not None:
        return heard[noise.colour, noise.sigma, noise.snr_db]
    points = sorted(
        (ratio, value) for (colour, _, ratio), value in heard.items() if ratio is not None and colour == noise.colour
    )
    steps = [((x, y), (u, v)) for (x, y), (u, v) in itertools.pairwise(points)]
    area = sum((u - x) * (y + v) / 2 for (x, y), (u, v) in steps)
    return area / (points[-1][0] - points[0][0]) if steps else points[0][1]


def by_recipe(collection: Collection, dataset: str) -> dict[str, list[Evaluation]]:
    """The evaluations of a dataset's runs, by recipe in the study's order; a recipe without any is left out."""
    found = {recipe: collection.evaluated(dataset, recipe) for recipe in collection.recipes_of(EVALUATED)}
    return {recipe: evaluations for recipe, evaluations in found.items() if evaluations}


def make(collection: Collection) -> Table:
    """A row a noise, a column a scheme: mean over evaluated folds."""
    recipes = collection.recipes_of(EVALUATED)
    records = [
        record(collection, dataset, recipe, noise)
        for dataset in collection.datasets_of(EVALUATED)
        for noise in noises(collection.params.evaluation)
        for recipe in recipes
    ]
    columns = [
        dataset_column(collection),
        Column("recipe"),
        Column("noise", "noise", align="l"),
        Column(name="level", show=lambda record: record["level"], align="l"),
        *(Column(name=collection.scheme(r), show=shown, where={"recipe": r}) for r in recipes),
        Column("sigma", form="g"),
        Column("snr_db", form="g"),
        *map(Column, ("measure", "runs", "expected_runs", "accuracy_percent", "std_percent")),
    ]
    caption = sentences(
        "Held-out accuracy in % under noise added to the waveforms, mean over evaluated folds; the same noise for all "
        "schemes, models of the last epoch. σ: standard deviation of white noise on waveforms in [−1, 1]; dB: ratio of "
        "a clip's mean power to the noise's; area: under accuracy against dB, divided by the range of dB",
        collection.covered(EVALUATED),
    )
    return Table(columns, records, caption, collection.shown(ARTEFACT), line=["dataset", "noise", "level"])


def record(collection: Collection, dataset: str, recipe: str, noise: Noise) -> dict[str, Any]:
    """A scheme under a noise."""
    places = [(found.run.fold, accuracy(found, noise)) for found in collection.evaluated(dataset, recipe)]
    values = [value for _, value in places]
    return {
        "dataset": dataset,
        "recipe": recipe,
        "noise": noise.colour,
        "level": level(noise),
        "sigma": noise.sigma,
        "snr_db": noise.snr_db,
        "measure": "area" if level(noise) == "area" else "accuracy",
        "runs": len(values),
        "expected_runs": len(collection.expected_of(dataset, recipe, EVALUATED)),
        "accuracy_percent": over_folds(places).mean if places else None,
        "std_percent": statistics.stdev(values) if len(values) > 1 else None,
        "csv_only": not collection.evaluated(dataset),
    }


def shown(record: Record) -> str:
    """The mean."""
    return number(record["accuracy_percent"])


ARTEFACT = Artefact("robustness", "Robustness to noise", "table", make, runs=EVALUATED)
