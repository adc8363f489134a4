"""Paired comparison of the schemes: the same folds and seeds, one scheme minus the other."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from soundclr.report.accuracy import NONE, PROTOCOLS, Protocol, covered, number, points
from soundclr.report.collect import Collection
from soundclr.report.intervals import INTERVALS, Mean, over_folds
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


@dataclass(frozen=True)
class Comparison:
    """``first`` minus ``second`` in percentage points, a difference for each fold and seed that both have.

    ``mean`` is theirs, with its interval; ``p`` is the two-sided Wilcoxon signed-rank test's.
    """

    first: str
    second: str
    differences: tuple[float, ...]
    mean: Mean
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
            differences = tuple(pairs.values())
            mean = over_folds((fold, value) for (fold, _), value in pairs.items())
            found.append(Comparison(first, second, differences, mean, wilcoxon_p(differences)))
    return found


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
            place: list[object] = [dataset, best.first, best.second, pairs, len(best.mean.folds)]
            for found in (best, last):
                bounds = [] if math.isnan(found.mean.half) else [found.mean.low, found.mean.high]
                shown = " to ".join(number(bound, sign=True) for bound in bounds) or NONE
                texts += [number(found.mean.mean, sign=True), shown, f"{found.p:.4f}"]
                place += [found.mean.mean, *(bounds or [None, None]), f"{found.p:.4f}"]
            lines.append(texts)
            data.append(place)
    caption = (
        f"Every two schemes on the folds and seeds that both have: mean difference in percentage points, {INTERVALS}, "
        "and p of the two-sided Wilcoxon signed-rank test, which takes pairs as independent. Folds share "
        "training clips, so both are optimistic; p is not corrected for the number of comparisons. "
        f"{covered(len(collection.own), len(collection.expected[None]))}."
    )
    if few := sorted(pairs for pairs in fewest if pairs < 6):
        least = ", ".join(f"{2 ** (1 - pairs):g} with {pairs}" for pairs in few)
        caption += f" So few pairs cannot give a p below {least}."
    if not lines:
        caption += " No two schemes have a run of the same fold and seed yet."
    return Table("comparison", "Paired comparison", caption, columns, lines, data, collection.own)
