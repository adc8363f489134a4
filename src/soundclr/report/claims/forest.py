"""The claims of a dataset in one figure: our difference with its interval, the paper's as a diamond."""

import math

from soundclr.report.claims.judge import Finding, findings_of
from soundclr.report.claims.measures import MEASURES
from soundclr.report.claims.table import HARDLY_LEARNT, mark
from soundclr.report.collect import Collection
from soundclr.report.figure import RowOfMeans, rows_with_intervals
from soundclr.report.intervals import ENOUGH, Mean
from soundclr.report.style import PAGE, Drawing, Style, handle, new_figure
from soundclr.report.table import signed

PAPERS: Style = {"color": "black", "marker": "D", "linestyle": "", "mfc": "white", "mew": 0.8, "markersize": 3.5}
COLOURS = {"holds": "#009E73", "does not hold": "#D55E00", "undecided": "#0072B2", "no verdict": "#999999"}
"""A point's colour by the verdict."""


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """A row for each claim in percentage points with all of its runs: difference, interval and verdict."""
    found = [one for one in findings_of(collection) if one.dataset == dataset and is_drawn(one)]
    if not found:
        return None
    figure = new_figure(PAGE, 0.9 + 0.24 * len(found))
    axes = figure.subplots()
    axes.axvline(0, color="black", linewidth=0.6, zorder=1)
    rows_with_intervals(axes, [row_of(one) for one in found])
    axes.set_xlabel("the claim's side minus the other (percentage points)")
    names: dict[str, str] = {}
    for one in found:
        names.setdefault(one.outcome, "also asked" if one.outcome == "no verdict" else one.verdict)
    handles = [handle(name, **look_of(outcome)) for outcome, name in names.items()]
    papers = any(one.paper is not None and one.paper.difference is not None for one in found)
    handles += [handle("the paper", **PAPERS)] if papers else []
    figure.legend(handles=handles, loc="outside upper center", ncols=5)
    known = any(not math.isnan(one.estimate.error) for one in found if one.estimate)
    text = f"The claims in percentage points: differences after the last epoch{' with 95 % intervals' if known else ''}"
    text += ", which are not corrected for the number of claims as verdicts are" if known else ""
    text += "; of one run a side it is of recordings alone" if any(one.resampled == "sources" for one in found) else ""
    text += "; diamonds: the paper's, with intervals that are ours from its ±" if papers else ""
    text += f"; {HARDLY_LEARNT}." if any(map(mark, found)) else "."
    return Drawing(figure, text, tuple({recipe: None for one in found for recipe in one.sides.recipes}))


def is_drawn(found: Finding) -> bool:
    """Whether a finding has all of its runs and is in percentage points."""
    points = MEASURES[found.claim.measure].points and found.claim.measure != "folds"
    return points and found.whole and found.estimate is not None and not (found.claim.later or found.claim.detail)


def row_of(found: Finding) -> RowOfMeans:
    """Our difference, the paper's a little below it, and ours as a number at the right."""
    assert found.estimate is not None
    low, high = found.estimate.interval()
    means = [(-0.1, as_mean(found.estimate.value, low, high), look_of(found.outcome))]
    if (paper := found.paper) and paper.difference is not None:
        means.append((0.22, as_mean(paper.difference, paper.low, paper.high), PAPERS))
    return RowOfMeans(found.claim.claim, means, number=signed(found.estimate.value) + mark(found))


def as_mean(value: float, low: float | None, high: float | None) -> Mean:
    """A difference with its symmetric interval, where it has one."""
    half = math.nan if low is None or high is None else (high - low) / 2
    return Mean(value, half, {}, ENOUGH)


def look_of(outcome: str) -> Style:
    """The look of our difference."""
    return {"color": COLOURS[outcome], "marker": "o", "linestyle": "", "mec": "none", "markersize": 4}
