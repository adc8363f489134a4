"""The table of claims: the paper's claim, its place and number, our number, and the verdict."""

import math
from collections.abc import Sequence

from soundclr.report.claims.frame import HARDLY_LEARNT, mark, ours, ratio, record, theirs, title, verdict
from soundclr.report.claims.judge import MARGIN, Finding, findings_of
from soundclr.report.collect import Collection
from soundclr.report.table import NONE, Column, Row, Table, frame_of, sentences, signed

RULE = (
    "A difference is positive where the claim's side is better. Intervals of 95 % resample recordings (or speakers) "
    "and seeds within folds; with one seed a fold they leave out one fold at a time. A claim holds here where p, with "
    "Holm's correction over the table's claims, is below 0.05, and does not hold where that is so for the other side. "
    "An undecided claim has its power at the paper's difference (or at one point, where the paper gives none) and a "
    "one-sided bound of the advantage (at most). By Holm: p by itself is below 0.05, and the corrected p is given. "
    f"As good as each other: within {MARGIN} points by two one-sided tests"
)


def make(collection: Collection) -> Table:
    """A row for each claim and dataset, the paper's claims first; the CSV has all numbers of the rule."""
    return of_findings(collection, findings_of(collection))


def of_findings(collection: Collection, findings: Sequence[Finding]) -> Table:
    """The table of a study's findings."""
    rows = [
        {**record(one), "finding": one, "csv_only": one.claim.detail}
        for one in sorted(findings, key=lambda one: one.claim.asked)
    ]
    common = [what for what in findings[0].reduced if all(what in one.reduced for one in findings)] if findings else []
    further = any(set(one.reduced) - set(common) for one in findings)
    several = len({one.dataset for one in findings}) > 1
    page = [
        Column("claim", lambda row: title(collection, row["finding"]), align="l"),
        *([Column("dataset", lambda row: collection.title(row["dataset"]), align="l")] if several else []),
        Column("paper", lambda row: theirs(row["finding"])),
        Column("here", lambda row: ours(row["finding"]) + mark(row["finding"])),
        Column("verdict", verdict_of, align="l"),
        Column("ratio of errors", lambda row: ratio(row["finding"])),
        Column("best epoch", lambda row: signed(row["best_epoch_difference"])),
        Column("where", place, align="l"),
    ]
    if further:
        page.append(Column("further reduced", lambda row: besides(row["finding"], common), align="l"))
    csv = [name for name in rows[0] if name not in ("finding", "csv_only")] if rows else []
    forms = dict.fromkeys(("p", "p_holm", "paper_p", "power", "draws_share", "error_ratio", "low", "high"), ".4f")
    return Table(frame_of(rows), csv, page, caption(collection, findings, common), forms=forms)


def place(row: Row) -> str:
    """The claim's place in the paper, the paper's words, and a note."""
    quoted = f': "{row["words"]}"' if row["words"] else ""
    note = row["finding"].claim.note
    return f"{row['place']}{quoted}{f'; {note}' if note else ''}"


def verdict_of(row: Row) -> str:
    """The verdict of a claim; a further question has none."""
    found: Finding = row["finding"]
    if found.claim.asked:
        return "asked later" if found.claim.later else "also asked"
    return verdict(found)


def besides(found: Finding, common: list[str]) -> str:
    """The reductions of a row that not all rows have."""
    return "; ".join(what for what in found.reduced if what not in common) or NONE


def caption(collection: Collection, findings: Sequence[Finding], common: list[str]) -> str:
    """The caption: the rule, the reductions, and the coverage."""
    every = all(one.reduced for one in findings)
    no_recorded = any(math.isnan(one.bound) and one.whole and not one.folds for one in findings)
    return sentences(
        "Each claim with its place and number in the paper, and the result of these runs after the last epoch; "
        "differences are in percentage points where there is no unit",
        RULE,
        "Ratio of errors: the claim's side over the other, the paper's in brackets",
        "Best epoch: the difference by the paper's protocol, which chooses the epoch on the held-out clips",
        HARDLY_LEARNT if any(map(mark, findings)) else "",
        "Every row is reduced, so no verdict is final for the paper" if every and findings else "",
        f"Reduced in every row: {'; '.join(common)}" if common else "",
        "Also asked: no claim of the paper, or not on these data; no verdict",
        "One run a side: the interval covers recordings only, the spread over trainings is unknown"
        if any(one.resampled == "sources" for one in findings) or no_recorded
        else "",
        collection.coverage,
    )
