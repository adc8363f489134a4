"""A table as an HTML page of its own, for `snakemake --report`, which shows such a page but no CSV."""

from collections.abc import Sequence
from html import escape

from soundclr.report.table import Cell, Table

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
    """A table's page; a group's heading stands before those of its columns."""
    names = [f"{column.group}: {column.name}" if column.group else column.name for column in table.shown]
    return page_html(title, caption, notes, names, table.rows, [column.align for column in table.shown])


def page_html(
    title: str,
    caption: str,
    notes: str,
    names: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    aligns: Sequence[str],
) -> str:
    """A page with a title, a caption, a table and notes below it: nothing in it is markup, and it loads nothing."""

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
