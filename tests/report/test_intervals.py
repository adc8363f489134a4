"""How often the intervals hold the truth, where folds and seeds vary by chance; and what they are of."""

import math

import numpy as np
import pytest

from soundclr.report.intervals import binomial, half_width, over_folds

DRAWS = 8000
"""Simulated studies: the share of 95 % has a standard error of 0.24 points."""


@pytest.fixture(scope="module")
def study() -> np.ndarray:
    """Simulated differences whose true mean is 0: (DRAWS, 5 folds, 5 seeds), fold and seed each with an effect."""
    random = np.random.default_rng(0)
    return 3 * random.normal(size=(DRAWS, 5, 1)) + 2 * random.normal(size=(DRAWS, 5, 5))


@pytest.mark.parametrize("seeds", [1, 5])
def test_the_intervals_cover_the_truth(study: np.ndarray, seeds: int) -> None:
    covered = 0
    for folds in study[:, :, :seeds]:
        mean = over_folds((fold, value) for fold, values in enumerate(folds.tolist(), 1) for value in values)
        covered += mean.low <= 0 <= mean.high
    assert 0.94 < covered / DRAWS < 0.96


@pytest.mark.parametrize("seeds", [1, 5])
def test_a_percentile_bootstrap_would_not(study: np.ndarray, seeds: int) -> None:
    """The folds drawn again, each with all its seeds: five are too few for it."""
    folds = study[:2000, :, :seeds].mean(axis=2)
    chosen = np.random.default_rng(1).integers(5, size=(999, 5))
    low, high = np.percentile(folds[:, chosen].mean(axis=2), [2.5, 97.5], axis=1)
    assert np.mean((low <= 0) & (high >= 0)) < 0.88


def test_folds_count_and_not_runs() -> None:
    found = over_folds([(2, 40.0), (1, 10.0), (1, 20.0), (1, 30.0)])
    assert list(found.folds.items()) == [(1, 20.0), (2, 40.0)]  # in order
    assert (found.mean, found.values) == (30.0, 2)
    assert found.half == pytest.approx(12.7062 * 10)  # Student's t of one degree of freedom, standard error 10
    assert math.isnan(found.bar)  # of two values a figure shows none


def test_a_single_fold_counts_its_seeds() -> None:
    found = over_folds([(3, 1.0), (3, 2.0), (3, 3.0)])
    assert (found.mean, found.values) == (2.0, 3)
    assert found.bar == found.half == pytest.approx(4.3027 / math.sqrt(3), rel=1e-4)
    assert (found.low, found.high) == (2.0 - found.half, 2.0 + found.half)


def test_a_single_value_has_no_interval() -> None:
    alone = over_folds([(3, 1.0)])
    assert alone.mean == 1.0
    assert math.isnan(alone.half) and math.isnan(alone.bar)
    assert half_width([2.5, 2.5]) == 0.0


@pytest.mark.parametrize(("right", "clips"), [(75, 80), (80, 80), (0, 80), (1, 1), (40, 80)])
def test_the_interval_of_a_share_of_clips(right: int, clips: int) -> None:
    """Wilson's: the shares p from which the share found is 1.96 standard errors away, those of p."""
    low, high = (end / 100 for end in binomial(right, clips))
    assert 0 <= low <= right / clips <= high <= 1
    for end in (low, high):
        if 1e-9 < end < 1 - 1e-9:
            assert abs(right / clips - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / clips), rel=1e-5)


def test_the_interval_of_a_share_covers_it() -> None:
    """Of models that are right with probability 0.9, on 80 clips."""
    right = np.random.default_rng(2).binomial(80, 0.9, size=4000)
    ends = {count: binomial(count, 80) for count in set(right.tolist())}
    assert 0.93 < np.mean([low <= 90 <= high for low, high in (ends[count] for count in right.tolist())]) < 0.98
