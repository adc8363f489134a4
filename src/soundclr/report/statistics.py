"""Estimates with standard errors, by resampling sources and seeds within folds.

Seeds of one fold are replicates of its training; they are not paired between schemes. Clips of one recording or speaker
are alike. So within each fold two things are drawn: sources, with all of their clips and the same for both sides; and
seeds, separately for each side. Of n, n - 1 are drawn with replacement, which makes the variance of a mean unbiased.

Let V1 be the variance of the estimate when only sources are drawn, V2 when only seeds are, V12 when both are. Their
interaction (one training is wrong on a clip, another is not) is once in V1, once in V2 and three times in V12, so
2 V1 + 2 V2 - V12 has it once. The interval is the estimate plus or minus Student's t times the root of that, with the
degrees of freedom of the seeds.

A single seed does not show how trainings of a fold differ. The standard error is then that of leaving out one fold at
a time, with one degree of freedom less than there are folds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

DRAWS = 10_000
CHUNK = 500  # draws at once: a matrix of draws by sources stays small
LEVEL = 0.95


@dataclass(frozen=True)
class Fold:
    """A value for each clip of a held-out fold and each seed's run, such as 1 where the run is right.

    ``values``: (seeds, clips); ``sources``: (clips,), the number from 0 of each clip's recording or speaker.
    """

    values: Array
    sources: NDArray[np.int64]

    @property
    def totals(self) -> Array:
        """The sum of the values of each source: (seeds, sources)."""
        return np.stack([np.bincount(self.sources, row) for row in self.values])

    @property
    def clips(self) -> Array:
        """The number of clips of each source: (sources,)."""
        return np.bincount(self.sources).astype(float)


Values = Mapping[int, Fold]
"""One side's folds, by their numbers."""

Statistic = Callable[[Array, Array], Array]
"""Computes an estimate from both sides' means over folds and seeds, for any number of draws at once."""


def difference(ours: Array, theirs: Array) -> Array:
    """The first side's mean minus the second's."""
    return ours - theirs


def log_error_ratio(ours: Array, theirs: Array) -> Array:
    """The logarithm of the ratio of errors, from accuracies in [0, 1]; infinite where a side makes no error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log((1 - ours) / (1 - theirs)))


@dataclass(frozen=True)
class Estimate:
    """A value, its standard error, and the degrees of freedom for Student's t."""

    value: float
    error: float
    degrees: float

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """The two-sided interval; NaN without a standard error."""
        half = self.quantile((1 + level) / 2) * self.error
        return self.value - half, self.value + half

    def bound(self, level: float = LEVEL) -> float:
        """The upper end of the one-sided interval."""
        return self.value + self.quantile(level) * self.error

    @property
    def p(self) -> float:
        """The two-sided p of the null hypothesis 0; NaN without a standard error."""
        if self.error == 0:
            return float(self.value == 0)
        return float(2 * stats.t.sf(abs(self.value) / self.error, self.degrees))

    def p_above(self, least: float = 0.0) -> float:
        """The one-sided p of the null hypothesis that the true value is ``least`` or below."""
        if self.error == 0:
            return float(self.value <= least)
        return float(stats.t.sf((self.value - least) / self.error, self.degrees))

    def p_within(self, margin: float) -> float:
        """The larger p of two one-sided tests that the true value lies within ``margin`` of 0."""
        mirrored = Estimate(-self.value, self.error, self.degrees)
        return max(self.p_above(-margin), mirrored.p_above(-margin))

    def power(self, true: float, significance: float = 0.05) -> float:
        """The probability that a two-sided test finds a ``true`` value with this standard error, on its side of 0."""
        if not self.error > 0:
            return math.nan
        critical = self.quantile(1 - significance / 2)
        return float(stats.nct.sf(critical, self.degrees, abs(true) / self.error))

    def power_within(self, margin: float, true: float, significance: float = 0.05) -> float:
        """The probability that two one-sided tests find a ``true`` value to lie within ``margin`` of 0."""
        if not self.error > 0:
            return math.nan
        critical = self.quantile(1 - significance)
        below = stats.nct.cdf(-critical, self.degrees, (true - margin) / self.error)
        above = stats.nct.sf(critical, self.degrees, (true + margin) / self.error)
        return max(0.0, float(below + above - 1))

    def quantile(self, share: float) -> float:
        """The quantile of Student's t."""
        return float(stats.t.ppf(share, self.degrees))


def compare(ours: Values, theirs: Values, statistic: Statistic = difference, draws: int = DRAWS) -> Estimate:
    """Estimate the ``statistic`` of two sides on the same clips of the same folds, each with its own seeds.

    Raises ValueError for sides of other folds or other clips.
    """
    if ours.keys() != theirs.keys() or any(
        not np.array_equal(ours[fold].sources, theirs[fold].sources) for fold in ours
    ):
        raise ValueError("two sides are compared on the same clips of the same folds")
    sides = (ours, theirs)
    value = float(statistic(*(np.array(mean_of(side)) for side in sides)))
    seeds = [len(fold.values) for side in sides for fold in side.values()]
    if min(seeds) < 2:
        return left_out(sides, statistic, value)
    of_sources, of_seeds, of_both = (
        spread(sides, statistic, draws, *drawn) for drawn in ((True, False), (False, True), (True, True))
    )
    variance = max(2 * of_sources + 2 * of_seeds - of_both, of_sources, of_seeds)
    return Estimate(value, math.sqrt(variance), degrees_of_seeds(seeds))


def compare_runs(ours: Mapping[int, Sequence[float]], theirs: Mapping[int, Sequence[float]]) -> Estimate:
    """Estimate the difference of a number a run, from each fold's seeds, on the folds that both sides have."""
    folds = sorted(ours.keys() & theirs.keys())
    means = [np.mean(ours[fold]) - np.mean(theirs[fold]) for fold in folds]
    value, groups = float(np.mean(means)), [np.asarray(side[fold]) for side in (ours, theirs) for fold in folds]
    if min(map(len, groups)) < 2:
        error = float(np.std(means, ddof=1) / math.sqrt(len(folds))) if len(folds) > 1 else math.nan
        return Estimate(value, error, max(len(folds) - 1, 1))
    variance = sum(group.var(ddof=1) / len(group) for group in groups) / len(folds) ** 2
    return Estimate(value, math.sqrt(variance), degrees_of_seeds(list(map(len, groups))))


def degrees_of_seeds(seeds: Sequence[int]) -> float:
    """The sum over folds and sides of the number of seeds minus one."""
    return float(sum(count - 1 for count in seeds))


def mean_of(side: Values, folds: Sequence[int] | None = None) -> float:
    """The mean over ``folds``, by default all, each the mean over its seeds and clips."""
    return float(np.mean([side[fold].values.mean() for fold in (side if folds is None else folds)]))


def left_out(sides: Sequence[Values], statistic: Statistic, value: float) -> Estimate:
    """The estimate with the standard error of leaving out one fold at a time; without one for a single fold."""
    folds = list(sides[0])
    if len(folds) < 2:
        return Estimate(value, math.nan, 1.0)
    without = [[other for other in folds if other != fold] for fold in folds]
    values = np.array([float(statistic(*(np.array(mean_of(side, rest)) for side in sides))) for rest in without])
    if not np.isfinite(values).all():  # the ratio of errors, where a side makes none
        return Estimate(value, math.nan, len(folds) - 1.0)
    variance = (len(folds) - 1) / len(folds) * float(np.sum((values - np.mean(values)) ** 2))
    return Estimate(value, math.sqrt(variance), len(folds) - 1.0)


def spread(sides: Sequence[Values], statistic: Statistic, draws: int, sources: bool, seeds: bool) -> float:
    """The variance of the ``statistic`` over ``draws``, in which ``sources`` or ``seeds`` are drawn, or both."""
    random = np.random.default_rng(0)
    values: list[Array] = []
    for begin in range(0, draws, CHUNK):
        means = drawn_means(sides, min(CHUNK, draws - begin), random, sources, seeds)
        values.append(statistic(*(means / means.shape[1]).sum(axis=1)))
    found = np.concatenate(values)
    return float(found[np.isfinite(found)].var())


def drawn_means(
    sides: Sequence[Values], draws: int, random: np.random.Generator, sources: bool = True, seeds: bool = True
) -> Array:
    """Means of each side and fold over draws of ``sources`` (the same for all sides) and ``seeds`` (each side's own).

    Of a single seed there is nothing to draw. The result is (sides, folds, draws).
    """
    found = np.empty((len(sides), len(sides[0]), draws))
    for place, fold in enumerate(sides[0]):
        clips = sides[0][fold].clips
        weights = drawn(random, draws, len(clips)) if sources else np.ones((1, len(clips)))
        for side, means in zip(sides, found, strict=True):
            totals = side[fold].totals
            each = weights @ totals.T / (weights @ clips)[:, None]  # (draws, seeds)
            by_seed = drawn(random, draws, len(totals)) if seeds else np.ones((1, len(totals)))
            means[place] = (each * by_seed).sum(axis=1) / by_seed.sum(axis=1)
    return found


def drawn(random: np.random.Generator, draws: int, count: int) -> Array:
    """How often each of ``count`` items is drawn, where count - 1 are drawn with replacement: (draws, count)."""
    if count == 1:
        return np.ones((draws, 1))
    return random.multinomial(count - 1, np.full(count, 1 / count), size=draws).astype(float)


def holm(values: Sequence[float], later: int = 0) -> list[float]:
    """Holm's corrected p-values, in the order given, over these and so many ``later`` tests; NaN is not one of them."""
    order = sorted((p, place) for place, p in enumerate(values) if not math.isnan(p))
    corrected, most = [math.nan] * len(values), 0.0
    for rank, (p, place) in enumerate(order):
        most = max(most, min(1.0, (len(order) + later - rank) * p))
        corrected[place] = most
    return corrected


def welch(ours: tuple[float, float], theirs: tuple[float, float], runs: int) -> Estimate:
    """Welch's estimate of the difference of two published means, each with its standard deviation over ``runs``."""
    one, other = (deviation**2 / runs for _, deviation in (ours, theirs))
    degrees = (one + other) ** 2 / ((one**2 + other**2) / (runs - 1))
    return Estimate(ours[0] - theirs[0], math.sqrt(one + other), degrees)
