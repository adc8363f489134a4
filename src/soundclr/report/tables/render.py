"""A table, and what it looks like as CSV, Markdown and LaTeX."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from soundclr.report.collect import RunResult
from soundclr.report.exports import csv_text


@dataclass(frozen=True)
class Cell:
    """What a cell says; ``best`` makes it bold."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column's heading; neighbours of one ``group`` share a heading above theirs."""

    name: str
    group: str = ""
    align: Literal["l", "r"] = "r"


@dataclass(frozen=True)
class Table:
    """``name`` is its files', ``title`` as in "Table I"; ``rows`` are for people, ``data`` (header first) for programs.

    A number in ``data`` is written with two decimals, None as nothing. ``results`` are the runs that it shows.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell | str]]
    data: Sequence[Sequence[object]]
    results: Sequence[RunResult]


def to_csv(table: Table) -> str:
    """The table for programs."""

    def text(value: object) -> str:
        return "" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)

    return csv_text([text(value) for value in line] for line in table.data)


def to_markdown(table: Table) -> str:
    """The table for a page; a group's heading stands before those of its columns."""
    header = [markdown_escape(f"{c.group}: {c.name}" if c.group else c.name) for c in table.columns]
    lines = [header, [":--" if column.align == "l" else "--:" for column in table.columns]]
    for row in table.rows:
        lines.append([f"**{markdown_escape(c.text)}**" if c.best else markdown_escape(c.text) for c in cells(row)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_latex(table: Table, caption: str, label: str) -> str:
    """The table for a paper: a ``table*`` that needs the package booktabs and no other.

    Rows whose first cell differs from the one above stand a little apart.
    """
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table*}",
        "\\centering",
        "\\footnotesize",
        "\\setlength{\\tabcolsep}{3pt}",
        f"\\caption{{{latex_escape(caption)}}}",
        f"\\label{{{label}}}",
        f"\\begin{{tabular}}{{{''.join(column.align for column in table.columns)}}}",
        "\\toprule",
        *group_heading(table.columns),
        " & ".join(latex_escape(column.name) for column in table.columns) + " \\\\",
        "\\midrule",
    ]
    before = None
    for row in table.rows:
        line = cells(row)
        if before not in (None, line[0].text):
            lines.append("\\addlinespace")
        before = line[0].text
        texts = [f"\\textbf{{{latex_escape(c.text)}}}" if c.best else latex_escape(c.text) for c in line]
        lines.append(" & ".join(texts) + " \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", "\\end{table*}", ""])


def group_heading(columns: Sequence[Column]) -> list[str]:
    """LaTeX's line of groups over their columns and the rules under them; nothing for a table without groups."""
    if not any(column.group for column in columns):
        return []
    texts, rules, first = [], "", 1
    for name, members in itertools.groupby(columns, key=lambda column: column.group):
        width = len(list(members))
        if name:
            texts.append(f"\\multicolumn{{{width}}}{{c}}{{{latex_escape(name)}}}")
            rules += f"\\cmidrule(lr){{{first}-{first + width - 1}}}"
        else:
            texts += [""] * width
        first += width
    return [" & ".join(texts) + " \\\\", rules]


def cells(row: Sequence[Cell | str]) -> list[Cell]:
    """A row whose plain texts are cells too."""
    return [cell if isinstance(cell, Cell) else Cell(cell) for cell in row]


def markdown_escape(text: str) -> str:
    """Text that Markdown shows as it is, in a table's cell too: no markup, HTML, formula or list."""
    text = re.sub(r"[\\`*_\[\]<>|&$~#]", r"\\\g<0>", " ".join(text.split()))
    return re.sub(r"^(\d*)([-+.)])(?!\w)", r"\1\\\2", text)


def rst_escape(text: str) -> str:
    """Text that reStructuredText shows as it is, in a caption that Snakemake renders as a Jinja template first.

    It is one line that begins with an escaped space, which is no output: so it is a paragraph and never a directive,
    such as one that includes a file. A colon before a word could make a link.
    """
    text = re.sub(r"[\\`*_|@]|:(?! )", r"\\\g<0>", " ".join(text.split()))
    return "\\ " + re.sub(r"[{}]", r"{{ '\g<0>' }}", text)


LATEX = {
    **{character: f"\\{character}" for character in "{}&%$#_"},
    **{character: f"{{{character}}}" for character in "[]*"},  # after a line's end these would be its argument
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    "±": "$\\pm$",
    "−": "$-$",
    "–": "--",
    "†": "$\\dagger$",
    "×": "$\\times$",
    "≥": "$\\geq$",
    "σ": "$\\sigma$",
    "·": "$\\cdot$",
}


def latex_escape(text: str) -> str:
    """Text that LaTeX sets as it is: its special characters, and the signs that the report itself uses."""
    return "".join(LATEX.get(character, character) for character in " ".join(text.split()))
