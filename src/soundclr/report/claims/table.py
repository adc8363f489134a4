"""The table of claims: the paper's claim, its place and number, our number, and the verdict; and its texts."""

import math
from collections.abc import Sequence

from soundclr.report.claims.judge import MARGIN, SIGNIFICANCE, Finding, findings_of
from soundclr.report.claims.measures import MEASURES
from soundclr.report.claims.reported import Reported
from soundclr.report.collect import Collection
from soundclr.report.frames import Values
from soundclr.report.table import NONE, NOT_ABOVE, Column, Row, Table, frame_of, sentences, signed, with_interval

HARDLY_LEARNT = f"{NOT_ABOVE} neither side is above the best baseline, which trains no network"
"""The sentence that explains :func:`mark`."""

RULE = (
    "A difference is positive where the claim's side is better. Intervals of 95 % resample recordings (or speakers) "
    "and seeds within folds; with one seed a fold they leave out one fold at a time. If p, after Holm's correction "
    "over all of the table's claims, also those without all their runs, is below 0.05, a positive difference holds "
    "here and a negative one does not. An undecided claim shows a one-sided 95 % bound (at most) and, in percentage "
    "points, its power: the chance that these runs would tell the paper's difference (one point, where the paper gives "
    "none or 0) from 0. By Holm: the corrected p, where p by itself is below 0.05. As good as each other: within "
    f"{MARGIN} points by two one-sided tests; their power is for the paper's difference. By construction: no truth "
    "could make the row come out the other way"
)


WELCH = "The paper's intervals are ours: Welch's, from its ± taken as the standard deviation of five runs"
"""Where the paper's intervals come from: :mod:`soundclr.report.claims.reported`."""


def make(collection: Collection) -> Table:
    """A row for each claim and dataset, the paper's claims first; the CSV has all numbers of the rule."""
    findings = findings_of(collection)
    rows = [
        {**record(one), "finding": one, "csv_only": one.claim.detail}
        for one in sorted(findings, key=lambda one: one.claim.asked)
    ]
    begun = tuple(one for one in findings if one.runs) or findings
    common = [what for what in begun[0].reduced if all(what in one.reduced for one in begun)] if begun else []

    def further(found: Finding) -> str:
        shown = found.runs or begun is findings
        return "; ".join(what for what in found.reduced if shown and what not in common)

    def place(row: Row) -> str:
        quoted, note = f': "{row["words"]}"' if row["words"] else "", row["finding"].claim.note
        return f"{row['place']}{quoted}{f'; {note}' if note else ''}"

    dataset = Column("dataset", lambda row: collection.title(row["dataset"]), align="l")
    page = [
        Column("claim", lambda row: title(collection, row["finding"]), align="l"),
        *([dataset] if len({one.dataset for one in findings}) > 1 else []),
        Column("paper", lambda row: theirs(row["finding"])),
        Column("here", lambda row: ours(row["finding"]) + mark(row["finding"])),
        Column("verdict", lambda row: verdict(row["finding"]), align="l"),
        Column("ratio of errors", lambda row: ratio(row["finding"])),
        Column("best epoch", lambda row: signed(row["best_epoch_difference"]) if row["finding"].shown else NONE),
        Column("where", place, align="l"),
    ]
    if any(map(further, findings)):
        page.append(Column("further reduced", lambda row: further(row["finding"]) or NONE, align="l"))
    csv = list(record(findings[0])) if findings else []
    forms = dict.fromkeys(("p", "p_holm", "paper_p", "power", "draws_share", "error_ratio", "low", "high"), ".4f")
    return Table(frame_of(rows), csv, page, caption(collection, findings, common), forms=forms)


def caption(collection: Collection, findings: Sequence[Finding], common: list[str]) -> str:
    """The caption: the rule, the reductions, and the coverage."""
    every = all(one.reduced for one in findings)
    fewer_labels = any(one.runs and math.isnan(one.learnt) for one in findings)
    with_runs = " with runs" if len({one.runs > 0 for one in findings}) > 1 else ""
    of_one_run = any(
        one.resampled == "sources" or (math.isnan(one.bound) and one.whole and not one.folds) for one in findings
    )
    return sentences(
        "Each claim with its place and number in the paper, and the result of these runs after the last epoch; "
        "differences are in percentage points where there is no unit",
        RULE,
        "Ratio of errors: the claim's side over the other, the paper's in brackets",
        WELCH if any(one.paper and one.paper.low is not None for one in findings) else "",
        "Best epoch: the difference where each run's epoch is chosen on the held-out clips",
        HARDLY_LEARNT if any(mark(one) for one in findings if not one.claim.detail) else "",
        "Claims about fewer labels have no baseline" if fewer_labels else "",
        "Every row is reduced, so no verdict is final for the paper" if every and findings else "",
        f"Reduced in every row{with_runs}: {'; '.join(common)}" if common else "",
        "Also asked: no claim of the paper, not on these data, or at a budget without a registered test; no verdict",
        "Asked later: not among the registered claims; no verdict" if any(one.claim.later for one in findings) else "",
        "One run a side: the interval covers recordings only, the spread over trainings is unknown"
        if of_one_run
        else "",
        collection.coverage,
    )


def record(found: Finding) -> Values:
    """A finding's values by the columns of claims.csv."""
    claim, estimate = found.claim, found.estimate
    paper = found.paper.model_dump() if found.paper else dict.fromkeys(Reported.model_fields)
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
        **{f"paper_{key}": value for key, value in paper.items()},
        "paper_cells": claim.numbers.cells if claim.numbers and found.paper else None,
        "tier": found.tier,
        "reduced": "; ".join(found.reduced),
        "verdict": found.verdict,
    }


def theirs(found: Finding) -> str:
    """The paper's difference with its interval where it is known: ``+0.60 (+0.03 to +1.17)``."""
    return number(found.paper) or "no number"


def number(paper: Reported | None) -> str:
    """The paper's difference in words; empty where it gives none."""
    if paper is None or paper.difference is None:
        return ""
    return ("over " if paper.at_least else "") + with_interval(paper.difference, paper.low, paper.high)


def ours(found: Finding) -> str:
    """Our difference with its 95 % interval; for a claim about folds the number of folds. Missing runs are counted."""
    runs = f"{found.runs} of {found.expected_runs} runs"
    if not found.shown or (found.estimate is None and found.folds is None):
        return runs
    partial = "" if found.whole else f", from {runs}"
    if found.folds:
        return f"{found.folds[0]} of {found.folds[1]} folds (in all of them in {share(found.draws)} of draws){partial}"
    assert found.estimate is not None
    low, high = found.estimate.interval()
    measure = MEASURES[found.claim.measure]
    unit = "" if measure.unit.startswith("points") else f" {measure.unit}"
    return with_interval(found.estimate.value, low, high, decimals(found), unit) + partial


def decimals(found: Finding) -> int:
    """The decimals of our difference: two of percentage points, three of other small numbers."""
    small = found.estimate is not None and abs(found.estimate.value) < 1
    return 2 if MEASURES[found.claim.measure].points else 3 if small else 1


def mark(found: Finding) -> str:
    """A mark after our difference, where neither side is above the best baseline."""
    return f" {NOT_ABOVE}" if found.hardly_learnt and found.shown and (found.estimate or found.folds) else ""


def ratio(found: Finding) -> str:
    """The ratio of errors with its interval; the paper's in brackets."""
    if found.ratio is None or not found.shown:
        return NONE
    value, low, high = found.ratio
    text = f"{value:.2f}" if math.isnan(low) else f"{value:.2f} ({low:.2f} to {high:.2f})"
    papers = found.paper and found.paper.error_ratio
    return f"{text} [{papers:.2f}]" if papers else text


def verdict(found: Finding) -> str:
    """The verdict; with the power and the bound where it is undecided, and p where Holm's correction made it so.

    A further question has none.
    """
    if found.claim.asked:
        return "asked later" if found.claim.later else "also asked"
    if found.claim.by_construction and not found.claim.registered:
        return "by construction"
    if found.outcome != "undecided":
        fixed = " (by construction)" if found.claim.by_construction and found.whole else ""
        return NONE if found.outcome == "no verdict" else found.verdict + fixed
    if found.resampled == "sources" or math.isnan(found.bound):
        return f"{found.verdict} (one run a side)"
    corrected = f"p {found.p_holm:.2f} by Holm, " if found.p < SIGNIFICANCE else ""
    power = "" if math.isnan(found.power) else f"power {share(found.power)} at {signed(found.power_at)}, "
    return f"{found.verdict} ({corrected}{power}at most {signed(found.bound, decimals(found))})"


def share(value: float) -> str:
    """A probability in percent."""
    return f"{100 * value:.0f} %"


def title(collection: Collection, found: Finding) -> str:
    """The claim and, where it is against several schemes, the best of them."""
    if len(found.sides.others) == 1 or found.against is None or found.folds is not None:
        return found.claim.claim
    against = found.sides.others[found.against]
    return f"{found.claim.claim}; the best other: {collection.scheme(against[0])}"
