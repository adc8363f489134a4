"""What a paper claims, as data: a paper's claims are ``CLAIMS`` in its room's ``claims``; a new one is a line there."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, Literal

from soundclr.params import Params, RunSettings
from soundclr.report.artefact import OWN, choices
from soundclr.report.papers import PAPERS


@dataclass(frozen=True)
class Metric:
    """What two sides are compared by.

    ``values`` are those of a dataset's recipe in a choice, at a protocol's epoch: ``module:function`` below
    :mod:`soundclr.report`, loaded when it is asked. ``better`` is -1 where less is better. ``counts_clips``: it is a
    share of clips, in percent, so that one clip's is the least that counts.
    ``protocols`` are those that it is known at, ``seeds`` how many of them it needs.
    """

    unit: str
    values: str | Callable[..., Any]
    better: Literal[1, -1] = 1
    counts_clips: bool = True
    protocols: tuple[str, ...] = ("best_epoch", "last_epoch")
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


LAST = ("last_epoch",)  # evaluations are of the last epoch's model
ACCURACY = Metric("points", "metrics:accuracies")
ENSEMBLE = Metric("points", "metrics:ensembles", seeds=2)
IN_WHITE_NOISE = Metric("points", "metrics:in_white_noise", protocols=LAST)
AREA_BY_SNR = Metric("points", "metrics:area_by_snr", protocols=LAST)
WHILE_TRAINED = Metric("points", "metrics:while_trained", protocols=LAST)
DISTANCE_RATIO = Metric("in ratio", "metrics:distance_ratios", better=-1, counts_clips=False, protocols=LAST)


@cache
def declared_claims() -> tuple[Claims, ...]:
    """Every paper's claims."""
    return tuple(import_module(f"soundclr.report.papers.{room}.claims").CLAIMS for room in PAPERS)


def has_claims(params: Params, study: str) -> bool:
    """Whether a paper claims anything that the study has runs of.

    A registered study is judged by its own analysis, and not by this table's rule.
    """
    return params.get_study(study).registered is None and any(True for _ in claims_of(params, study))


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
