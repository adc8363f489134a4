"""The rule that decides claims from runs: the analysis of docs/registration.md, for every study.

For each claim: the estimate, its 95 % interval and one-sided bound, the ratio of errors, the power at the paper's
difference, and p with Holm's correction over the study's claims.
"""

import functools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from soundclr.report.artefact import BASELINES
from soundclr.report.claims.claim import Claim, PaperClaims
from soundclr.report.claims.measures import MEASURES, Measure, accuracy
from soundclr.report.claims.of_study import Sides, claims_of, sides_of
from soundclr.report.claims.reported import Reported, reported
from soundclr.report.claims.tier import Tier, reductions, tier
from soundclr.report.collect import Collection
from soundclr.report.frames import RUN
from soundclr.report.intervals import best_percent
from soundclr.report.statistics import (
    DRAWS,
    Estimate,
    Fold,
    Values,
    compare,
    compare_runs,
    difference,
    drawn_means,
    holm,
    log_error_ratio,
    mean_of,
    spread,
)

SIGNIFICANCE = 0.05
MARGIN = 1.5
"""Points within which two sides are as good as each other."""

POWER_AT = 1.0
"""The difference in points for which power is given where the paper gives none."""

Outcome = Literal["holds", "does not hold", "undecided", "not whole", "no verdict"]

WORDS: Mapping[Tier, Mapping[Outcome, str]] = {
    "exact": {"holds": "supported", "does not hold": "contradicted", "undecided": "undecided"},
    "reduced": {"holds": "holds here", "does not hold": "does not hold here", "undecided": "undecided here"},
}
"""The verdict for each outcome; reduced settings support and contradict nothing in the paper."""

Resampled = Literal["sources and seeds", "seeds", "folds left out", "sources", ""]


@dataclass(frozen=True)
class Finding:
    """The result of a claim on one dataset of a study.

    `estimate`: how much better the side ahead is, in the measure's unit. `values`: both sides' means. `against`: the
    other side that decides. `ratio`: errors of the side ahead over the other's, with its interval. `p`: before
    :func:`judged` corrects it to `p_holm`. `best_epoch`: the difference at the epochs that held-out clips choose, which
    decides nothing.
    `folds`: in how many of the folds a claim about folds holds. `draws`: the share of resamplings where it does in all.
    `learnt`: the last-epoch accuracy in percent of the best side. `baseline`: that of the dataset's best baseline,
    which trains no network; NaN where the sides have fewer labels.
    """

    claim: Claim
    dataset: str
    tier: Tier
    reduced: tuple[str, ...]
    paper: Reported | None
    sides: Sides
    against: Hashable = None
    estimate: Estimate | None = None
    values: tuple[float, float] = (math.nan, math.nan)
    ratio: tuple[float, float, float] | None = None
    resampled: Resampled = ""
    runs: int = 0
    expected_runs: int = 0
    p: float = math.nan
    p_holm: float = math.nan
    best_epoch: float = math.nan
    outcome: Outcome = "no verdict"
    folds: tuple[int, int] | None = None
    draws: float = math.nan
    learnt: float = math.nan
    baseline: float = math.nan

    @property
    def hardly_learnt(self) -> bool:
        """Whether neither side is above the best baseline, so that a difference of the two says little."""
        return self.learnt <= self.baseline

    @property
    def whole(self) -> bool:
        """Whether all runs that the study asks for are there."""
        return 0 < self.runs == self.expected_runs

    @property
    def shown(self) -> bool:
        """Whether its numbers are shown: a claim with missing runs shows none, a further question does."""
        return self.whole or self.claim.asked

    @property
    def verdict(self) -> str:
        """The outcome in the words of its tier."""
        return WORDS[self.tier].get(self.outcome, self.outcome)

    @property
    def power_at(self) -> float:
        """The true difference for which :attr:`power` is given: the paper's, where it gives one that is not 0."""
        papers = self.paper and self.paper.difference
        return abs(papers) if papers else 0.0 if self.claim.measure == "equivalence" else POWER_AT

    @property
    def power(self) -> float:
        """The probability that these runs find a true difference such as the paper's, or an equivalence with it."""
        known = MEASURES[self.claim.measure].points and self.resampled != "sources"
        if not known or self.estimate is None:
            return math.nan
        if self.claim.measure == "equivalence":
            return self.estimate.power_within(MARGIN, self.power_at, SIGNIFICANCE)
        return self.estimate.power(self.power_at, SIGNIFICANCE)

    @property
    def bound(self) -> float:
        """The upper end of the one-sided 95 % interval of the advantage."""
        return self.estimate.bound() if self.estimate else math.nan


def examine(collection: Collection, claims: PaperClaims, claim: Claim, dataset: str) -> Finding | None:
    """A claim's result on a dataset before it is judged; None where the study lacks a side."""
    params, study = collection.params, collection.study
    sides = sides_of(params, study, dataset, claim)
    if sides is None:
        return None
    known, asked = claims.datasets.get(dataset), collection.asked
    expected = asked[(asked["dataset"] == dataset) & asked["recipe"].isin(sides.recipes)].drop_duplicates(RUN)
    seeds = min(len(set(expected[expected["recipe"] == recipe]["seed"])) for recipe in sides.recipes)
    reduced = reductions(params, study, dataset, sides.recipes, claims, seeds, claim.seeds)
    if known is None or known.of not in claim.datasets:
        claim = claim.model_copy(update={"asked": True})
    papers = reported(params.get_study(study).paper, claim, known.of) if known else None
    there = expected["evaluated"] if needs_evaluation(claim.measure) else expected["there"]
    finding = Finding(claim, dataset, tier(reduced), reduced, papers, sides, runs=int(there.sum()))
    if (expected["labels"] == 1).all():
        done = expected[expected["there"]]
        baseline = best_percent(collection.done(dataset, choice=BASELINES), done["fold"])
        finding = replace(finding, learnt=best_percent(done), baseline=baseline)
    return measured(collection, replace(finding, expected_runs=len(expected)))


def needs_evaluation(measure: str) -> bool:
    """Whether a measure comes from evaluations after training."""
    return measure.startswith(("drop", "accuracy_under", "between_class", "distance_ratio"))


def measured(collection: Collection, finding: Finding) -> Finding:
    """The finding with its estimate, where both sides have values."""
    measure, dataset = MEASURES[finding.claim.measure], finding.dataset
    ours = measure.values(collection, dataset, finding.sides.ahead)
    others = {
        name: (measure.versus or measure.values)(collection, dataset, recipes)
        for name, recipes in finding.sides.others.items()
    }
    others = {name: side for name, side in others.items() if ours.keys() & side.keys()}
    if not others:
        return finding
    if finding.claim.measure == "folds":
        return on_folds(finding, ours, others)
    if len(finding.sides.others) > 1:
        return best_of_several(finding, measure, ours, others)
    ((name, theirs),) = others.items()
    found = compared(finding, measure, ours, theirs)
    assert found.estimate is not None
    p = found.estimate.p_within(MARGIN) if finding.claim.measure == "equivalence" else found.estimate.p
    p = math.nan if found.resampled == "sources" else p
    return replace(found, against=name, p=p, best_epoch=at_best_epoch(collection, found))


def at_best_epoch(collection: Collection, finding: Finding) -> float:
    """The difference of accuracies at each run's best epoch on the held-out fold; NaN for other measures."""
    if MEASURES[finding.claim.measure].values is not accuracy:
        return math.nan
    (behind,) = finding.sides.others.values()
    sides = [accuracy(collection, finding.dataset, recipes, "best") for recipes in (finding.sides.ahead, behind)]
    folds = sides[0].keys() & sides[1].keys()
    return mean_of({k: sides[0][k] for k in folds}) - mean_of({k: sides[1][k] for k in folds}) if folds else math.nan


def compared(finding: Finding, measure: Measure, ours: Values, theirs: Values) -> Finding:
    """The finding with estimate, means and ratio of errors of two sides, on the folds that both have."""
    folds = sorted(ours.keys() & theirs.keys())
    sides = [{fold: side[fold] for fold in folds} for side in (ours, theirs)]
    estimate, resampled = difference_of(*sides)
    of_accuracy = measure.points and measure.better > 0 and resampled != "seeds"
    return replace(
        finding,
        estimate=replace(estimate, value=measure.better * estimate.value),
        values=(mean_of(sides[0]), mean_of(sides[1])),
        ratio=error_ratio(*sides) if of_accuracy else None,
        resampled=resampled,
    )


def difference_of(ours: Values, theirs: Values) -> tuple[Estimate, Resampled]:
    """The difference of two sides, and what its standard error covers.

    With one fold and one seed it covers sources only: the spread over trainings is unknown.
    """
    folds = [fold for side in (ours, theirs) for fold in side.values()]
    seeds = min(len(fold.values) for fold in folds)
    if all(fold.values.shape[1] == 1 for fold in folds):
        runs = [{number: list(fold.values[:, 0]) for number, fold in side.items()} for side in (ours, theirs)]
        return compare_runs(runs[0], runs[1]), "seeds" if seeds > 1 else "folds left out"
    found = compare(ours, theirs)
    if seeds == 1 and len(ours) == 1:
        variance = spread((ours, theirs), difference, DRAWS, sources=True, seeds=False)
        return Estimate(found.value, math.sqrt(variance), math.inf), "sources"
    return found, "sources and seeds" if seeds > 1 else "folds left out"


def error_ratio(ours: Values, theirs: Values) -> tuple[float, float, float] | None:
    """The ratio of both sides' errors with its 95 % interval; None where a side makes no errors."""
    shares = [{fold: Fold(one.values / 100, one.sources) for fold, one in side.items()} for side in (ours, theirs)]
    if any(mean_of(side) >= 1 for side in shares):
        return None
    found = compare(shares[0], shares[1], log_error_ratio)
    low, high = found.interval()
    return math.exp(found.value), math.exp(low), math.exp(high)


def best_of_several(finding: Finding, measure: Measure, ours: Values, others: Mapping[Hashable, Values]) -> Finding:
    """Compare one side with each of several: the claim holds if it is ahead of all, and not if any is ahead of it.

    The difference is to the best of the others. For each fold that one is chosen on the other folds, so the choice does
    not bias the difference.
    """
    estimates = [one for side in others.values() if (one := compared(finding, measure, ours, side).estimate)]
    folds = sorted(set.intersection(*map(set, others.values())))
    chosen = {}
    for fold in folds:  # a single fold itself chooses
        elsewhere = {name: {k: side[k] for k in folds if k != fold} or side for name, side in others.items()}
        chosen[fold] = others[best_of(elsewhere)][fold]
    found = compared(finding, measure, ours, chosen)
    lost = min(holm([replace(one, value=-one.value).p_above() for one in estimates]))
    ahead = max(one.p_above() for one in estimates)
    p = math.nan if found.resampled == "sources" else min(lost, ahead)
    return replace(found, against=best_of(others), p=p)


def best_of(sides: Mapping[Hashable, Values]) -> Hashable:
    """The name of the side with the highest mean."""
    return max(sides, key=lambda name: mean_of(sides[name]))


def on_folds(finding: Finding, ours: Values, others: Mapping[Hashable, Values]) -> Finding:
    """The number of folds in which the side ahead is at least as good as all others, and the share of draws in all."""
    folds = sorted(set.intersection(*map(set, (ours, *others.values()))))
    sides = [{fold: side[fold] for fold in folds} for side in (ours, *others.values())]
    means = np.array([[side[fold].values.mean() for fold in folds] for side in sides])
    draws = drawn_means(sides, DRAWS, np.random.default_rng(0))
    return replace(
        finding,
        against=best_of(others),
        values=(float(means[0].mean()), float(means[1:].mean(axis=1).max())),
        folds=(int(at_least(means).sum()), len(folds)),
        draws=float(at_least(draws).all(axis=0).mean()),
    )


def at_least(means: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the first side is as good as all others, up to rounding; ``means`` is (sides, ...)."""
    return np.asarray(means[0] >= means[1:].max(axis=0) - 1e-9)


def judged(findings: Sequence[Finding]) -> list[Finding]:
    """The findings with their verdicts; Holm's correction is over a family's claims.

    It counts the claims that lack runs too: else verdicts would be lost when these runs come.
    """
    found = []
    for family in dict.fromkeys(one.claim.family for one in findings):
        members = [one for one in findings if one.claim.family == family]
        ps = [one.p if one.claim.tested and one.whole else math.nan for one in members]
        corrected = holm(ps, later=sum(one.claim.tested and not one.whole for one in members))
        found += [replace(one, p_holm=p, outcome=outcome(one, p)) for one, p in zip(members, corrected, strict=True)]
    return found


def outcome(finding: Finding, p: float) -> Outcome:
    """The rule: Holm's p below 0.05 and the sign; for an equivalence where the 90 % interval lies."""
    if not finding.claim.tested:
        return "no verdict"
    if not finding.whole:
        return "not whole"
    if finding.estimate is None or math.isnan(p):
        return "undecided"
    equivalence = finding.claim.measure == "equivalence"
    if p < SIGNIFICANCE:
        return "holds" if equivalence or finding.estimate.value > 0 else "does not hold"
    low, high = finding.estimate.interval(1 - 2 * SIGNIFICANCE)
    return "does not hold" if equivalence and (low > MARGIN or high < -MARGIN) else "undecided"


@functools.lru_cache(maxsize=2)  # a table and a figure of each dataset ask for them
def findings_of(collection: Collection) -> tuple[Finding, ...]:
    """Every claim on every dataset of the study that has both sides, judged together.

    Claims are left out where runs of earlier versions did not record the values, or a single seed does not suffice. So
    are questions asked later, as long as they have no runs.
    """
    paper, claims = claims_of(collection.params, collection.study)
    found = (examine(collection, paper, claim, dataset) for claim in claims for dataset in collection.datasets)
    known = [one for one in found if one and (one.estimate or one.folds or not (one.whole or one.claim.later))]
    return tuple(judged(known))
