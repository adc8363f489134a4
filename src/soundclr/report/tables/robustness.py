"""Accuracy under noise: Figure 5's data, by signal-to-noise ratio, and the area under that curve."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from soundclr.report.accuracy import covered, number
from soundclr.report.collect import Collection, RunResult
from soundclr.report.evaluations import Evaluation
from soundclr.report.intervals import over_folds
from soundclr.report.tables.render import Column, Table

HEADER = [
    "dataset",
    "recipe",
    "noise",
    "sigma",
    "snr_db",
    "measure",
    "runs",
    "expected_runs",
    "accuracy_percent",
    "std_percent",
]


@dataclass(frozen=True)
class Heard:
    """A noise: white of standard deviation ``sigma``, or of a colour at ``snr`` dB, or all of a colour's ratios."""

    noise: str
    sigma: float | None = None
    snr: float | None = None

    @property
    def title(self) -> str:
        """What the table calls it."""
        if self.sigma is not None:
            return f"σ = {self.sigma:g}"
        return "area" if self.snr is None else f"{number_of_db(self.snr)} dB"


def number_of_db(value: float) -> str:
    """A ratio in dB, with a minus sign and not a hyphen."""
    return f"{value:g}".replace("-", "−")


def accuracy(evaluation: Evaluation, heard: Heard) -> float:
    """A run's accuracy under a noise, in percent; of all ratios: the area under accuracy against dB, over its range.

    The area is the trapezoid rule's, divided by the range of ratios, so that it is a mean accuracy.
    """
    table = evaluation.accuracy[evaluation.accuracy["noise"] == heard.noise]
    if heard.sigma is not None:
        return 100 * float(table.loc[table["sigma"] == heard.sigma, "accuracy"].iloc[0])
    if heard.snr is not None:
        return 100 * float(table.loc[table["snr_db"] == heard.snr, "accuracy"].iloc[0])
    return 100 * area(table[table["snr_db"].notna()])


def area(table: pd.DataFrame) -> float:
    """Area under accuracy against dB divided by its range; of a single ratio, its accuracy."""
    ordered = table.sort_values("snr_db")
    ratios, values = ordered["snr_db"].to_numpy(), ordered["accuracy"].to_numpy()
    return float(np.trapezoid(values, ratios) / np.ptp(ratios)) if len(ratios) > 1 else float(values[0])


def make(collection: Collection) -> Table:
    """A row a noise, a column a scheme: mean over evaluated folds."""
    params, settings = collection.params, collection.params.evaluation
    chosen = params.artefact(collection.study, "figure5")
    datasets, recipes = chosen.datasets or (), chosen.recipes or ()
    noises = [Heard("white", sigma=sigma) for sigma in settings.sigmas]
    for noise in settings.noises:
        noises += [*(Heard(noise, snr=ratio) for ratio in settings.snr), Heard(noise)]
    columns = [Column("dataset", align="l"), Column("noise", align="l"), Column("level", align="l")]
    columns += [Column(params.recipes[recipe].title) for recipe in recipes]
    data: list[Sequence[object]] = [HEADER]
    lines = []
    for dataset in datasets:
        evaluated = {recipe: collection.evaluated(dataset, recipe) for recipe in recipes}
        for heard in noises:
            texts = [params.datasets[dataset].title, heard.noise, heard.title]
            for recipe in recipes:
                places = [(e.run.fold, accuracy(e, heard)) for e in evaluated[recipe]]
                values = [value for _, value in places]
                level = [None if v is None else f"{v:g}" for v in (heard.sigma, heard.snr)]
                measure = "area" if heard.title == "area" else "accuracy"
                counts = [len(values), len(collection.expected_of(dataset, recipe, "figure5"))]
                mean = over_folds(places).mean if places else None
                std = statistics.stdev(values) if len(values) > 1 else None
                texts.append(number(mean))
                data.append([dataset, recipe, heard.noise, *level, measure, *counts, mean, std])
            if any(evaluated.values()):
                lines.append(texts)
    caption = (
        "Held-out accuracy in % under noise added to the waveforms, mean over evaluated folds; the same noise for all "
        "schemes, models of the last epoch. σ: standard deviation of white noise on waveforms in [−1, 1]; dB: ratio of "
        "a clip's mean power to the noise's; area: under accuracy against dB, divided by the range of dB. "
        f"{evaluated_of(collection)}."
    )
    return Table("robustness", "Robustness to noise", caption, columns, lines, data, shown(collection))


def evaluated_of(collection: Collection) -> str:
    """How many of Figure 5's runs have been evaluated."""
    text = covered(len(collection.evaluations), len(collection.expected["figure5"])) + " evaluated"
    aside = len(collection.evaluations_set_aside)
    return text + (f"; {aside} evaluations of other settings or runs set aside" if aside else "")


def shown(collection: Collection) -> list[RunResult]:
    """The runs that have been evaluated."""
    return collection.done([run for run in collection.expected["figure5"] if run in collection.evaluations])
