"""What a paper claims, and what a study's runs say of it by the rule of :mod:`soundclr.report.claim`: a row a claim."""

from collections.abc import Callable

from soundclr.report.claim import Claim, Reported, claims_of, datasets_of_claim, sides
from soundclr.report.collect import Collection
from soundclr.report.frames import Values
from soundclr.report.intervals import INTERVALS, Protocol
from soundclr.report.judging import Finding, judge
from soundclr.report.papers import PAPERS
from soundclr.report.run_results import RunResult
from soundclr.report.table import NONE, Cell, Column, Row, Table, frame_of, number, sentences, span

SHOWN: dict[Protocol, str] = {"last_epoch": "last epoch", "best_epoch": "best epoch"}
"""The unbiased one first: it gives the verdict."""

UNPLANNED: list[str | None] = [None]
"""Instead of datasets, of a claim of the study's own paper that it plans no runs of."""

SAID = ["first", "second", "first_mean", "second_mean", "difference", "low", "high"]
SAID += ["pairs", "expected_pairs", "folds", "verdict"]

RULE = (
    "One rule for every claim and study. Supported: the whole interval is on the claim's side of 0, and the mean is at "
    "least one held-out clip's share of all. Contradicted: the same on the other side. Undecided: neither. "
    "The best among several must be ahead of each of them by this rule, and one that is ahead of it contradicts it; "
    "the row has the nearest, or that one. Two that are said to be within so much of each other must be so with the "
    "whole interval; where none of it is, they are not"
)


def make(collection: Collection) -> Table:
    """The claims of every paper that the study is about, each on every dataset that it has both sides of."""
    params, study = collection.params, collection.study
    own = PAPERS[params.get_study(study).paper]
    records = [
        {"paper": paper, **record(collection, dataset, claim)}
        for paper, claim in claims_of(params, study)
        for dataset in [*datasets_of_claim(params, study, claim)] or (UNPLANNED if paper == own else ())
    ]
    several = len(collection.datasets) > 1
    named = list(dict.fromkeys(record["paper"] for record in records))
    page = [Column("paper", "paper", align="l")] if len(named) > 1 else []
    page += [Column("claim", "text", align="l")]
    page += [Column("dataset", titled(collection), align="l")] if several else []
    page += [Column("the paper's figures", "published", align="l")]
    page += [column for protocol in SHOWN for column in protocol_columns(collection, protocol)]
    csv = ["paper", "claim", "text", "dataset", "published_dataset", "source", "published_ahead", "published_behind"]
    csv += ["published_difference", "unit", *(f"{protocol}_{name}" for protocol in SHOWN for name in SAID)]
    where = "" if several else f" on {collection.title(collection.datasets[0])}"
    caption = sentences(
        f"What {' and '.join(named)} {'says' if len(named) == 1 else 'say'}, and what this study's runs{where} say "
        "of it. A difference is the claim's side minus the other, in percentage points or, where it says so, in a "
        "ratio; the means of both follow. It is of pairs: the folds and seeds that both sides have, of those asked "
        f"for. {INTERVALS[:1].upper()}{INTERVALS[1:]}",
        RULE,
        "The verdict is by the last epoch, which no accuracy chose; the best epoch, beside it, is the paper's "
        "protocol. Noise and distances are of the last epoch's models",
        "Folds share training clips, so intervals are optimistic; they are not corrected for the number of claims",
        collection.coverage,
    )
    return Table(frame_of(records), csv, page, caption, results=results_of(collection))


def titled(collection: Collection) -> Callable[[Row], str]:
    """Show a record's dataset, a dash for none."""
    return lambda record: NONE if record["dataset"] is None else collection.title(record["dataset"])


def record(collection: Collection, dataset: str | None, claim: Claim) -> Values:
    """A claim on a dataset; without one, a claim that the study has no runs of."""
    theirs = claim.paper.get(dataset or "") or next(iter(claim.paper.values()), None)
    elsewhere = dataset not in claim.paper
    values: Values = {}
    for protocol in SHOWN:
        found = judge(collection, dataset, claim, protocol) if dataset else Finding("no runs")
        values |= {f"{protocol}_{key}": value for key, value in said(collection, dataset, claim, found).items()}
    return {
        "claim": claim.id,
        "text": claim.text,
        "dataset": dataset,
        "published": published(theirs, claim.metric.unit, elsewhere) if theirs else NONE,
        **{f"published_{key}": theirs and getattr(theirs, key) for key in ("dataset", "ahead", "behind", "difference")},
        "source": theirs and theirs.source,
        "unit": claim.metric.unit,
        "several": claim.behind is None,
        **values,
    }


def said(collection: Collection, dataset: str | None, claim: Claim, found: Finding) -> Values:
    """A finding's values."""
    difference = found.difference
    return {
        "first": found.first or None,
        "second": found.second or None,
        "first_mean": found.values[0] if difference else None,
        "second_mean": found.values[1] if difference else None,
        "difference": difference and difference.mean,
        "low": difference and difference.low,
        "high": difference and difference.high,
        "pairs": found.pairs,
        "expected_pairs": len(collection.expected_of(dataset, found.first, claim.choice)) if difference else None,
        "folds": len(difference.folds) if difference else 0,
        "verdict": found.verdict,
    }


def published(theirs: Reported, unit: str, elsewhere: bool) -> str:
    """As in ``+0.60 points: 99.60 − 99.00 (source)``, with the dataset where it is another than ours."""
    place = f"({theirs.source}{f', {theirs.dataset}' if elsewhere and theirs.dataset else ''})"
    if theirs.difference is None:
        return f"no number {place}"
    return (
        f"{'over ' if theirs.at_least else ''}{compared(theirs.difference, unit, theirs.ahead, theirs.behind)} {place}"
    )


def compared(difference: float, unit: str, first: float | None, second: float | None) -> str:
    """A difference and what it is of."""
    text = f"{number(difference, sign=True)} {unit}"
    return text if first is None or second is None else f"{text}: {number(first)} − {number(second)}"


def protocol_columns(collection: Collection, protocol: Protocol) -> list[Column]:
    """What a finding says; on the page all of the first protocol's, and the others' difference and verdict."""

    def key(name: str) -> str:
        return f"{protocol}_{name}"

    def ours(record: Row) -> str:
        difference, first, second = (record[key(name)] for name in ("difference", "first_mean", "second_mean"))
        if difference is None:
            return NONE
        rival = f" ({collection.scheme(record[key('second')])})" if record["several"] else ""
        return compared(difference, record["unit"], first, second) + rival

    def short(record: Row) -> str:
        difference = record[key("difference")]
        return NONE if difference is None else f"{number(difference, sign=True)}, {record[key('verdict')]}"

    shows: dict[str, tuple[str, Callable[[Row], Cell | str]]] = {
        "difference": ("difference", ours),
        "low": ("95 % interval", span(key("low"), key("high"))),
        "pairs": ("pairs", lambda r: f"{r[key('pairs')]} of {r[key('expected_pairs')]}" if r[key("pairs")] else NONE),
        "verdict": ("verdict", lambda record: Cell(record[key("verdict")], best=record[key("pairs")] > 0)),
    }
    if protocol != next(iter(SHOWN)):
        shows = {"difference": ("difference, verdict", short)}
    return [
        Column(name, show, SHOWN[protocol], align="l" if key == "verdict" else "r")
        for key, (name, show) in shows.items()
    ]


def results_of(collection: Collection) -> list[RunResult]:
    """The finished runs that claims are judged by."""
    found = set()
    for _, claim in claims_of(collection.params, collection.study):
        for dataset in collection.datasets:
            if both := sides(collection.params, collection.study, dataset, claim):
                for choice, recipes in zip(claim.choices, ((both.ahead,), both.behind), strict=True):
                    found |= {one.run for recipe in recipes for one in collection.of(dataset, recipe, choice)}
    return [result for run, result in collection.found.items() if run in found]
