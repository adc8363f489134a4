"""How many seeds it would take to find the paper's difference: what more trainings on the same clips can do."""

import math

import numpy as np

from soundclr.report.claims.judge import SIGNIFICANCE, Finding
from soundclr.report.claims.measures import MEASURES
from soundclr.report.collect import Collection
from soundclr.report.statistics import Estimate, compare_runs, degrees_of_seeds

POWER = 0.8
MOST = 1000
"""Seeds a fold and scheme beyond which the answer is infinity."""


def seeds_needed(collection: Collection, finding: Finding) -> float | None:
    """Fewest seeds a fold and scheme with power 80 % at the paper's difference, at 5 %, before Holm's correction.

    Only the variance of the seeds falls as 1 / n; that of the sources stays (:mod:`soundclr.report.statistics`).
    Infinity where :data:`MOST` do not suffice on these clips; None where the runs cannot tell: with one seed a fold,
    more than two sides, or where the paper gives no difference.
    """
    measure, estimate = MEASURES[finding.claim.measure], finding.estimate
    of_seeds = finding.resampled in ("seeds", "sources and seeds") and len(finding.sides.others) == 1
    if estimate is None or not of_seeds or not measure.points or not (finding.paper and finding.paper.difference):
        return None
    (behind,) = finding.sides.others.values()
    ours = measure.values(collection, finding.dataset, finding.sides.ahead)
    theirs = (measure.versus or measure.values)(collection, finding.dataset, behind)
    means = [{fold: list(side[fold].values.mean(axis=1)) for fold in ours} for side in (ours, theirs)]
    counts = np.array([len(runs) for side in means for runs in side.values()])
    changing = compare_runs(*means).error ** 2 * counts.min()
    staying = max(estimate.error**2 - changing / counts.min(), 0.0)
    for seeds in range(2, MOST + 1):
        error = math.sqrt(staying + changing / seeds)
        degrees = degrees_of_seeds([seeds] * len(counts))
        if Estimate(0.0, error, degrees).power(finding.power_at, SIGNIFICANCE) >= POWER:
            return seeds
    return math.inf
