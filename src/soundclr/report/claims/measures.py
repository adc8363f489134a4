"""The measures of claims: a value for each clip where runs recorded it, else a number for each run.

Values a clip can be resampled by source and by seed. A number a run is a fold with a single value, and can be resampled
by seed only.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from soundclr.report.collect import Collection
from soundclr.report.frames import RUN, split
from soundclr.report.statistics import Fold, Values

SIGMAS = (1e-4, 5e-4, 1e-3)
"""The standard deviations of white noise, on waveforms in [-1, 1]."""

SHARE, END = 0.95, 0.1
"""A run has converged at this share of its own final accuracy, the mean over the last tenth of its epochs."""

SMALLEST = 1e-6
"""The least probability of a class, which runs record to six digits."""

Take = Callable[[Collection, str, Sequence[str]], Values]
"""From a collection, a dataset and recipes, which are pooled, to values by fold."""


@dataclass(frozen=True)
class Measure:
    """A measure of two sides. `better`: -1 where less is better. `points`: it is in percentage points of clips."""

    unit: str
    values: Take
    better: int = 1
    points: bool = True
    versus: Take | None = None
    """Measures the other side, where that is something else, such as single runs beside an ensemble."""
    what: str = ""
    """What it is, where `values` alone does not tell."""


def accuracy(collection: Collection, dataset: str, recipes: Sequence[str], epoch: str = "last") -> Values:
    """100 where a run is right about a held-out clip, by default after its last epoch."""
    return by_fold(clips_at(collection, dataset, recipes, epoch))


def log_loss(collection: Collection, dataset: str, recipes: Sequence[str]) -> Values:
    """Minus the logarithm of the probability that a run gives a held-out clip's class after its last epoch."""
    clips = clips_at(collection, dataset, recipes)
    rows, probabilities = np.arange(len(clips)), clips.filter(regex=r"^p\d+$").to_numpy(dtype=float)
    of_class = probabilities[rows, clips["label"].to_numpy(dtype=int)] if len(clips) else np.zeros(0)
    return by_fold(clips.assign(value=-np.log(np.maximum(of_class, SMALLEST))))


def under_noise(
    collection: Collection, dataset: str, recipes: Sequence[str], sigmas: Sequence[float] = SIGMAS, drop: bool = True
) -> Values:
    """Accuracy without noise minus accuracy with noise, mean over `sigmas`; without `drop` the latter only.

    A value a clip where every evaluation of the recipes recorded its answers, else a number a run.
    """
    answers, accuracies = (rows_of(frame, dataset, recipes) for frame in (collection.answers, collection.noise))
    by_clip = under_white(answers.assign(value=percent_right(answers)), [*RUN, "clip", "source"], sigmas)
    recorded = by_clip[0].reset_index()[RUN].drop_duplicates()
    whole = all(map(len, by_clip)) and len(recorded) == len(accuracies[RUN].drop_duplicates())
    levels = by_clip if whole else under_white(accuracies.assign(value=accuracies["accuracy_percent"]), RUN, sigmas)
    noisy = pd.concat(levels[1:], axis=1).mean(axis=1, skipna=False)
    found = (levels[0] - noisy if drop else noisy).rename("value")
    return by_fold(found.reset_index()) if whole else runs_by_fold(found)


def under_white(rows: DataFrame, keys: list[str], sigmas: Sequence[float]) -> list[Series]:
    """The column `value` without noise, then under white noise with each standard deviation, indexed by `keys`."""
    white = rows[rows["noise"] == "white"].set_index(keys)
    return [white["value"][np.isclose(white["sigma"], sigma, atol=0, rtol=1e-6)] for sigma in (0.0, *sigmas)]


def distance(collection: Collection, dataset: str, recipes: Sequence[str], space: str, what: str) -> Values:
    """A mean cosine distance, or the ratio of two, in a space: "h", "projection" (z) or "logits"."""
    rows = rows_of(collection.distances, dataset, recipes)
    return runs_by_fold(rows[rows["space"] == space].set_index(RUN)[what])


def to_own_share(
    collection: Collection, dataset: str, recipes: Sequence[str], of: str = "val_accuracy_percent", what: str = "epochs"
) -> Values:
    """Epochs or seconds, over all stages, until a run's accuracy is at 95 % of its own final one."""
    return each_run(collection, dataset, recipes, of, lambda run: first_at_share(run, of, what))


def first_at_share(run: DataFrame, of: str, what: str) -> float:
    """The epochs or seconds that one run takes to reach its share; `run` has its epochs in order."""
    values = run[of].reset_index(drop=True)
    ends = values.tail(max(1, round(END * len(values)))).dropna()
    end = (ends if len(ends) else values.dropna().tail(1)).mean()  # probes may not be of the last epoch
    reached = values.index[values >= SHARE * end]
    if not len(reached):
        return math.nan
    return float(reached[0] + 1) if what == "epochs" else float(run["seconds"].head(int(reached[0]) + 1).sum())


def probe_at_end(collection: Collection, dataset: str, recipes: Sequence[str]) -> Values:
    """Accuracy in percent of the last linear probe during training."""
    of = "probe_accuracy_percent"
    return each_run(collection, dataset, recipes, of, lambda run: float(run[of].dropna().iloc[-1]))


def each_run(
    collection: Collection, dataset: str, recipes: Sequence[str], of: str, value_of: Callable[[DataFrame], float]
) -> Values:
    """A number from each run's epochs, for the runs that recorded the column `of`."""
    epochs = rows_of(collection.epochs, dataset, recipes)
    if not len(epochs) or of not in epochs:
        return {}
    recorded = epochs[epochs.groupby(RUN)[of].transform("count") > 0]
    rows = [[*place, value_of(run)] for place, run in split(recorded, RUN).items()]
    return runs_by_fold(DataFrame(rows, columns=[*RUN, "value"]).set_index(RUN)["value"])


def ensemble(collection: Collection, dataset: str, recipes: Sequence[str]) -> Values:
    """100 where the mean class probabilities of a fold's seeds are right about a clip."""
    clips = clips_at(collection, dataset, recipes)
    seeds = clips.groupby("fold")["seed"].transform("nunique")
    columns = list(clips.filter(regex=r"^p\d+$").columns)
    means = clips[seeds > 1].groupby(["fold", "clip", "source", "label"], sort=False)[columns].mean()
    guesses = means.fillna(-1).to_numpy().argmax(axis=1) if len(means) else np.zeros(0)
    found = means.reset_index()[["fold", "clip", "source", "label"]]
    return by_fold(found.assign(recipe="", seed=0, value=100.0 * (guesses == found["label"])))


def best_seed(collection: Collection, dataset: str, recipes: Sequence[str]) -> Values:
    """100 where the run of the seed that is best over all folds is right about a clip."""
    clips = clips_at(collection, dataset, recipes)
    if not len(clips):
        return {}
    by_seed = clips.groupby(["seed", "fold"])["right"].mean().groupby("seed").mean()
    return by_fold(clips[clips["seed"] == by_seed.idxmax()])


def clips_at(collection: Collection, dataset: str, recipes: Sequence[str], epoch: str = "last") -> DataFrame:
    """The held-out clips of some recipes' runs at an epoch, with the `value` 100 where a run is right."""
    clips = rows_of(collection.clips, dataset, recipes)
    clips = clips[clips["epoch"] == epoch]
    return clips.assign(value=percent_right(clips))


def percent_right(rows: DataFrame) -> Series:
    """100 where a row is right, else 0."""
    return 100.0 * rows["right"].astype(float)


def rows_of(frame: DataFrame, dataset: str, recipes: Sequence[str]) -> DataFrame:
    """A frame's rows of some recipes on a dataset."""
    return frame[(frame["dataset"] == dataset) & frame["recipe"].isin(recipes)]


def by_fold(rows: DataFrame) -> Values:
    """Values a clip, by fold; `rows` has recipe, fold, seed, clip, source and value."""
    found: dict[int, Fold] = {}
    for fold in sorted(set(rows["fold"])):
        part = rows[rows["fold"] == fold]
        table = part.pivot_table(index=["clip", "source"], columns=["recipe", "seed"], values="value").dropna(axis=1)
        sources = pd.factorize(table.index.get_level_values("source"))[0]
        found[int(fold)] = Fold(table.to_numpy().T, sources)
    return found


def runs_by_fold(values: Series) -> Values:
    """A number a run, by fold; `values` is indexed by run."""
    known = values.dropna()
    folds = known.index.get_level_values("fold")
    return {
        int(fold): Fold(known[folds == fold].to_numpy(dtype=float)[:, None], np.zeros(1, dtype=np.int64))
        for fold in sorted(set(folds))
    }


MEASURES: dict[str, Measure] = {
    "accuracy": Measure("points", accuracy),
    "equivalence": Measure("points", accuracy, what="Accuracies whose difference is to lie within 1.5 points."),
    "best_of_several": Measure("points", accuracy, what="Accuracy, against the best of the others."),
    "folds": Measure("folds", accuracy, what="In how many folds one side is as accurate as each other, or more."),
    "accuracy_chosen_inside": Measure("points", partial(accuracy, epoch="best")),
    "log_loss": Measure("nats", log_loss, better=-1, points=False),
    "ensemble": Measure("points", ensemble, versus=accuracy),
    "ensemble_over_best": Measure("points", ensemble, versus=best_seed),
    "drop_under_noise": Measure("points of drop", under_noise, better=-1),
    "accuracy_under_noise": Measure("points", partial(under_noise, drop=False)),
    "epochs_to_own_share": Measure("epochs", to_own_share, better=-1, points=False),
    "seconds_to_own_share": Measure("seconds", partial(to_own_share, what="seconds"), better=-1, points=False),
    "probe_accuracy": Measure("points", probe_at_end),
    "probe_epochs_to_own_share": Measure(
        "epochs", partial(to_own_share, of="probe_accuracy_percent"), better=-1, points=False
    ),
    **{
        f"drop_at_sigma_{sigma:g}": Measure("points of drop", partial(under_noise, sigmas=(sigma,)), better=-1)
        for sigma in SIGMAS
    },
    **{
        f"{name}_{title}": Measure(unit, partial(distance, space=space, what=what), better, points=False)
        for name, what, unit, better in (
            ("between_class_distance", "inter", "of distance", 1),
            ("distance_ratio", "ratio", "of ratio", -1),
        )
        for space, title in (("h", "h"), ("projection", "z"), ("logits", "logits"))
    },
}
"""The measures by their names in claims.yaml and in registrations."""
