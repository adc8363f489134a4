"""Paired comparison of the schemes: the same folds and seeds, one scheme minus the other."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from soundclr.report.accuracy import NONE, PROTOCOLS, Protocol, covered, number, points
from soundclr.report.collect import Collection
from soundclr.report.tables.render import Column, Table

HEADER = [
    "dataset",
    "first",
    "second",
    "pairs",
    "folds",
    "best_epoch_difference_points",
    "best_epoch_low_points",
    "best_epoch_high_points",
    "best_epoch_p",
    "last_epoch_difference_points",
    "last_epoch_low_points",
    "last_epoch_high_points",
    "last_epoch_p",
]

RESAMPLES = 9999


@dataclass(frozen=True)
class Comparison:
    """``first`` minus ``second`` in percentage points, a difference for each fold and seed that both have.

    ``low`` and ``high`` bound the mean's 95 % bootstrap interval; ``p`` is the two-sided Wilcoxon signed-rank
    test's. ``folds`` says how many folds the pairs are of.
    """

    first: str
    second: str
    differences: tuple[float, ...]
    folds: int
    mean: float
    low: float
    high: float
    p: float


def compare(collection: Collection, dataset: str, protocol: Protocol = "best_epoch") -> list[Comparison]:
    """Every two of the study's own recipes that have runs of the same fold and seed; the later minus the earlier."""
    found = []
    for second, first in itertools.combinations(collection.params.studies[collection.study].recipes, 2):
        ours, theirs = (
            {(r.run.fold, r.run.seed): points(r, protocol) for r in collection.of(dataset, recipe)}
            for recipe in (first, second)
        )
        pairs = {place: ours[place] - theirs[place] for place in sorted(ours.keys() & theirs.keys())}
        if pairs:
            low, high = interval(pairs)
            differences = tuple(pairs.values())
            folds = len({fold for fold, _ in pairs})
            mean = float(np.mean(differences))
            found.append(Comparison(first, second, differences, folds, mean, low, high, wilcoxon_p(differences)))
    return found


def interval(pairs: dict[tuple[int, int], float]) -> tuple[float, float]:
    """95 % bootstrap interval (percentiles, fixed random numbers) of the mean difference.

    The seeds of a fold share its clips, so folds are resampled, each with all its seeds; with a single fold,
    its seeds are.
    """
    from scipy.stats import bootstrap

    by_fold = defaultdict(list)
    for (fold, _), value in pairs.items():
        by_fold[fold].append(value)
    clusters = list(by_fold.values()) if len(by_fold) > 1 else [[value] for value in pairs.values()]
    sums = np.array([sum(values) for values in clusters])
    counts = np.array([len(values) for values in clusters])
    if np.ptp(sums / counts) == 0:  # nothing varies, or there is one pair alone
        return float(sums[0] / counts[0]), float(sums[0] / counts[0])

    def mean(sums: np.ndarray, counts: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(sums.sum(axis=axis) / counts.sum(axis=axis))

    found = bootstrap(
        (sums, counts), mean, paired=True, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0)
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def wilcoxon_p(differences: tuple[float, ...]) -> float:
    """Two-sided p of the signed-rank test, the pairs taken as independent; 1 where no pair differs."""
    from scipy.stats import wilcoxon

    # Accuracies are shares of a few clips: without rounding, equal differences would not be ties.
    rounded = np.round(differences, 6)
    return float(wilcoxon(rounded).pvalue) if np.any(rounded) else 1.0


def make(collection: Collection) -> Table:
    """A row for every two schemes: differences, intervals and p at best and at last epoch."""
    params = collection.params
    columns = [Column("dataset", align="l"), Column("schemes", align="l"), Column("pairs")]
    columns += [Column(n, p) for p in ("best epoch", "last epoch") for n in ("difference", "95 % interval", "p")]
    data: list[Sequence[object]] = [HEADER]
    lines, fewest = [], set()
    for dataset in params.studies[collection.study].datasets:
        for best, last in zip(*(compare(collection, dataset, protocol) for protocol in PROTOCOLS), strict=True):
            pairs = len(best.differences)
            fewest.add(pairs)
            titles = [params.recipes[name].title for name in (best.first, best.second)]
            texts = [params.datasets[dataset].title, " − ".join(titles), str(pairs)]
            place: list[object] = [dataset, best.first, best.second, pairs, best.folds]
            for found in (best, last):
                bounds = f"{number(found.low, sign=True)} to {number(found.high, sign=True)}" if pairs > 1 else NONE
                texts += [number(found.mean, sign=True), bounds, f"{found.p:.4f}"]
                known_bounds = [found.low, found.high] if pairs > 1 else [None, None]
                place += [found.mean, *known_bounds, f"{found.p:.4f}"]
            lines.append(texts)
            data.append(place)
    caption = (
        "Every two schemes on the folds and seeds that both have: mean difference in percentage points, its 95 % "
        f"bootstrap interval (folds resampled with all their seeds, or seeds of a single fold; {RESAMPLES} times, "
        "percentiles), and p of the two-sided Wilcoxon signed-rank test, which takes pairs as independent. Folds share "
        "training clips, so both are optimistic; p is not corrected for the number of comparisons. "
        f"{covered(len(collection.own), len(collection.expected[None]))}."
    )
    if few := sorted(pairs for pairs in fewest if pairs < 6):
        least = ", ".join(f"{2 ** (1 - pairs):g} with {pairs}" for pairs in few)
        caption += f" So few pairs cannot give a p below {least}."
    if not lines:
        caption += " No two schemes have a run of the same fold and seed yet."
    return Table("comparison", "Paired comparison", caption, columns, lines, data, collection.own)
