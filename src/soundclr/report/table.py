"""A table: its records once, and what they look like as CSV, Markdown and LaTeX."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from soundclr.machine.files import to_csv
from soundclr.report.accuracy import NONE, number
from soundclr.report.collect import Collection
from soundclr.report.run_results import RunResult

Record = Mapping[str, Any]
"""A table's record: its values by their names in CSV, and what else its cells are made of."""


@dataclass(frozen=True)
class Cell:
    """What a cell says; ``best`` makes it bold."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column: in CSV its records' ``key``, on the page under ``name``, either of them left out where it is not there.

    ``form`` is how CSV writes a fraction; ``show`` is a record's cell on the page, without it the value, with its
    ``sign`` where it is a difference.
    Neighbours of one ``group`` share a heading above theirs. ``where`` are the values by which the column finds its
    record among those of a line.
    """

    key: str = ""
    name: str = ""
    group: str = ""
    show: Callable[[Record], Cell | str] | None = None
    form: str = ".2f"
    align: Literal["l", "r"] = "r"
    where: Record = field(default_factory=dict)
    sign: bool = False

    def cell(self, line: Sequence[Record]) -> Cell:
        """The column's cell in a line of the page."""
        found = [record for record in line if self.where.items() <= record.items()]
        if not found:
            return Cell(NONE)
        if self.show is not None:
            shown = self.show(found[0])
            return shown if isinstance(shown, Cell) else Cell(shown)
        value = found[0][self.key]
        return Cell(number(value, self.sign) if value is None or isinstance(value, float) else str(value))

    def csv(self, record: Record) -> str:
        """The column's field in CSV; nothing for None."""
        value = record[self.key]
        return "" if value is None else format(value, self.form) if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Table:
    """``records``, which CSV has one a row, and a page in lines of those with equal values of ``line``.

    Without ``line`` each is a line of its own; one whose ``csv_only`` is true is in CSV alone. ``results`` are the runs
    that the table shows.
    """

    columns: Sequence[Column]
    records: Sequence[Record]
    caption: str
    results: Sequence[RunResult]
    line: Sequence[str] = ()

    @property
    def shown(self) -> list[Column]:
        """The columns of a page."""
        return [column for column in self.columns if column.name]

    @property
    def rows(self) -> list[list[Cell]]:
        """The lines of a page."""
        lines: dict[Any, list[Record]] = {}
        for place, record in enumerate(self.records):
            if not record.get("csv_only"):
                key = tuple(record[name] for name in self.line) if self.line else place
                lines.setdefault(key, []).append(record)
        return [[column.cell(line) for column in self.shown] for line in lines.values()]


def dataset_column(collection: Collection) -> Column:
    """The column of the record's dataset."""
    return Column("dataset", "dataset", show=lambda record: collection.title(record["dataset"]), align="l")


def place_columns(collection: Collection) -> list[Column]:
    """The columns of the record's dataset and recipe, and of how many of its runs are there."""
    return [
        dataset_column(collection),
        Column("recipe", "scheme", show=lambda record: collection.scheme(record["recipe"]), align="l"),
        *coverage_columns(),
    ]


def coverage_columns(**heading: Any) -> list[Column]:
    """The columns of how many runs there are, and of how many there will be; on the page as in ``3 of 5``."""
    runs = Column("runs", "runs", show=lambda record: f"{record['runs']} of {record['expected_runs']}", **heading)
    return [runs, Column("expected_runs")]


def span(low: str, high: str) -> Callable[[Record], str]:
    """Show the differences under two keys as in ``−1.00 to +2.00``."""

    def shown(record: Record) -> str:
        ends = [record[low], record[high]]
        return NONE if None in ends else " to ".join(number(end, sign=True) for end in ends)

    return shown


def sentences(*texts: str) -> str:
    """Those of the texts that say something, each with one full stop."""
    return " ".join(text.rstrip(".") + "." for text in texts if text)


def table_csv(table: Table) -> str:
    """The table for programs."""
    columns = [column for column in table.columns if column.key]
    return to_csv(
        [[column.key for column in columns], *([column.csv(record) for column in columns] for record in table.records)]
    )


def to_markdown(table: Table) -> str:
    """The table for a page; a group's heading stands before those of its columns."""
    header = [markdown_escape(f"{c.group}: {c.name}" if c.group else c.name) for c in table.shown]
    lines = [header, [":--" if column.align == "l" else "--:" for column in table.shown]]
    for row in table.rows:
        lines.append([f"**{markdown_escape(c.text)}**" if c.best else markdown_escape(c.text) for c in row])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_latex(table: Table, caption: str, notes: str, label: str) -> str:
    """The table for a paper, with notes below: a ``table*`` that needs the package booktabs and no other.

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
        f"\\begin{{tabular}}{{{''.join(column.align for column in table.shown)}}}",
        "\\toprule",
        *group_heading(table.shown),
        " & ".join(latex_escape(column.name) for column in table.shown) + " \\\\",
        "\\midrule",
    ]
    before = None
    for row in table.rows:
        if before not in (None, row[0].text):
            lines.append("\\addlinespace")
        before = row[0].text
        texts = [f"\\textbf{{{latex_escape(c.text)}}}" if c.best else latex_escape(c.text) for c in row]
        lines.append(" & ".join(texts) + " \\\\")
    below = f"\\par\\smallskip\\parbox{{\\textwidth}}{{\\scriptsize {latex_escape(notes)}}}"
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", below, "\\end{table*}", ""])


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
