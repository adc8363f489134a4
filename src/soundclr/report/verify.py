"""Make every printed number again from the runs, and compare it with the printed one."""

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from soundclr.machine.files import json_text, read_text
from soundclr.params import Params
from soundclr.report.captions import Part, captions
from soundclr.report.catalogue import figures_of, tables_of
from soundclr.report.collect import Collection, collect
from soundclr.report.evidence import REMEDY
from soundclr.report.made_of import FILE, made_of
from soundclr.report.page import study_page
from soundclr.report.summary import BEGIN, END, claims_lines, headline_rows
from soundclr.report.write import make_tables, text_files

MISSING = "the file is missing"
UNASKED = "params.yaml gives the study no such table; remove it"


@dataclass
class Checked:
    """A file's numbers: how many are `reproduced`, which `changed` (a line each), which are `without` runs."""

    file: Path
    reproduced: int = 0
    changed: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)


def verify(params: Params, study: str, results: Path) -> Iterator[Checked]:
    """Check each table of a study, its page, and the files for other programs; UserError for runs that are not right.

    Figures and their captions are not checked.
    """
    collection = collect(params, study, results)
    folder, tables = results / study, make_tables(collection)
    made = {folder / FILE: json_text(made_of(params, study, results)), **text_files(collection, tables, folder)}
    made |= {folder / "captions" / f"{name}.rst": text for name, text in captions(collection, tables).items()}
    for path, text in made.items():
        if not path.is_file():
            yield Checked(path, without=[MISSING])
        elif path.suffix == ".csv":
            yield compare_csv(path, text)
        else:
            yield compare_lines(path, read_text(path, REMEDY).splitlines(), text.splitlines())
    yield verify_page(collection, tables, folder)
    names = {part.artefact.name for part in tables}
    for path in sorted(folder.glob("tables/*")):
        if path.stem not in names:
            yield Checked(path, without=[UNASKED])


def verify_table(params: Params, study: str, results: Path, name: str) -> Checked:
    """Check a study's table alone."""
    collection, path = collect(params, study, results), results / study / "tables" / f"{name}.csv"
    artefact = next((one for one in tables_of(params, study) if one.name == name), None)
    if artefact is None:
        return Checked(path, without=[UNASKED])
    return compare_csv(path, artefact.load()(collection.only(artefact.includes)).to_csv())


def verify_page(collection: Collection, tables: Sequence[Part], folder: Path) -> Checked:
    """Check a study's page by paragraphs, without its figures, which would have to be drawn, and their captions."""
    page = folder / "README.md"
    if not page.is_file():
        return Checked(page, without=[MISSING])
    printed = read_text(page, REMEDY)
    figures = [
        Part(artefact, "-", [], f"/{artefact.name}-{dataset}.png)" in printed, path=folder / "figure", dataset=dataset)
        for dataset in collection.datasets
        for artefact in figures_of(collection.params, collection.study, dataset)
    ]
    made = without_figures(study_page(collection, [*tables, *figures], folder))
    return compare_lines(page, without_figures(printed), made)


def without_figures(page: str) -> list[str]:
    """The lines of a page, without its figures and the paragraph below each, its caption."""
    kept, is_caption = [], False
    for paragraph in page.removesuffix("\n").split("\n\n"):
        if paragraph.startswith("!["):
            is_caption = True
        elif is_caption and not paragraph.startswith(("#", "**", "|", "<details>")):
            is_caption = False
        else:
            kept += paragraph.split("\n")
            is_caption = False
    return kept


def verify_readme(params: Params, results: Path, readme: Path) -> Checked:
    """Check the README's table of claims; its sentences are not checked."""
    text = read_text(readme, "name another one with --readme")
    if BEGIN not in text or END not in text:
        return Checked(readme, without=["no table of claims between its marks"])
    printed = text.partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    return compare_lines(readme, printed, claims_lines(list(headline_rows(params, results))).splitlines())


def compare_csv(path: Path, text: str) -> Checked:
    """Compare a table's cells by row and column."""
    printed = list(csv.reader(io.StringIO(read_text(path, REMEDY), newline="")))
    made = list(csv.reader(text.splitlines()))
    found = Checked(path)
    if not printed:
        found.changed.append("is empty")
        return found
    if [len(row) for row in printed] != [len(row) for row in made] or printed[:1] != made[:1]:
        found.changed.append(f"{len(printed) - 1} rows are printed, the runs give {len(made) - 1}, or other columns")
        return found
    for place, (row, again) in enumerate(zip(printed[1:], made[1:], strict=True), 1):
        for column, cell, value in zip(printed[0], row, again, strict=True):
            if cell == value:
                found.reproduced += 1
            else:
                found.changed.append(f"row {place}, {column}: {cell or 'nothing'} is printed, the runs give {value}")
    return found


def compare_lines(path: Path, printed: Sequence[str], made: Sequence[str]) -> Checked:
    """Compare a page's lines; each line counts as one number."""
    found = Checked(path)
    if len(printed) != len(made):
        found.changed.append(f"{len(printed)} lines are printed, the runs give {len(made)}")
    for place, (line, again) in enumerate(zip(printed, made, strict=False), 1):
        if line == again:
            found.reproduced += 1
            continue
        alike = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(line, again, strict=False))))
        shown = slice(max(0, alike - 10), alike + 20)  # the first difference, with some characters around it
        found.changed.append(f"line {place}: {line[shown]!r} is printed, the runs give {again[shown]!r}")
    return found
