"""The findings as a frame with a row for each claim and dataset (claims.csv), and the texts of a page's columns."""

import math

from soundclr.report.claims.judge import SIGNIFICANCE, Finding
from soundclr.report.claims.measures import MEASURES
from soundclr.report.collect import Collection
from soundclr.report.table import NONE, NOT_ABOVE, signed, with_interval


def record(found: Finding) -> dict[str, object]:
    """A finding's values by the columns of claims.csv."""
    claim, estimate, paper = found.claim, found.estimate, found.paper
    low, high = estimate.interval() if estimate else (math.nan, math.nan)
    ratio = found.ratio or (math.nan, math.nan, math.nan)
    return {
        "claim": claim.id,
        "text": claim.claim,
        "place": claim.place,
        "words": claim.words,
        "detail": "yes" if claim.detail else "no",
        "kind": "claim" if not claim.asked else "later" if claim.later else "also asked",
        "family": claim.family,
        "dataset": found.dataset,
        "measure": claim.measure,
        "unit": MEASURES[claim.measure].unit,
        "ahead": " + ".join(found.sides.ahead),
        "behind": found.against,
        "ahead_mean": found.values[0],
        "behind_mean": found.values[1],
        "difference": estimate.value if estimate else math.nan,
        "low": low,
        "high": high,
        "bound": found.bound,
        "p": found.p,
        "p_holm": found.p_holm,
        "resampled": found.resampled,
        "error_ratio": ratio[0],
        "error_ratio_low": ratio[1],
        "error_ratio_high": ratio[2],
        "power": found.power,
        "power_at": found.power_at if not math.isnan(found.power) else math.nan,
        "best_epoch_difference": found.best_epoch,
        "folds_ahead": found.folds[0] if found.folds else None,
        "folds": found.folds[1] if found.folds else None,
        "draws_share": found.draws,
        "runs": found.runs,
        "expected_runs": found.expected_runs,
        **{f"paper_{key}": value for key, value in (paper.model_dump() if paper else dict.fromkeys(PAPER)).items()},
        "paper_cells": claim.numbers.cells if claim.numbers and paper else None,
        "tier": found.tier,
        "reduced": "; ".join(found.reduced),
        "verdict": found.verdict,
    }


HARDLY_LEARNT = f"{NOT_ABOVE} neither side is above the best baseline, which trains nothing"
"""The sentence that explains :func:`mark`."""

PAPER = ("ahead", "behind", "difference", "at_least", "low", "high", "p", "error_ratio")


def theirs(found: Finding) -> str:
    """The paper's difference with its interval where it is known: ``+0.60 (+0.03 to +1.17)``."""
    paper = found.paper
    if paper is None or paper.difference is None:
        return "no number"
    return ("over " if paper.at_least else "") + with_interval(paper.difference, paper.low, paper.high)


def ours(found: Finding) -> str:
    """Our difference with its 95 % interval; for a claim about folds the number of folds. Missing runs are counted."""
    runs = f"{found.runs} of {found.expected_runs} runs"
    if not (found.whole or found.claim.asked) or (found.estimate is None and found.folds is None):
        return runs
    partial = "" if found.whole else f", from {runs}"
    if found.folds:
        return f"{found.folds[0]} of {found.folds[1]} folds (in all of them in {share(found.draws)} of draws){partial}"
    assert found.estimate is not None
    low, high = found.estimate.interval()
    decimals = 2 if MEASURES[found.claim.measure].points else 3 if abs(found.estimate.value) < 1 else 1
    unit = "" if MEASURES[found.claim.measure].unit.startswith("points") else f" {MEASURES[found.claim.measure].unit}"
    return with_interval(found.estimate.value, low, high, decimals, unit) + partial


def mark(found: Finding) -> str:
    """A mark after our difference, where neither side is above the best baseline."""
    return f" {NOT_ABOVE}" if found.hardly_learnt and (found.whole or found.claim.asked) else ""


def ratio(found: Finding) -> str:
    """The ratio of errors with its interval; the paper's in brackets."""
    if found.ratio is None or not (found.whole or found.claim.asked):
        return NONE
    value, low, high = found.ratio
    text = f"{value:.2f}" if math.isnan(low) else f"{value:.2f} ({low:.2f} to {high:.2f})"
    papers = found.paper and found.paper.error_ratio
    return f"{text} [{papers:.2f}]" if papers else text


def verdict(found: Finding) -> str:
    """The verdict; with the power and the bound where it is undecided, and p where Holm's correction made it so."""
    if found.outcome != "undecided":
        return NONE if found.outcome == "no verdict" else found.verdict
    if found.resampled == "sources" or math.isnan(found.bound):
        return f"{found.verdict} (one run a side)"
    corrected = f"p {found.p_holm:.2f} by Holm, " if found.p < SIGNIFICANCE else ""
    power = "" if math.isnan(found.power) else f"power {share(found.power)} at {signed(found.power_at)}, "
    return f"{found.verdict} ({corrected}{power}at most {signed(found.bound)})"


def share(value: float) -> str:
    """A probability in percent."""
    return f"{100 * value:.0f} %"


def title(collection: Collection, found: Finding) -> str:
    """The claim and, where it is against several schemes, the nearest of them."""
    several = len(found.sides.others) > 1 and found.against is not None and found.folds is None
    if not several:
        return found.claim.claim
    against = found.sides.others[found.against]
    return f"{found.claim.claim}; nearest: {collection.scheme(against[0])}"
