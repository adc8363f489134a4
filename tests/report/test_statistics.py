"""Estimates, their intervals and tests: by hand, against scipy, and their coverage where the truth is known."""

import itertools

import numpy as np
import pytest
from scipy import stats

from soundclr.report.statistics import (
    Estimate,
    Fold,
    compare,
    compare_runs,
    difference,
    holm,
    log_error_ratio,
    spread,
    welch,
)

FOLDS, SOURCES, CLIPS = 5, 60, 80


def fold(values: object, sources: object = None) -> Fold:
    rows = np.atleast_2d(np.asarray(values, dtype=float))
    return Fold(rows, np.arange(rows.shape[1]) if sources is None else np.asarray(sources))


def test_the_value_is_the_mean_over_folds_of_the_means_over_seeds() -> None:
    ours = {1: fold([[1, 1], [1, 0]]), 2: fold([[1, 0, 0, 0], [1, 1, 0, 0]])}
    theirs = {1: fold([[0, 0], [1, 0]]), 2: fold([[0, 0, 0, 0], [1, 0, 0, 0]])}
    assert compare(ours, theirs).value == pytest.approx((0.75 + 0.375) / 2 - (0.25 + 0.125) / 2)
    ratio = compare(ours, theirs, log_error_ratio, draws=100).value
    assert np.exp(ratio) == pytest.approx((1 - 0.5625) / (1 - 0.1875))


def test_the_variances_of_single_draws_are_those_of_means() -> None:
    """By the formulas for a mean: of sources with the same number of clips, and of seeds."""
    random = np.random.default_rng(0)
    ours, theirs = ({1: fold(random.random((3, 50)))} for _ in range(2))
    between = (ours[1].values.mean(0) - theirs[1].values.mean(0)).var(ddof=1) / 50
    assert spread((ours, theirs), difference, 20_000, True, False) == pytest.approx(between, rel=0.05)
    seeds = sum(side[1].values.mean(1).var(ddof=1) / 3 for side in (ours, theirs))
    assert spread((ours, theirs), difference, 20_000, False, True) == pytest.approx(seeds, rel=0.05)


def test_clips_of_a_source_are_drawn_together() -> None:
    """Ten copies of each clip, all of its source, are no more evidence than one."""
    random = np.random.default_rng(0)
    one, other = random.random((2, 3, 40))
    single = compare({1: fold(one)}, {1: fold(other)}, draws=2000)
    sources = np.repeat(np.arange(40), 10)
    copied = [{1: fold(np.repeat(rows, 10, axis=1), sources)} for rows in (one, other)]
    assert compare(*copied, draws=2000).error == pytest.approx(single.error)


def test_one_seed_is_students_t_over_folds() -> None:
    random = np.random.default_rng(0)
    ours, theirs = ({f: fold(random.random((1, 30))) for f in range(1, 6)} for _ in range(2))
    found = compare(ours, theirs)
    pairs = [ours[f].values.mean() - theirs[f].values.mean() for f in ours]
    low, high = stats.ttest_1samp(pairs, 0).confidence_interval()
    assert found.interval() == (pytest.approx(low), pytest.approx(high))
    assert found.p == pytest.approx(stats.ttest_1samp(pairs, 0).pvalue)
    by_run = compare_runs({f: [pair] for f, pair in enumerate(pairs)}, {f: [0.0] for f in range(5)})
    assert (by_run.error, by_run.degrees) == (pytest.approx(found.error), found.degrees)


def test_other_clips_are_not_compared() -> None:
    for theirs in ({2: fold([1, 0])}, {1: fold([1, 0], [0, 0])}):
        with pytest.raises(ValueError, match="the same clips"):
            compare({1: fold([1, 0])}, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("rule", ["seeds", "clips", "folds"])
def test_intervals_cover_the_truth(rule: str, seeds: int) -> None:
    """In 93 to 97 of 100 cases; folds are taken as they are, so an effect of a fold is part of the truth."""
    random = np.random.default_rng(7)
    scale = {"seeds": (0.2, 0.0, 0.6, 0.0), "clips": (2.0, 1.5, 0.0, 0.0), "folds": (1.0, 0.5, 0.3, 0.6)}[rule]
    covered = [covers(random, seeds, *scale) for _ in range(CASES)]
    assert 0.93 <= np.mean(covered) <= 0.97, np.mean(covered)


CASES = 600


def covers(random: np.random.Generator, seeds: int, clip: float, scheme: float, seed: float, of_fold: float) -> bool:
    """Whether an interval has the true difference; the arguments are standard deviations on the scale of logits."""
    sides: tuple[dict[int, Fold], dict[int, Fold]] = ({}, {})
    sources, truth = np.sort(random.integers(0, SOURCES, CLIPS)), 0.0
    sources = np.unique(sources, return_inverse=True)[1]
    for number in range(FOLDS):
        shared = random.normal(0, clip, SOURCES)
        for place, side in enumerate(sides):
            level = 1 + 0.2 * place + random.normal(0, of_fold)
            own = shared + random.normal(0, scheme, SOURCES)
            runs = random.normal(0, seed, (seeds, 1))
            truth += (2 * place - 1) * expected(level, np.sqrt(clip**2 + scheme**2 + seed**2)) / FOLDS
            side[number] = Fold(
                (random.random((seeds, CLIPS)) < probability(level + own[sources] + runs)) * 1.0, sources
            )
    low, high = compare(sides[1], sides[0], draws=100).interval()
    return bool(low <= truth <= high)


def probability(logit: object) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(logit)))


def expected(level: float, deviation: float) -> float:
    """The mean of :func:`probability` of a normal value, by Gauss and Hermite."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    return float(weights @ probability(level + deviation * nodes) / weights.sum())


def test_p_bound_and_interval_agree() -> None:
    found = Estimate(1.2, 0.5, 20)
    low, _ = found.interval(1 - found.p)
    assert low == pytest.approx(0)
    assert found.bound() == pytest.approx(1.2 + stats.t.ppf(0.95, 20) * 0.5)
    assert found.p_above() == pytest.approx(found.p / 2)


def test_power_is_how_often_a_true_difference_is_found() -> None:
    random = np.random.default_rng(0)
    degrees, error, true = 20, 0.5, 1.1
    values = true + error * random.standard_normal(200_000)
    errors = error * np.sqrt(random.chisquare(degrees, 200_000) / degrees)
    found = np.mean(values / errors > stats.t.ppf(0.975, degrees))
    assert Estimate(0.0, error, degrees).power(true) == pytest.approx(found, abs=0.005)
    assert Estimate(0.0, error, degrees).power(0.0) == pytest.approx(0.025)


@pytest.mark.parametrize("true", [0.0, -0.4, 1.2])
def test_power_of_an_equivalence_is_how_often_two_one_sided_tests_find_it(true: float) -> None:
    random = np.random.default_rng(0)
    degrees, error = 20, 0.5
    values = true + error * random.standard_normal(200_000)
    room = 1.5 - stats.t.ppf(0.95, degrees) * error * np.sqrt(random.chisquare(degrees, 200_000) / degrees)
    assert Estimate(9.0, error, degrees).power_within(1.5, true) == pytest.approx(
        np.mean(abs(values) < room), abs=0.005
    )
    assert Estimate(9.0, 2.0, degrees).power_within(1.5, true) < 0.05
    assert np.isnan(Estimate(9.0, 0.0, degrees).power_within(1.5, true))


def test_two_one_sided_tests() -> None:
    within, outside = Estimate(0.1, 0.3, 30), Estimate(1.4, 0.3, 30)
    assert within.p_within(1.5) < 0.001 < 0.05 < outside.p_within(1.5)
    assert outside.p_within(1.5) == pytest.approx(stats.t.cdf((1.4 - 1.5) / 0.3, 30))
    assert Estimate(-1.4, 0.3, 30).p_within(1.5) == pytest.approx(outside.p_within(1.5))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, float("nan"), 0.5]) == pytest.approx([1.0, float("nan"), 1.0], nan_ok=True)
    assert holm([0.01, float("nan"), 0.02], later=2) == pytest.approx([0.04, float("nan"), 0.06], nan_ok=True)
    for order in itertools.permutations([0.01, 0.02, 0.2]):
        assert sorted(holm(order)) == pytest.approx([0.03, 0.04, 0.2])


def test_welch_is_scipys() -> None:
    """The paper's Table III, ESC-50: hybrid and cross-entropy, five runs each."""
    found = welch((92.86, 0.46), (91.85, 0.64), 5)
    expected = stats.ttest_ind_from_stats(92.86, 0.46, 5, 91.85, 0.64, 5, equal_var=False)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.value == pytest.approx(1.01) and 0.01 < found.p < 0.03


def test_no_error_at_all_is_no_error_in_an_interval() -> None:
    """Equal runs on equal clips: no chance is left open, and a difference of 0 is not one."""
    same = {1: fold([[1, 0], [1, 0]]), 2: fold([[1, 1], [1, 1]])}
    found = compare(same, same)
    assert (found.value, found.error, found.p) == (0, 0, 1)
