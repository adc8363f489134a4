"""The claims as rows of the front page, and a page for each: what the templates show of a finding."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from soundclr.errors import UserError
from soundclr.report.claims import frame, judge, table
from soundclr.report.claims.claim import Claim, PaperClaims
from soundclr.report.claims.forest import is_drawn
from soundclr.report.claims.judge import Finding
from soundclr.report.claims.measures import MEASURES
from soundclr.report.claims.seeds import seeds_needed
from soundclr.report.collect import Collection
from soundclr.report.dvc_plots import provenance
from soundclr.report.frames import Values
from soundclr.report.table import NONE

MARGIN = 0.06
"""The share of a picture's width that is left free at each end."""


@dataclass(frozen=True)
class Asked:
    """A claim as a study is asked it on a dataset; of a claim that no study is asked, `paper` and `claim` alone."""

    paper: PaperClaims
    claim: Claim
    stem: str
    collection: Collection | None = None
    finding: Finding | None = None

    @property
    def study(self) -> str:
        """The study's name."""
        return self.collection.study if self.collection else ""

    @property
    def has_numbers(self) -> bool:
        """Whether its numbers are shown: a claim with missing runs shows none, as in the tables."""
        found = self.finding
        return found is not None and found.estimate is not None and (found.whole or found.claim.asked)

    @property
    def title(self) -> str:
        """The claim, with the scheme that decides it where there were several."""
        found = self.finding
        return frame.title(self.collection, found) if self.collection and found and found.whole else self.claim.claim

    @property
    def data(self) -> str:
        """The paper's name of the dataset, or the dataset's title where the paper has it not."""
        if self.finding is None or self.collection is None:
            return ", ".join(self.claim.datasets)
        known = self.paper.datasets.get(self.finding.dataset)
        return known.of if known else self.collection.title(self.finding.dataset)

    @property
    def theirs(self) -> str:
        """The paper's number."""
        return frame.theirs(self.finding).replace("no number", NONE) if self.finding else NONE

    @property
    def ours(self) -> str:
        """Our number with its interval."""
        return frame.ours(self.finding) if self.finding else "no runs yet"

    @property
    def outcome(self) -> str:
        """The verdict without its tier, as styles name it."""
        return (self.finding.outcome if self.finding else "not whole").replace(" ", "-")

    @property
    def verdict(self) -> str:
        """The verdict in words, by tier."""
        missing = self.finding is None or self.finding.outcome == "not whole"
        return "not tested yet" if missing or self.finding is None else self.finding.verdict

    @property
    def decided(self) -> bool:
        """Whether it holds here, or does not."""
        return self.outcome in ("holds", "does-not-hold")

    @property
    def sure(self) -> str:
        """How sure the verdict is: p, or power and bound; and whether neither side is above the best baseline."""
        found = self.finding
        if found is None:
            return ""
        low = "neither side is above the best baseline" if frame.mark(found) else ""
        if found.outcome in ("no verdict", "not whole"):
            return low
        p = "p < 0.001" if found.p_holm < 0.001 else f"p = {found.p_holm:.3f}"
        text = frame.verdict(found).partition(" (")[2].removesuffix(")") if found.outcome == "undecided" else p
        return f"{text}; {low}" if low else text

    @property
    def ends(self) -> list[float]:
        """All that a picture of it shows: 0, our value, interval and bound, and the paper's."""
        found = self.finding
        if not self.has_numbers or found is None or found.estimate is None:
            return []
        theirs = found.paper
        paper = [theirs.difference, theirs.low, theirs.high] if theirs else []
        values = [0.0, found.estimate.value, *found.estimate.interval(), found.bound, *paper]
        return [value for value in values if value is not None and not math.isnan(value)]

    @cached_property
    def runs(self) -> list[Values]:
        """The provenance of every run behind the finding, with scheme, fold and seed."""
        if self.finding is None or self.collection is None:
            return []
        shown, evaluations = self.finding, self.collection.evaluations
        needed = judge.needs_evaluation(self.claim.measure)
        return [
            {
                **provenance(one),
                "scheme": self.collection.scheme(one.run.recipe),
                "fold": one.run.fold,
                "seed": one.run.seed,
            }
            for one in self.collection.results
            if one.run.dataset == shown.dataset
            and one.run.recipe in shown.sides.recipes
            and (one.run in evaluations or not needed)
        ]

    def picture(self, ends: Iterable[float]) -> Mapping[str, float] | None:
        """Where to draw its marks, from 0 at the left to 100, on a scale that has all `ends`."""
        found = self.finding
        if found is None or found.estimate is None or not self.ends:
            return None
        place = partial(position, least=min(ends), most=max(ends))
        low, high = found.estimate.interval()
        marks = {"zero": 0.0, "value": found.estimate.value, "low": low, "high": high, "bound": found.bound}
        if theirs := found.paper:
            marks |= {"paper": theirs.difference, "paper_low": theirs.low, "paper_high": theirs.high}  # type: ignore[dict-item]
        return {name: place(value) for name, value in marks.items() if value is not None and not math.isnan(value)}

    def side(self, recipes: Sequence[str]) -> str:
        """The titles of a side's schemes."""
        return " + ".join(map(self.collection.scheme, recipes)) if self.collection else ""

    @property
    def in_points(self) -> bool:
        """Whether the study's figure of claims has it."""
        return self.finding is not None and is_drawn(self.finding)

    @property
    def unit(self) -> str:
        """The measure's unit."""
        return MEASURES[self.claim.measure].unit

    @property
    def measure(self) -> str:
        """What the measure is, in a sentence."""
        measure = MEASURES[self.claim.measure]
        of = measure.values.func if isinstance(measure.values, partial) else measure.values
        return measure.what or (of.__doc__ or "").partition("\n")[0].replace("`", "")

    @property
    def seeds(self) -> float | None:
        """How many seeds a fold and scheme would find the paper's difference: :func:`seeds_needed`."""
        undecided = self.finding and self.finding.outcome == "undecided"
        return seeds_needed(self.collection, self.finding) if undecided and self.collection and self.finding else None


def position(value: float, least: float, most: float) -> float:
    """A value's place on a scale, in percent of its width."""
    span = (most - least) or 1.0
    return round(100 * (MARGIN + (1 - 2 * MARGIN) * (value - least) / span), 2)


def asked_of(collection: Collection, paper: PaperClaims, tables: Path) -> list[Asked]:
    """Every claim that a study is asked. UserError where its printed table is not what its runs give."""
    findings = judge.findings_of(collection)
    path = tables / "claims.csv"
    printed = path.read_text(encoding="utf-8") if path.is_file() else ""
    if findings and printed != table.of_findings(collection, findings).to_csv():
        raise UserError(f"{path}: not what the runs give; make it with `soundclr report --study {collection.study}`")
    stem = f"{collection.study}-{{}}-{{}}"
    return [Asked(paper, one.claim, stem.format(one.dataset, one.claim.id), collection, one) for one in findings]


def rows_of(name: str, paper: PaperClaims, asked: Sequence[Asked]) -> Iterator[Asked]:
    """A paper's claims for the front page, each on its datasets, as :func:`soundclr.report.summary.headline_rows`.

    A claim that has its runs nowhere has one row: of the study that has most of them.
    """
    for claim in paper.claims:
        its = [one for one in asked if one.claim.id == claim.id and one.finding and not one.claim.asked]
        whole: dict[str, Asked] = {}
        for one in its:
            if one.finding and one.finding.whole:
                whole.setdefault(one.data, one)
        begun = max(its, key=lambda one: one.finding.runs if one.finding else 0, default=None)
        yield from [whole[place] for place in claim.datasets if place in whole]
        if not whole:
            yield begun or Asked(paper, claim, f"{name}-{claim.id}")
