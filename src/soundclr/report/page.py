"""A study's page on the repository's host: its caption, tables, figures, and where each run came from."""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from soundclr.report.captions import Drawn, commit, on_page, study_caption, table_caption
from soundclr.report.collect import Collection
from soundclr.report.layout import OURS, PAPERS, category
from soundclr.report.tables.render import Table, markdown_escape, to_markdown

LONG = 25
"""Rows above which a table is folded away."""


def table_page(collection: Collection, table: Table) -> str:
    """A table's own page: its caption, which says all, and the table."""
    return f"**{table.title}.** {markdown_escape(table_caption(collection, table))}\n\n{to_markdown(table)}"


def study_page(collection: Collection, tables: Sequence[Table], figures: Sequence[Drawn], folder: Path) -> str:
    """README.md of a study, to be written into ``folder``: tables, the figures that are there, provenance."""
    study = collection.params.studies[collection.study]
    datasets = ", ".join(collection.params.datasets[dataset].title for dataset in study.datasets)
    title = f"{study.title[:1].upper()}{study.title[1:]}: {datasets}"
    parts = [f"# {markdown_escape(title)}", markdown_escape(study_caption(collection))]
    parts += ["## Tables", *(section(collection, table) for table in tables)]
    for heading in (PAPERS, OURS):
        shown = [figure for figure in figures if category(figure.path) == heading]
        parts += [f"## {heading}"] if shown else []
        for figure in shown:
            text = markdown_escape(on_page(collection, figure.caption, figure.results))
            path = quote(Path(os.path.relpath(figure.path, folder)).as_posix())
            name = markdown_escape(collection.params.datasets[figure.dataset].title)
            image = f"![{name}]({path})\n\n" if figure.there else f"{figure.path.stem}. "
            parts.append(image + text)
    if collection.results or collection.set_aside:
        parts += ["## Provenance", provenance(collection)]
    parts.append("Written by the report from params.yaml and the run folders: changes made here are lost.")
    return "\n\n".join(parts) + "\n"


def section(collection: Collection, table: Table) -> str:
    """A table under its own caption; a long one is folded away."""
    text = f"**{table.title}.** {markdown_escape(on_page(collection, table.caption, table.results))}"
    if not table.rows:
        return text
    body = to_markdown(table).rstrip("\n")
    if len(table.rows) > LONG:
        body = f"<details>\n<summary>{len(table.rows)} rows</summary>\n\n{body}\n\n</details>"
    return f"{text}\n\n{body}"


def provenance(collection: Collection) -> str:
    """A table of all runs, folded away: what each says of its making."""
    header = "run,best epoch (%),last epoch (%),best at,epochs,device,precision,minutes,clips/s,code,torch,created"
    lines = [header.split(","), ["--"] * (header.count(",") + 1)]
    for result in collection.results:
        metrics = result.metrics
        lines.append(
            [
                f"{result.run.group}/{result.run.name}",
                f"{100 * metrics.accuracy.best_epoch:.2f}",
                f"{100 * metrics.accuracy.last_epoch:.2f}",
                str(metrics.best_epoch),
                f"{metrics.epochs}{' (stopped early)' if metrics.stopped_early else ''}",
                metrics.device,
                metrics.precision,
                f"{metrics.duration_seconds / 60:.1f}",
                f"{metrics.clips_per_second:.1f}",
                commit(result),
                metrics.versions.get("torch") or "–",
                metrics.created,
            ]
        )
    table = "\n".join(f"| {' | '.join(markdown_escape(cell) for cell in line)} |" for line in lines)
    others = [*collection.set_aside, *collection.evaluations_set_aside]
    set_aside = "".join(f"- {markdown_escape(path.as_posix())}\n" for path in others)
    if set_aside:
        set_aside = f"\n\nSet aside, since params.yaml does not ask for them:\n\n{set_aside.rstrip()}"
    return f"<details>\n<summary>Where each run came from</summary>\n\n{table}{set_aside}\n\n</details>"
