"""Tables as Markdown, LaTeX and HTML, and text escaped for these and for reStructuredText."""

import itertools
import re
from collections.abc import Iterable, Sequence
from html import escape

from soundclr.report.table import Cell, Column, Table

STYLE = """
body { font: 14px sans-serif; margin: 1.5em; }
p { max-width: 60em; line-height: 1.4; }
table { border-collapse: collapse; }
th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid #ddd; vertical-align: top; }
th { position: sticky; top: 0; background: #fff; border-bottom: 2px solid #444; }
.l { text-align: left; }
tbody tr:hover { background: #f4f4f4; }
"""


def table_html(table: Table, title: str, caption: str, notes: str) -> str:
    """A table's page for `snakemake --report`; a column's heading begins with its group's."""
    names = [column.heading for column in table.page]
    return page_html(title, caption, notes, names, table.rows, [column.align for column in table.page])


def page_html(
    title: str, caption: str, notes: str, names: Sequence[str], rows: Sequence[Sequence[Cell]], aligns: Sequence[str]
) -> str:
    """A page with a title, a caption, a table and notes; all texts are escaped, and the page loads nothing."""

    def line(tag: str, texts: Sequence[str]) -> str:
        cells = (f'<{tag} class="{align}">{text}</{tag}>' for text, align in zip(texts, aligns, strict=True))
        return f"<tr>{''.join(cells)}</tr>\n"

    head = line("th", [escape(name) for name in names])
    body = "".join(
        line("td", [f"<b>{escape(cell.text)}</b>" if cell.best else escape(cell.text) for cell in row]) for row in rows
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n<h1>{escape(title)}</h1>\n<p>{escape(caption)}</p>\n"
        f"<table>\n<thead>\n{head}</thead>\n<tbody>\n{body}</tbody>\n</table>\n<p>{escape(notes)}</p>\n</html>\n"
    )


def to_markdown(table: Table) -> str:
    """The table in Markdown; a column's heading begins with its group's."""
    lines = [[markdown_escape(column.heading) for column in table.page]]
    lines += [[":--" if column.align == "l" else "--:" for column in table.page]]
    for row in table.rows:
        lines.append([f"**{markdown_escape(c.text)}**" if c.best else markdown_escape(c.text) for c in row])
    return markdown_lines(lines)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of plain texts, which it escapes; equal rows are there once."""
    escaped = [list(map(markdown_escape, line)) for line in (header, *dict.fromkeys(map(tuple, rows)))]
    return markdown_lines([escaped[0], ["--"] * len(header), *escaped[1:]]).rstrip("\n")


def markdown_lines(lines: Iterable[Sequence[str]]) -> str:
    """The lines of a Markdown table."""
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_latex(table: Table, caption: str, notes: str, label: str) -> str:
    """The table in LaTeX with notes below: a ``table*`` that needs only the package booktabs.

    A small gap separates rows with different first cells.
    """
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table*}",
        "\\centering",
        "\\footnotesize",
        "\\setlength{\\tabcolsep}{3pt}",
        f"\\caption{{{latex_escape(caption)}}}",
        f"\\label{{{label}}}",
        f"\\begin{{tabular}}{{{''.join(column.align for column in table.page)}}}",
        "\\toprule",
        *group_heading(table.page),
        " & ".join(latex_escape(column.name) for column in table.page) + " \\\\",
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
    """LaTeX's line of group headings and the rules below it; nothing for a table without groups."""
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
    """Text that Markdown shows literally, in a table's cell too: no markup, HTML, formula or list."""
    text = re.sub(r"[\\`*_\[\]<>|&$~#]", r"\\\g<0>", " ".join(text.split()))
    return re.sub(r"^(\d*)([-+.)])(?!\w)", r"\1\\\2", text)


def rst_escape(text: str) -> str:
    """Text that reStructuredText shows literally, in a caption that Snakemake first renders as a Jinja template.

    It is one line and begins with an escaped space, which shows nothing: so it is a paragraph and never a directive,
    such as one that includes a file. A colon before a word could make a link.
    """
    text = re.sub(r"[\\`*_|@]|:(?! )", r"\\\g<0>", " ".join(text.split()))
    return "\\ " + re.sub(r"[{}]", r"{{ '\g<0>' }}", text)


LATEX = {
    **{character: f"\\{character}" for character in "{}&%$#_"},
    **{character: f"{{{character}}}" for character in "[]*"},  # after a line break these would be its argument
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
    """Text that LaTeX sets literally: special characters and the report's own signs are escaped."""
    return "".join(LATEX.get(character, character) for character in " ".join(text.split()))
