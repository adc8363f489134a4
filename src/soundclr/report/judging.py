"""The rule by which runs support a paper's claim or contradict it.

The rule is one for every claim and study, and is not to be changed by what comes out. Of every fold and seed that
both sides have, the difference is taken; its mean over folds, each the mean of its seeds, has a 95 % interval
(:mod:`soundclr.report.intervals`, which says what it is of). The claim is

- supported where the interval is wholly on the claim's side of 0 and the mean is at least one clip's share of the
  held-out clips (of 400: 0.25 points);
- contradicted where both hold on the other side;
- undecided otherwise, and of a single value, which has no interval.

One that is said to be the best of several is supported where it is ahead of every other by this rule, contradicted
where any other is ahead of it, and otherwise undecided, as also while another lacks its runs.

One that says that two sides are within so much of each other is supported where the interval lies wholly within that
much of 0, contradicted where it lies wholly further off, and otherwise undecided.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from soundclr.report.artefact import loaded
from soundclr.report.claim import Claim, sides
from soundclr.report.collect import Collection
from soundclr.report.intervals import Mean, Protocol, mean_of, paired

Verdict = Literal["supported", "contradicted", "undecided", "no runs"]

EXACT = 1e-9
"""What rounding may make of equal numbers."""


@dataclass(frozen=True)
class Finding:
    """What the runs say of a claim, at one protocol's epoch.

    ``second`` is the recipe that decides it: the nearest of several, or that which is ahead; ``difference`` is
    ``first`` minus it, ``values`` the means of both over the ``pairs`` of runs with the same fold and seed.
    """

    verdict: Verdict
    first: str = ""
    second: str = ""
    difference: Mean | None = None
    values: tuple[float, float] = (math.nan, math.nan)
    pairs: int = 0


def judge(collection: Collection, dataset: str, claim: Claim, protocol: Protocol) -> Finding:
    """What a study's runs on a dataset say of a claim, by the rule above."""
    found = sides(collection.params, collection.study, dataset, claim)
    if found is None or protocol not in claim.metric.protocols:
        return Finding("no runs")
    least = clip_share(collection, dataset) if claim.metric.counts_clips else 0.0
    compared = [
        one for second in found.behind if (one := compare(collection, dataset, claim, protocol, found.ahead, second))
    ]
    if not compared:
        return Finding("no runs")
    judged = [
        (verdict(one, least, claim.metric.better) if claim.within is None else within(one, claim.within), one)
        for one in compared
    ]
    together = combined([said for said, _ in judged], missing=len(compared) < len(found.behind))
    deciding = [one for said, one in judged if said == together] or compared
    nearest = min(deciding, key=lambda one: claim.metric.better * mean(one).mean)
    return Finding(together, nearest.first, nearest.second, nearest.difference, nearest.values, nearest.pairs)


def compare(
    collection: Collection, dataset: str, claim: Claim, protocol: Protocol, first: str, second: str
) -> Finding | None:
    """Two recipes on the folds and seeds that both have, not judged yet; None where there are none."""
    metrics = claim.metric, claim.versus or claim.metric
    ours, theirs = (
        (metric.values if callable(metric.values) else loaded(metric.values))(
            collection, dataset, recipe, choice, protocol
        )
        for metric, recipe, choice in zip(metrics, (first, second), claim.choices, strict=True)
    )
    differences = paired(ours, theirs)
    if not len(differences):
        return None
    one, other = (mean_of(values.loc[differences.index]).mean for values in (ours, theirs))
    return Finding("undecided", first, second, mean_of(differences), (one, other), len(differences))


def mean(finding: Finding) -> Mean:
    """The difference of what has been compared."""
    assert finding.difference is not None
    return finding.difference


def verdict(finding: Finding, least: float, better: int = 1) -> Verdict:
    """The rule for two sides; ``least`` is the least difference that counts, ``better`` -1 where less is better."""
    found = mean(finding)
    if abs(found.mean) - found.half > EXACT and abs(found.mean) >= least - EXACT:
        return "supported" if better * found.mean > 0 else "contradicted"
    return "undecided"


def within(finding: Finding, most: float) -> Verdict:
    """The rule for two sides that are said to differ by at most so much; none of a single value."""
    found = mean(finding)
    if abs(found.mean) + found.half <= most + EXACT:
        return "supported"
    return "contradicted" if abs(found.mean) - found.half > most + EXACT else "undecided"


def combined(verdicts: Sequence[Verdict], missing: bool) -> Verdict:
    """The rule for one among several, from its verdicts against each; ``missing``: others have no runs yet."""
    if "contradicted" in verdicts:
        return "contradicted"
    return "supported" if set(verdicts) == {"supported"} and not missing else "undecided"


def clip_share(collection: Collection, dataset: str) -> float:
    """What one of a dataset's held-out clips is of all, in percent: of those of the folds that have runs."""
    asked = collection.asked
    clips = asked[asked["there"] & (asked["dataset"] == dataset)].drop_duplicates("fold")["clips"].sum()
    return float(100 / clips) if clips else 0.0
