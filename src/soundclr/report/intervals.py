"""A mean over runs and its 95 % interval: the one way in which tables and figures say what chance leaves open."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

INTERVALS = "95 % intervals (Student's t over folds' means, or over a single fold's seeds)"
"""What a caption calls them: an interval without its unit says nothing."""

OF_CLIPS = "95 % intervals of a single run's accuracy as a share of its clips (Wilson's)"
"""What a caption calls those of ``binomial``."""

ENOUGH = 3
"""Values that a figure draws an interval of: that of two is 13 times as wide as they lie apart, and hides all."""


@dataclass(frozen=True)
class Mean:
    """The mean over folds, each the mean of its seeds, and half of its 95 % interval; nan where there is none.

    ``folds`` are the folds' means, ``values`` how many folds, or seeds of a single fold, the interval is of.
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
        """``half`` where a figure shows it, else nan."""
        return self.half if self.values >= ENOUGH else math.nan


def over_folds(values: Iterable[tuple[int, float]]) -> Mean:
    """The mean of a value for each run, given with the run's fold, and its interval.

    The seeds of a fold share its clips, so the interval counts folds and not runs. With a single fold it is of the
    seeds, and says nothing of other clips. A single value has none.
    """
    by_fold: dict[int, list[float]] = defaultdict(list)
    for fold, value in values:
        by_fold[fold].append(value)
    folds = {fold: statistics.fmean(found) for fold, found in sorted(by_fold.items())}
    units = list(folds.values()) if len(folds) > 1 else by_fold[next(iter(folds))]
    return Mean(statistics.fmean(folds.values()), half_width(units), folds, len(units))


def half_width(values: Sequence[float]) -> float:
    """Half of the 95 % interval of the mean of independent values, by Student's t; nan for a single value."""
    if len(values) < 2:
        return math.nan
    from scipy.special import stdtrit

    return float(stdtrit(len(values) - 1, 0.975)) * statistics.stdev(values) / math.sqrt(len(values))


def binomial(right: int, clips: int) -> tuple[float, float]:
    """The 95 % interval (Wilson's) of an accuracy in percent, where ``right`` of so many independent clips are.

    What the choice of clips leaves open of a single model; it says nothing of other seeds.
    """
    from scipy.stats import binomtest

    found = binomtest(right, clips).proportion_ci(0.95, method="wilson")
    return 100 * float(found.low), 100 * float(found.high)
