"""What a paper claims, as data, and the rule by which runs support it or contradict it.

A paper's claims are a file in its room in `papers`, whose ``CLAIMS`` is a :class:`Claims`; a new claim is a line there.

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
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from soundclr.params import Params, RunSettings
from soundclr.report.accuracy import PROTOCOLS, Protocol, mean_of
from soundclr.report.artefact import OWN, choices, modules
from soundclr.report.collect import Collection
from soundclr.report.intervals import Mean

Verdict = Literal["supported", "contradicted", "undecided", "no runs"]

Values = dict[tuple[int, int], float]
"""Fold and seed to a number."""

EXACT = 1e-9
"""What rounding may make of equal numbers."""


@dataclass(frozen=True)
class Metric:
    """What two sides are compared by.

    ``values`` are those of a dataset's recipe in a choice, at a protocol's epoch. ``better`` is -1 where less is
    better. ``counts_clips``: it is a share of clips, in percent, so that one clip's is the least that counts.
    ``protocols`` are those that it is known at, ``seeds`` how many of them it needs.
    """

    unit: str
    values: Callable[[Collection, str, str, str, Protocol], Values]
    better: Literal[1, -1] = 1
    counts_clips: bool = True
    protocols: tuple[Protocol, ...] = PROTOCOLS
    seeds: int = 1


@dataclass(frozen=True)
class Reported:
    """What a paper gives for a claim on a dataset: both sides in the metric's unit, or the difference alone, or none.

    ``source`` is where it stands. ``at_least``: the paper says no more than that the difference is above this.
    """

    dataset: str
    source: str
    ahead: float | None = None
    behind: float | None = None
    gain: float | None = None
    at_least: bool = False

    @property
    def difference(self) -> float | None:
        """The side that is said to be ahead, minus the other."""
        return self.gain if self.ahead is None or self.behind is None else self.ahead - self.behind


@dataclass(frozen=True)
class Claim:
    """That ``ahead`` is better by ``metric`` than ``behind`` or, without it, than every other recipe of a choice.

    Both are names of recipes among those of a study's ``choice`` (see :mod:`soundclr.report.artefact`) or, with
    ``by``, what that says of a recipe's settings. ``versus`` is the metric of the other side, where it is another, and
    ``versus_choice`` its choice. ``within``: the claim is that the sides differ by no more. ``paper`` is what the paper
    gives for a dataset of params.yaml, ``without`` the datasets that the claim is not about.
    """

    id: str
    text: str
    metric: Metric
    ahead: Hashable
    behind: Hashable | None = None
    choice: str = OWN
    by: Callable[[RunSettings], Hashable] | None = None
    versus: Metric | None = None
    versus_choice: str | None = None
    within: float | None = None
    without: frozenset[str] = frozenset()
    paper: Mapping[str, Reported] = field(default_factory=dict)

    @property
    def choices(self) -> tuple[str, str]:
        """Of the side that is said to be ahead, and of the other."""
        return self.choice, self.versus_choice or self.choice


@dataclass(frozen=True)
class Claims:
    """A paper's claims, in the order in which they are shown."""

    paper: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Sides:
    """The recipes that a claim compares in a study: one, and all those that it is said to be ahead of."""

    ahead: str
    behind: tuple[str, ...]


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


@cache
def declared_claims() -> tuple[Claims, ...]:
    """Every paper's claims."""
    return tuple(module.CLAIMS for module in modules() if hasattr(module, "CLAIMS"))


def claims_of(params: Params, study: str) -> Iterator[tuple[str, Claim]]:
    """The claims that a study is about, each with its paper: all of a paper's if the study has the runs of any."""
    for paper in declared_claims():
        if any(datasets_of_claim(params, study, claim) for claim in paper.claims):
            yield from ((paper.paper, claim) for claim in paper.claims)


def datasets_of_claim(params: Params, study: str, claim: Claim) -> list[str]:
    """The datasets on which a study has runs of both sides of a claim, done or not."""
    return [dataset for dataset in params.get_study(study).datasets if sides(params, study, dataset, claim)]


def sides(params: Params, study: str, dataset: str, claim: Claim) -> Sides | None:
    """The recipes that a claim compares on a study's dataset, or None where the study has not both sides."""
    metrics = [metric for metric in (claim.metric, claim.versus) if metric]
    if dataset in claim.without:
        return None
    ahead, behind = (
        recipes_of(params, study, dataset, choice, claim.by, max(metric.seeds for metric in metrics))
        for choice in claim.choices
    )
    first = ahead.get(claim.ahead)
    others = [name for name in behind.values() if name != first] if claim.behind is None else [behind.get(claim.behind)]
    seconds = tuple(name for name in others if name is not None)
    return Sides(first, seconds) if first is not None and seconds else None


def recipes_of(
    params: Params, study: str, dataset: str, choice: str, by: Callable[[RunSettings], Hashable] | None, seeds: int
) -> dict[Hashable, str]:
    """A choice's recipes on a dataset, by name or what ``by`` says; none where it has not so many seeds."""
    chosen = choices(params, study).get(choice)
    if chosen is None or dataset not in (chosen.datasets or ()) or len(chosen.seeds or ()) < seeds:
        return {}
    names: dict[Hashable, str] = {}
    for recipe in chosen.recipes or ():
        names.setdefault(by(params.resolve(study, dataset, recipe)) if by else recipe, recipe)
    return names


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
        metric.values(collection, dataset, recipe, choice, protocol)
        for metric, recipe, choice in zip(metrics, (first, second), claim.choices, strict=True)
    )
    places = sorted(ours.keys() & theirs.keys())
    if not places:
        return None
    difference = mean_of({place: ours[place] - theirs[place] for place in places})
    one, other = (mean_of({place: values[place] for place in places}).mean for values in (ours, theirs))
    return Finding("undecided", first, second, difference, (one, other), len(places))


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
    clips = {
        result.run.fold: result.metrics.clips.test for result in collection.results if result.run.dataset == dataset
    }
    return 100 / sum(clips.values()) if clips else 0.0
