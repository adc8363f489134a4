"""Whether the hybrid loss catches up with longer training: a row for each pair and budget, a sentence a dataset."""

import math

from soundclr.report.claims.frame import HARDLY_LEARNT, mark, record, share
from soundclr.report.claims.judge import Finding, findings_of
from soundclr.report.claims.of_study import own_epochs
from soundclr.report.collect import Collection
from soundclr.report.table import NONE, Column, Table, coverage, frame_of, sentences, signed, with_interval

PAIRS = "hybrid_ce", "hybrid_sc"


def make(collection: Collection) -> Table:
    """A row for each pair of schemes and budget: difference, interval, bound and power."""
    own = own_epochs(collection.params, collection.study)
    found = [(budget_of(one, own), one) for one in findings_of(collection) if one.claim.id.startswith(PAIRS)]
    rows = [{"epochs": epochs, **record(one), "finding": one} for epochs, one in sorted(found, key=order)]
    csv = ["epochs", "dataset", "claim", "ahead", "behind", "runs", "expected_runs", "difference", "low", "high"]
    csv += ["bound", "p", "power", "power_at", "paper_difference"]
    page = [
        Column("dataset", lambda row: collection.title(row["dataset"]), align="l"),
        Column("difference", lambda row: row["finding"].claim.claim.split(",")[0], align="l"),
        Column("epochs", "epochs"),
        Column("runs", coverage),
        Column("points", lambda row: points(row["finding"]) + mark(row["finding"])),
        Column("at most", lambda row: signed(row["bound"]) if row["finding"].whole else NONE),
        Column("power", lambda row: power(row["finding"])),
        Column("the paper", lambda row: signed(row["paper_difference"])),
    ]
    texts = [sentence(collection, dataset, found) for dataset in collection.datasets]
    caption = sentences(
        "Hybrid minus each other scheme after the last epoch of each budget, in percentage points with 95 % intervals. "
        "At most: one-sided, 95 %. Power: how likely the paper's difference would be found, at 5 %",
        *texts,
        HARDLY_LEARNT if any(mark(one) for _, one in found) else "",
    )
    return Table(frame_of(rows), csv, page, caption, forms=dict.fromkeys(("p", "power"), ".4f"))


def order(pair: tuple[int, Finding]) -> tuple[str, str, int]:
    """The key by which rows are sorted: dataset, pair, budget."""
    epochs, found = pair
    return found.dataset, found.claim.id[: len(PAIRS[0])], epochs


def budget_of(found: Finding, own: int) -> int:
    """The epochs of a finding's budget, from the name of its family; without a family the study's own."""
    return int(found.claim.family.split()[0]) if found.claim.family else own


def points(found: Finding) -> str:
    """The difference with its interval, where all runs are there."""
    if not found.whole or found.estimate is None:
        return NONE
    low, high = found.estimate.interval()
    return with_interval(found.estimate.value, low, high)


def power(found: Finding) -> str:
    """The power in percent, with the difference for which it is given."""
    known = found.whole and not math.isnan(found.power)
    return f"{share(found.power)} at {signed(found.power_at)}" if known else NONE


def sentence(collection: Collection, dataset: str, found: list[tuple[int, Finding]]) -> str:
    """A sentence on hybrid minus cross-entropy at a dataset's smallest and largest budget."""
    whole = [
        (epochs, one)
        for epochs, one in sorted(found, key=order)
        if one.dataset == dataset and one.claim.id.startswith(PAIRS[0]) and one.whole and one.estimate
    ]
    title = collection.title(dataset)
    if len(whole) < 2:
        return f"{title}: fewer than two budgets have all their runs, so catching up is not judged"
    (first, one), (last, other) = whole[0], whole[-1]
    assert one.estimate is not None
    assert other.estimate is not None
    return (
        f"{title}: hybrid − cross-entropy is {points(one)} after {first} epochs and {points(other)} after {last}, at "
        f"most {signed(other.bound)}; the power there is {share(other.power)}"
    )
