"""Whether the hybrid loss catches up with longer training: a row for each pair and budget, a sentence a dataset."""

from soundclr.report.claims.judge import Finding, findings_of
from soundclr.report.claims.of_study import own_epochs
from soundclr.report.claims.table import HARDLY_LEARNT, mark, ours, record, share
from soundclr.report.collect import Collection
from soundclr.report.table import NONE, Column, Row, Table, coverage, dataset_column, frame_of, sentences, signed

PAIRS = "hybrid_ce", "hybrid_sc"


def make(collection: Collection) -> Table:
    """A row for each pair of schemes and budget: difference, interval, bound and power."""
    found = by_budget(collection)
    rows = [{"epochs": epochs, **record(one), "finding": one} for epochs, one in found]
    csv = ["epochs", "dataset", "claim", "ahead", "behind", "runs", "expected_runs", "difference", "low", "high"]
    csv += ["bound", "p", "power", "power_at", "paper_difference"]

    def power(row: Row) -> str:
        known = row["finding"].whole and row["power"] is not None
        return f"{share(row['power'])} at {signed(row['power_at'])}" if known else NONE

    page = [
        dataset_column(collection),
        Column("difference", lambda row: row["finding"].claim.claim.split(",")[0], align="l"),
        Column("epochs", "epochs"),
        Column("runs", coverage),
        Column("points", lambda row: points(row["finding"]) + mark(row["finding"])),
        Column("at most", lambda row: signed(row["bound"]) if row["finding"].whole else NONE),
        Column("power", power),
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


def by_budget(collection: Collection) -> list[tuple[int, Finding]]:
    """The findings on hybrid minus each other scheme, with the epochs of their budget: by dataset, pair and epochs."""
    own = own_epochs(collection.params, collection.study)
    every = [one for one in findings_of(collection) if one.claim.id.startswith(PAIRS)]
    # A family's name begins with its epochs; the study's own budget has no family.
    found = [(int((one.claim.family or str(own)).split()[0]), one) for one in every]
    return sorted(found, key=lambda pair: (pair[1].dataset, pair[1].claim.id[: len(PAIRS[0])], pair[0]))


def points(found: Finding) -> str:
    """The difference with its interval, where all runs are there."""
    return ours(found) if found.whole and found.estimate else NONE


def sentence(collection: Collection, dataset: str, found: list[tuple[int, Finding]]) -> str:
    """A sentence on hybrid minus cross-entropy at a dataset's smallest and largest budget."""
    whole = [
        (epochs, one)
        for epochs, one in found
        if one.dataset == dataset and one.claim.id.startswith(PAIRS[0]) and one.whole and one.estimate
    ]
    title = collection.title(dataset)
    if len(whole) < 2:
        return f"{title}: fewer than two budgets have all their runs, so the trend is not judged"
    (first, one), (last, other) = whole[0], whole[-1]
    return (
        f"{title}: hybrid − cross-entropy is {points(one)} after {first} epochs and {points(other)} after {last}, at "
        f"most {signed(other.bound)}; the power there is {share(other.power)}"
    )
