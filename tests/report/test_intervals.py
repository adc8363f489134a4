"""How often the intervals hold the truth, where folds and seeds vary by chance; and what they are of."""

import math

import numpy as np
import pytest

from soundclr.report.intervals import half_width, over_folds

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
    found = over_folds([(1, 10.0), (1, 20.0), (1, 30.0), (2, 40.0)])
    assert found.folds == {1: 20.0, 2: 40.0}
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
