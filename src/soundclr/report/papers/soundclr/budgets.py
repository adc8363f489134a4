"""Whether the hybrid loss catches up where networks train longer: a row a budget and pair, and a sentence a dataset."""

import math

from soundclr.report.claims.frame import record, share, signed
from soundclr.report.claims.judge import Finding, findings_of
from soundclr.report.claims.of_study import BUDGETS, own_epochs
from soundclr.report.collect import Collection
from soundclr.report.table import Column, Table, frame_of, sentences

PAIRS = "hybrid_ce", "hybrid_sc"


def make(collection: Collection) -> Table:
    """Difference, interval, bound and power at each budget."""
    own = own_epochs(collection.params, collection.study)
    found = [(budget_of(one, own), one) for one in findings_of(collection) if one.claim.id.startswith(PAIRS)]
    rows = [{"epochs": epochs, **record(one), "finding": one} for epochs, one in sorted(found, key=order)]
    csv = ["epochs", "dataset", "claim", "ahead", "behind", "runs", "expected_runs", "difference", "low", "high"]
    csv += ["bound", "p", "power", "power_at", "paper_difference"]
    page = [
        Column("dataset", lambda row: collection.title(row["dataset"]), align="l"),
        Column("difference", lambda row: row["finding"].claim.claim.split(",")[0], align="l"),
        Column("epochs", "epochs"),
        Column("runs", lambda row: f"{row['runs']} of {row['expected_runs']}"),
        Column("points", lambda row: points(row["finding"])),
        Column("at most", lambda row: signed(row["bound"]) if row["finding"].whole else "–"),
        Column("power", lambda row: power(row["finding"])),
        Column("the paper", lambda row: signed(row["paper_difference"])),
    ]
    texts = [sentence(collection, dataset, found) for dataset in collection.datasets]
    caption = sentences(
        "Hybrid minus each other scheme after the last epoch of each budget, in percentage points with 95 % intervals. "
        "At most: one-sided, 95 %. Power: how likely the paper's difference would be found, at 5 %",
        *texts,
    )
    return Table(frame_of(rows), csv, page, caption, forms=dict.fromkeys(("p", "power"), ".4f"))


def order(pair: tuple[int, Finding]) -> tuple[str, str, int]:
    """By dataset, then pair, then budget."""
    epochs, found = pair
    return found.dataset, found.claim.id[: len(PAIRS[0])], epochs


def budget_of(found: Finding, own: int) -> int:
    """The epochs of a finding's budget; its family is named after another than the study's own."""
    return int(found.claim.family.split()[0]) if found.claim.family else own


def points(found: Finding) -> str:
    """The difference with its interval, once all runs are there."""
    if not found.whole or found.estimate is None:
        return "–"
    low, high = found.estimate.interval()
    return f"{signed(found.estimate.value)} ({signed(low)} to {signed(high)})"


def power(found: Finding) -> str:
    """In percent, at the difference that it is of."""
    known = found.whole and not math.isnan(found.power)
    return f"{share(found.power)} at {signed(found.power_at)}" if known else "–"


def sentence(collection: Collection, dataset: str, found: list[tuple[int, Finding]]) -> str:
    """What the budgets say of hybrid against cross-entropy on a dataset."""
    whole = [
        (epochs, one)
        for epochs, one in sorted(found, key=order)
        if one.dataset == dataset and one.claim.id.startswith(PAIRS[0]) and one.whole and one.estimate
    ]
    title = collection.title(dataset)
    if len(whole) < 2:
        return f"{title}: fewer than two budgets have all their runs, so nothing is said of catching up"
    (first, one), (last, other) = whole[0], whole[-1]
    assert one.estimate is not None
    assert other.estimate is not None
    return (
        f"{title}: hybrid − cross-entropy is {points(one)} after {first} epochs and {points(other)} after {last}, at "
        f"most {signed(other.bound)}; the power there is {share(other.power)}"
    )


KEY = BUDGETS
