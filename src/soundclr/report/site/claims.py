"""The claims as rows of the front page, and a page for each: what the templates show of a finding."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from soundclr.errors import UserError
from soundclr.report.claims import judge, table
from soundclr.report.claims.claim import Claim, PaperClaims, read_claims
from soundclr.report.claims.judge import SIGNIFICANCE, Finding
from soundclr.report.claims.measures import MEASURES
from soundclr.report.claims.of_study import Sides
from soundclr.report.collect import Collection
from soundclr.report.dvc_plots import provenance
from soundclr.report.frames import Values
from soundclr.report.statistics import Estimate, compare_runs, degrees_of_seeds
from soundclr.report.table import NONE

MARGIN = 0.06
"""The share of a picture's width that is left free at each end."""

POWER = 0.8
MOST = 1000
"""Seeds a fold and scheme beyond which :func:`seeds_needed` is infinity."""


@dataclass(frozen=True)
class Asked:
    """A claim as a study is asked it on a dataset; of a claim that no study is asked, `collection` is None."""

    paper: PaperClaims
    claim: Claim
    stem: str
    collection: Collection | None
    finding: Finding

    @property
    def study(self) -> str:
        """The study's name."""
        return self.collection.study if self.collection else ""

    @property
    def has_numbers(self) -> bool:
        """Whether its numbers are shown: a claim with missing runs shows none, as in the tables."""
        return self.finding.estimate is not None and self.finding.shown

    @property
    def title(self) -> str:
        """The claim, with the scheme that decides it where there were several."""
        found = self.finding
        return table.title(self.collection, found) if self.collection and found.whole else self.claim.claim

    @property
    def data(self) -> str:
        """The paper's name of the dataset, or the dataset's title where the paper has it not."""
        if self.collection is None:
            return ", ".join(self.claim.datasets)
        known = self.paper.datasets.get(self.finding.dataset)
        return known.of if known else self.collection.title(self.finding.dataset)

    @property
    def theirs(self) -> str:
        """The paper's number."""
        return table.theirs(self.finding).replace("no number", NONE)

    @property
    def ours(self) -> str:
        """Our number with its interval."""
        return table.ours(self.finding) if self.collection else "no runs yet"

    @property
    def outcome(self) -> str:
        """The verdict without its tier, as styles name it."""
        return self.finding.outcome.replace(" ", "-")

    @property
    def verdict(self) -> str:
        """The verdict in words, by tier."""
        return "not tested yet" if self.finding.outcome == "not whole" else self.finding.verdict

    @property
    def sure(self) -> str:
        """How sure the verdict is: p, or power and bound; and whether neither side is above the best baseline."""
        found = self.finding
        low = "neither side is above the best baseline" if table.mark(found) else ""
        if found.outcome in ("no verdict", "not whole"):
            return low
        p = "p < 0.001" if found.p_holm < 0.001 else f"p = {found.p_holm:.3f}"
        text = table.verdict(found).partition(" (")[2].removesuffix(")") if found.outcome == "undecided" else p
        return f"{text}; {low}" if low else text

    @property
    def marks(self) -> dict[str, float]:
        """All that a picture of it shows: 0, our value, interval and bound, and the paper's."""
        found = self.finding
        if found.estimate is None or not found.shown:
            return {}
        low, high = found.estimate.interval()
        marks = {"zero": 0.0, "value": found.estimate.value, "low": low, "high": high, "bound": found.bound}
        if theirs := found.paper:
            marks |= {"paper": theirs.difference, "paper_low": theirs.low, "paper_high": theirs.high}  # type: ignore[dict-item]
        return {name: value for name, value in marks.items() if value is not None and not math.isnan(value)}

    @property
    def ends(self) -> list[float]:
        """What a scale for its picture must have."""
        return list(self.marks.values())

    def picture(self, ends: Sequence[float]) -> Mapping[str, float]:
        """Where to draw its marks, from 0 at the left to 100, on a scale that has all `ends`."""
        if not ends:
            return {}
        least, width = min(ends), (max(ends) - min(ends)) or 1.0
        places = {name: MARGIN + (1 - 2 * MARGIN) * (value - least) / width for name, value in self.marks.items()}
        return {name: round(100 * place, 2) for name, place in places.items()}

    @cached_property
    def runs(self) -> list[Values]:
        """The provenance of every run behind the finding, with scheme, fold and seed."""
        if self.collection is None:
            return []
        shown, evaluations = self.finding, self.collection.evaluations
        needed = judge.needs_evaluation(self.claim.measure)
        behind = [
            one
            for one in self.collection.results
            if one.run.dataset == shown.dataset
            and one.run.recipe in shown.sides.recipes
            and (one.run in evaluations or not needed)
        ]
        return [
            provenance(one)
            | {"scheme": self.collection.scheme(one.run.recipe), "fold": one.run.fold, "seed": one.run.seed}
            for one in behind
        ]

    def side(self, recipes: Sequence[str]) -> str:
        """The titles of a side's schemes."""
        return " + ".join(map(self.collection.scheme, recipes)) if self.collection else ""

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
        undecided = self.finding.outcome == "undecided"
        return seeds_needed(self.collection, self.finding) if undecided and self.collection else None


def seeds_needed(collection: Collection, finding: Finding) -> float | None:
    """Fewest seeds a fold and scheme with power 80 % at the paper's difference, at 5 %, before Holm's correction.

    Only the variance of the seeds falls as 1 / n; that of the sources stays (:mod:`soundclr.report.statistics`).
    Infinity where :data:`MOST` do not suffice on these clips; None where the runs cannot tell: with one seed a fold,
    more than two sides, or where the paper gives no difference.
    """
    measure, estimate = MEASURES[finding.claim.measure], finding.estimate
    of_seeds = finding.resampled in ("seeds", "sources and seeds") and len(finding.sides.others) == 1
    if estimate is None or not of_seeds or not measure.points or not (finding.paper and finding.paper.difference):
        return None
    (behind,) = finding.sides.others.values()
    ours = measure.values(collection, finding.dataset, finding.sides.ahead)
    theirs = (measure.versus or measure.values)(collection, finding.dataset, behind)
    means = [{fold: list(side[fold].values.mean(axis=1)) for fold in ours} for side in (ours, theirs)]
    counts = np.array([len(runs) for side in means for runs in side.values()])
    changing = compare_runs(*means).error ** 2 * counts.min()
    staying = max(estimate.error**2 - changing / counts.min(), 0.0)
    for seeds in range(2, MOST + 1):
        error = math.sqrt(staying + changing / seeds)
        degrees = degrees_of_seeds([seeds] * len(counts))
        if Estimate(0.0, error, degrees).power(finding.power_at, SIGNIFICANCE) >= POWER:
            return seeds
    return math.inf


def asked_of(collection: Collection, tables: Path) -> list[Asked]:
    """Every claim that a study is asked. UserError where its printed table is not what its runs give."""
    paper, findings = read_claims(collection.params.studies[collection.study].paper), judge.findings_of(collection)
    path = tables / "claims.csv"
    printed = path.read_text(encoding="utf-8") if path.is_file() else ""
    if findings and printed != table.make(collection).to_csv():
        raise UserError(f"{path}: not what the runs give; make it with `soundclr report --study {collection.study}`")
    stem = f"{collection.study}-{{}}-{{}}"
    return [Asked(paper, one.claim, stem.format(one.dataset, one.claim.id), collection, one) for one in findings]


def rows_of(name: str, paper: PaperClaims, asked: Sequence[Asked]) -> Iterator[Asked]:
    """A paper's claims for the front page, each on its datasets, as :func:`soundclr.report.summary.headline_rows`.

    A claim that has its runs nowhere has one row: of the study that has most of them.
    """
    for claim in paper.claims:
        its = [one for one in asked if one.claim.id == claim.id and not one.claim.asked]
        whole: dict[str, Asked] = {}
        for one in its:
            if one.finding.whole:
                whole.setdefault(one.data, one)
        yield from (whole[place] for place in claim.datasets if place in whole)
        if not whole:
            nothing = Finding(claim, "", "reduced", (), None, Sides((), {}), outcome="not whole")
            begun = max(its, key=lambda one: one.finding.runs, default=None)
            yield begun or Asked(paper, claim, f"{name}-{claim.id}", None, nothing)
