"""Means over runs and their 95 % intervals, for all tables and figures.

The values of runs that differ in fold and seed only are a Series with the index (fold, seed). Accuracies are in
percent.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pandas import DataFrame, Series
from scipy.special import stdtrit
from scipy.stats import binomtest, wilcoxon

from soundclr.report.frames import PLACE, Values, split

Protocol = Literal["best_epoch", "last_epoch"]
PROTOCOLS: tuple[Protocol, ...] = ("best_epoch", "last_epoch")

INTERVALS = "95 % intervals (Student's t over folds' means, or over a single fold's seeds)"
"""The name of these intervals in captions: what they are taken over."""

OF_CLIPS = "95 % intervals of a single run's accuracy as a share of its clips (Wilson's)"
"""The name of ``binomial`` intervals in captions."""


def both_epochs(*names: str) -> list[str]:
    """The columns with these names for the best and then for the last epoch."""
    return [f"{protocol}_{name}" for protocol in PROTOCOLS for name in names]


ENOUGH = 3
"""Fewest values to draw an interval for: with two, t = 12.7 makes the bar hide everything."""


@dataclass(frozen=True)
class Mean:
    """The mean over folds, each the mean of its seeds, and half of its 95 % interval (NaN: no interval).

    ``folds``: the folds' means. ``values``: how many folds, or seeds of a single fold, the interval is taken over.
    """

    mean: float
    half: float
    folds: dict[int, float]
    values: int

    @property
    def low(self) -> float:
        """The interval's lower bound."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """The interval's upper bound."""
        return self.mean + self.half

    @property
    def bar(self) -> float:
        """``half``, or NaN where a figure shows no interval because there are too few values."""
        return self.half if self.values >= ENOUGH else math.nan


def over_folds(values: Iterable[tuple[int, float]]) -> Mean:
    """The mean of one value a run, each given with the run's fold, and its interval; NaN without values.

    The seeds of a fold share its clips, so the interval is over folds, not runs. With a single fold it is over seeds,
    and does not cover other clips. A single value has no interval.
    """
    by_fold: dict[int, list[float]] = defaultdict(list)
    for fold, value in values:
        by_fold[fold].append(value)
    if not by_fold:
        return Mean(math.nan, math.nan, {}, 0)
    folds = {fold: statistics.fmean(found) for fold, found in sorted(by_fold.items())}
    units = list(folds.values()) if len(folds) > 1 else by_fold[next(iter(folds))]
    return Mean(statistics.fmean(folds.values()), half_width(units), folds, len(units))


def mean_of(values: Series) -> Mean:
    """The mean over folds of values by fold, or by fold and seed, with its interval."""
    return over_folds(zip(values.index.get_level_values("fold"), values, strict=True))


def paired(ours: Series, theirs: Series) -> Series:
    """Ours minus theirs, on the folds and seeds that both have, in order."""
    return (ours - theirs).dropna().sort_index()


def at_places(rows: DataFrame, protocol: Protocol = "best_epoch") -> Series:
    """The accuracies in percent of finished runs, by fold and seed."""
    return rows.set_index(["fold", "seed"])[f"{protocol}_percent"]


def compare(ours: DataFrame, theirs: DataFrame) -> Values:
    """Ours minus theirs in percentage points, on the folds and seeds that both have finished; {} without any.

    ``pairs``, ``folds``; for each epoch ``_differences`` (all), ``_mean`` (:class:`Mean`), ``_difference_points``,
    ``_low_points``, ``_high_points``, and ``_p`` of the two-sided Wilcoxon signed-rank test.
    """
    found: Values = {}
    for protocol in PROTOCOLS:
        differences = paired(at_places(ours, protocol), at_places(theirs, protocol))
        if not len(differences):
            return {}
        mean = mean_of(differences)
        values: Values = {"differences": differences, "mean": mean, "p": wilcoxon_p(differences)}
        values |= {"difference_points": mean.mean, "low_points": mean.low, "high_points": mean.high}
        found |= {"pairs": len(differences), "folds": len(mean.folds)}
        found |= {f"{protocol}_{name}": value for name, value in values.items()}
    return found


def half_width(values: Sequence[float]) -> float:
    """Half of the 95 % interval of the mean of independent values, by Student's t; NaN for a single value."""
    if len(values) < 2:
        return math.nan
    return float(stdtrit(len(values) - 1, 0.975)) * statistics.stdev(values) / math.sqrt(len(values))


def interval_note(means: Iterable[Mean], what: str = "bars") -> str:
    """The part of a figure's caption that explains its intervals; empty where it shows none."""
    return "" if all(math.isnan(mean.bar) for mean in means) else f"; {what}: {INTERVALS}"


def binomial(right: int, clips: int) -> tuple[float, float]:
    """Wilson's 95 % interval of an accuracy in percent, with ``right`` of so many independent ``clips``.

    It covers the choice of clips for one model, and not other seeds.
    """
    found = binomtest(right, clips).proportion_ci(0.95, method="wilson")
    return 100 * float(found.low), 100 * float(found.high)


def wilcoxon_p(differences: Iterable[float]) -> float:
    """Two-sided p of the signed-rank test, which takes pairs as independent; 1 where no pair differs."""
    # Accuracies are fractions of few clips: without rounding, equal differences would not be ties.
    rounded = [round(difference, 6) for difference in differences]
    return float(wilcoxon(rounded).pvalue) if any(rounded) else 1.0


class Interval(NamedTuple):
    """The ends of a 95 % interval in percent, and its name in captions; NaN and "" where there is none."""

    low: float = math.nan
    high: float = math.nan
    kind: str = ""


def interval(rows: DataFrame, protocol: Protocol) -> Interval:
    """The interval of finished runs' mean accuracy: over folds or, for a single run, over its clips."""
    if len(rows) == 1:
        accuracy, clips = rows[f"{protocol}_percent"].item(), int(rows["clips"].item())
        return Interval(*binomial(round(accuracy / 100 * clips), clips), OF_CLIPS)
    mean = mean_of(at_places(rows, protocol))
    return Interval(mean.low, mean.high, INTERVALS) if mean.values >= ENOUGH else Interval()


def summary(asked: DataFrame) -> DataFrame:
    """A row for each dataset and recipe asked for: how many runs are there, and their accuracies at both epochs.

    ``runs`` of ``expected_runs``; ``seeds`` with all their folds of ``expected_seeds``; ``partial``: there are runs,
    but no such seed. For each epoch ``_percent`` (mean over seeds, each the mean of its folds; where ``partial``, over
    the runs there), ``_std_percent`` (sample standard deviation over seeds) and ``_max_percent`` (the best seed's).
    """
    rows = [dict(zip(PLACE, place, strict=True)) | summarised(group) for place, group in split(asked, PLACE).items()]
    counts = ["runs", "expected_runs", "seeds", "expected_seeds", "partial"]
    return DataFrame(rows, columns=[*PLACE, *counts, *both_epochs("percent", "std_percent", "max_percent")])


def best_percent(done: DataFrame, folds: Series | None = None) -> float:
    """The highest accuracy at the last epoch among the recipes of finished runs, on ``folds``; NaN without any."""
    return float(summary(done if folds is None else done[done["fold"].isin(folds)])["last_epoch_percent"].max())


def summarised(group: DataFrame) -> dict[str, float]:
    """The columns of :func:`summary` for one group of runs."""
    done, folds = group[group["there"]], group["fold"].nunique()
    whole = [found for found in split(done, "seed").values() if len(found) == folds]
    row: dict[str, float] = {"runs": len(done), "expected_runs": len(group), "seeds": len(whole)}
    row |= {"expected_seeds": group["seed"].nunique(), "partial": bool(len(done)) and not whole}
    for protocol in PROTOCOLS:
        seeds = [statistics.fmean(found[f"{protocol}_percent"]) for found in whole]
        row[f"{protocol}_percent"] = statistics.fmean(seeds or done[f"{protocol}_percent"]) if len(done) else math.nan
        known = len(seeds) > 1 and not any(map(math.isnan, seeds))
        row[f"{protocol}_std_percent"] = statistics.stdev(seeds) if known else math.nan
        row[f"{protocol}_max_percent"] = max(seeds, default=math.nan)
    return row


def ensembles(rows: DataFrame, clips: DataFrame, least: int) -> DataFrame:
    """Ensembles of finished runs by mean class probabilities: a row for each fold with at least so many seeds.

    ``dataset``, ``recipe``, ``fold``, ``seeds``; for each epoch ``_ensemble_percent`` and ``_single_percent``, the mean
    accuracy of the single seeds.
    """
    keys = [*PLACE, "fold"]
    by_fold = split(clips.merge(rows[[*keys, "seed"]]), keys)
    found = []
    for place, group in split(rows, keys).items():
        if len(group) < least or place not in by_fold:
            continue
        row = dict(zip(keys, place, strict=True)) | {"seeds": len(group)}
        for protocol, epoch in zip(PROTOCOLS, ("best", "last"), strict=True):
            held_out = by_fold[place][by_fold[place]["epoch"] == epoch]
            mean = held_out.filter(regex=r"^p\d").dropna(axis=1).groupby(held_out["clip"]).mean()
            labels = held_out.groupby("clip")["label"].first()
            row[f"{protocol}_ensemble_percent"] = 100 * float((mean.to_numpy().argmax(axis=1) == labels).mean())
            row[f"{protocol}_single_percent"] = statistics.fmean(group[f"{protocol}_percent"])
        found.append(row)
    return DataFrame(found, columns=[*keys, "seeds", *both_epochs("ensemble_percent", "single_percent")])
