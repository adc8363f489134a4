"""The README's table of claims, from the studies' own tables, between two marks; `soundclr readme` writes it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from soundclr.errors import UserError
from soundclr.machine.files import read_text, write_text
from soundclr.params import Params
from soundclr.report.claims.of_study import claims_of
from soundclr.report.claims.reported import reported
from soundclr.report.claims.table import HARDLY_LEARNT, number
from soundclr.report.evidence import REMEDY, csv_rows
from soundclr.report.table import NOT_ABOVE

BEGIN, END = "<!-- claims: written by `soundclr readme` -->", "<!-- end of claims -->"
COLUMNS = ("claim", "paper", "here", "verdict")
"""The columns of a study's table that the README has."""

BESIDE_POWER = r"(power \d+ %)(?: at [+−][\d.]+)?, at most [+−]?[\d.]+"
"""What the README leaves out of a verdict: the difference that a power is for, and the bound."""


def write_readme(params: Params, results: Path, readme: Path) -> int:
    """Write the table of claims between the marks of ``readme`` and return its number of rows.

    Raises UserError where the marks are missing.
    """
    rows = list(headline_rows(params, results))
    new = f"{BEGIN}\n{claims_lines(rows)}\n{END}"
    pattern = f"(?s){re.escape(BEGIN)}.*?{re.escape(END)}"
    text, found = re.subn(pattern, lambda _: new, read_text(readme, "name another one with --readme"))
    if found != 1:
        raise UserError(f"{readme}: must have the lines {BEGIN} and {END} once, for the table of claims between them")
    write_text(readme, text)
    return len(rows)


def claims_lines(rows: Sequence[Sequence[str]]) -> str:
    """The rows as a Markdown table, and a line that explains the mark of baselines where a row has it."""
    lines = [["data", *COLUMNS], [":--", ":--", "--:", "--:", ":--"], *rows]
    note = f"\n\n{HARDLY_LEARNT}." if any(NOT_ABOVE in cell for row in rows for cell in row) else ""
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + note


def headline_rows(params: Params, results: Path) -> Iterator[list[str]]:
    """A row for each headline and dataset of each paper, from the first study with all of its runs.

    Registered studies come first. A headline that no study has whole is one row with "not enough runs yet".
    """
    studies = sorted(params.studies, key=lambda name: params.studies[name].registered is None)
    papers = dict.fromkeys(params.studies[name].paper for name in studies)
    for paper in papers:
        known, _ = claims_of(params, next(name for name in studies if params.studies[name].paper == paper))
        for headline in known.headlines:
            (claim,) = (one for one in known.claims if one.id == headline)
            found: dict[str, list[str]] = {}
            for study in (name for name in studies if params.studies[name].paper == paper):
                for dataset, row in whole_rows(results / study, headline):
                    place = known.datasets[dataset].of
                    found.setdefault(place, [f"[{place}]({results.name}/{study}/README.md)", *row])
            yield from (found[place] for place in claim.datasets if place in found)
            if not found:
                numbers = {place: number(reported(paper, claim, place)) for place in claim.datasets}
                theirs = "; ".join(f"{text} ({place})" for place, text in numbers.items() if text)
                yield ["–", claim.claim, theirs or "–", "not enough runs yet", "–"]


def whole_rows(study: Path, claim: str) -> Iterator[tuple[str, list[str]]]:
    """Dataset and page row of a claim in a study's table, where all of its runs are there."""
    path = study / "tables" / "claims.csv"
    if not path.is_file():
        return
    columns = ("claim", "dataset", "kind", "runs", "expected_runs", "detail")
    records = [record for record in csv_rows(path, *columns) if record["detail"] == "no"]
    lines = [line for line in read_text(path.with_suffix(".md"), REMEDY).splitlines() if line.startswith("| ")]
    page_cells = [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in lines]
    same_width = len({len(line) for line in page_cells}) == 1
    if len(lines) != len(records) + 2 or not same_width or not set(COLUMNS) <= set(page_cells[0]):
        raise UserError(f"{path.with_suffix('.md')}: does not have the rows of {path.name}; {REMEDY}")
    header, _, *page = page_cells
    for record, cells in zip(records, page, strict=True):
        whole = record["runs"] == record["expected_runs"] != "0"
        if record["claim"] == claim and record["kind"] == "claim" and whole:
            by_name: Mapping[str, str] = dict(zip(header, cells, strict=True))
            shown = (by_name[name].split(': "')[0].replace("no number", "–") for name in COLUMNS)
            yield record["dataset"], [re.sub(BESIDE_POWER, r"\1", cell) for cell in shown]
