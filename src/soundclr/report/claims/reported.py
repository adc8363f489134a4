"""What the papers give for their claims, from published.csv, with the error of their own differences."""

from soundclr.params import Section
from soundclr.report.claims.claim import Claim, Place
from soundclr.report.papers import Line, percent, read_published
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
    lines = published_lines(paper, numbers.table, dataset)
    if numbers.gain:
        gain = percent(lines.get(numbers.gain))
        return None if gain is None else Reported(difference=gain, at_least=numbers.gain[2].endswith("at_least"))
    ahead = lines.pop(numbers.ahead, None) if numbers.ahead else None
    if numbers.behind:
        behind = published_lines(paper, numbers.behind_table or numbers.table, dataset).get(numbers.behind)
    else:
        behind = max(lines.values(), key=lambda line: percent(line) or 0.0, default=None)
    one, other = percent(ahead), percent(behind)
    if one is None or other is None:
        return None
    found, deviation, others_deviation = None, percent(ahead, "std_percent"), percent(behind, "std_percent")
    if deviation is not None and others_deviation is not None:
        found = welch((one, deviation), (other, others_deviation), SEEDS)
    low, high = found.interval() if found else (None, None)
    ratio = (100 - one) / (100 - other) if other < 100 else None
    difference, p = round(one - other, 2), found.p if found else None
    return Reported(ahead=one, behind=other, difference=difference, low=low, high=high, p=p, error_ratio=ratio)


def published_lines(paper: str, table: str, dataset: str) -> dict[Place, Line]:
    """A table's lines of published.csv for a dataset, by the paper's name."""
    lines = read_published(f"soundclr.report.papers.{paper}")
    chosen = (line for line in lines if (line["artefact"], line["dataset"]) == (table, dataset))
    return {(line["row"], line["column"], line["statistic"]): line for line in chosen}
