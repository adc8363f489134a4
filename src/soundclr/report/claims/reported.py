"""What the papers give for their claims, from published.csv, with the error of their own differences."""

from collections.abc import Mapping

from soundclr.params import Section
from soundclr.report.claims.claim import Claim, Place
from soundclr.report.papers.reading import percent, read_published
from soundclr.report.statistics import welch

SEEDS = 5
"""The number of runs behind each mean and standard deviation in published.csv."""


class Reported(Section):
    """The paper's numbers for a claim on a dataset, in the measure's unit.

    `difference`, with its interval and `p` where the paper has standard deviations. `at_least`: the paper gives a lower
    bound only. `error_ratio`: errors of the side ahead over the other's.
    """

    ahead: float | None = None
    behind: float | None = None
    difference: float | None = None
    at_least: bool = False
    low: float | None = None
    high: float | None = None
    p: float | None = None
    error_ratio: float | None = None


def reported(paper: str, claim: Claim, dataset: str) -> Reported | None:
    """The paper's numbers for a claim on one of its datasets, with Welch's interval; None where it has none."""
    numbers = claim.numbers
    if numbers is None:
        return Reported(difference=claim.differences[dataset]) if dataset in claim.differences else None
    if numbers.gain:
        line = published_line(paper, numbers.table, dataset, numbers.gain)
        gain = percent(line) if line else None
        return None if gain is None else Reported(difference=gain, at_least=numbers.gain[2].endswith("at_least"))
    ahead = numbers.ahead and published_line(paper, numbers.table, dataset, numbers.ahead)
    if ahead is None or percent(ahead) is None:
        return None
    if numbers.behind:
        behind = published_line(paper, numbers.behind_table or numbers.table, dataset, numbers.behind)
    else:
        rest = [one for one in published_lines(paper, numbers.table, dataset) if one is not ahead and percent(one)]
        behind = max(rest, key=lambda line: percent(line) or 0.0, default=None)
    return None if behind is None else from_lines(ahead, behind)


def from_lines(ahead: Mapping[str, str], behind: Mapping[str, str]) -> Reported | None:
    """Both sides from lines of published.csv, their difference and, with standard deviations, its interval."""
    one, other = percent(ahead), percent(behind)
    if one is None or other is None:
        return None
    deviations = percent(ahead, "std_percent"), percent(behind, "std_percent")
    found = None
    if deviations[0] is not None and deviations[1] is not None:
        found = welch((one, deviations[0]), (other, deviations[1]), SEEDS)
    low, high = found.interval() if found else (None, None)
    ratio = (100 - one) / (100 - other) if other < 100 else None
    difference = round(one - other, 2)
    p = found.p if found else None
    return Reported(ahead=one, behind=other, difference=difference, low=low, high=high, p=p, error_ratio=ratio)


def published_lines(paper: str, table: str, dataset: str) -> list[Mapping[str, str]]:
    """A table's lines of published.csv for a dataset, by the paper's name."""
    lines = read_published(f"soundclr.report.papers.{paper}")
    return [line for line in lines if (line["artefact"], line["dataset"]) == (table, dataset)]


def published_line(paper: str, table: str, dataset: str, place: Place) -> Mapping[str, str] | None:
    """One line of published.csv; None where it is not there."""
    lines = published_lines(paper, table, dataset)
    return next((line for line in lines if (line["row"], line["column"], line["statistic"]) == place), None)
