"""Means over runs with the error that folds leave, as the figures show them."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

ERROR = "standard error over folds, a fold being the mean of its seeds"
"""What a caption calls :attr:`Mean.error`."""


@dataclass(frozen=True)
class Mean:
    """The mean over runs, as the tables have it, and its standard error over folds, which one fold has not (nan)."""

    mean: float
    error: float
    folds: dict[int, float]


def over_folds(values: Iterable[tuple[int, float]]) -> Mean:
    """The mean of a value for each run, given with the run's fold; ``folds`` are each fold's means.

    The error counts folds and not runs, since the seeds of a fold share its clips.
    """
    by_fold: dict[int, list[float]] = defaultdict(list)
    for fold, value in values:
        by_fold[fold].append(value)
    folds = {fold: statistics.fmean(found) for fold, found in sorted(by_fold.items())}
    error = statistics.stdev(folds.values()) / math.sqrt(len(folds)) if len(folds) > 1 else math.nan
    return Mean(statistics.fmean(value for found in by_fold.values() for value in found), error, folds)
