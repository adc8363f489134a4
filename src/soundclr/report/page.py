"""A study's page, README.md: its facts, tables, figures, and the provenance of each run."""

import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from soundclr.report import dvc_plots, identical
from soundclr.report.captions import Part, alone, commit, on_page, study_facts, study_sentence, study_state
from soundclr.report.catalogue import figure_title, heading
from soundclr.report.collect import Collection
from soundclr.report.letters import UNSHOWN
from soundclr.report.markup import markdown_escape, markdown_table, page_html, to_markdown
from soundclr.report.table import NONE, Cell, sentences

LONG = 25
"""Tables with more rows are folded away, but not the claims."""

PROVENANCE = {
    "run": "run",
    "best_epoch_percent": "best epoch (%)",
    "last_epoch_percent": "last epoch (%)",
    "best_at": "best at",
    "epochs": "epochs",
    "device": "device",
    "precision": "precision",
    "minutes": "minutes",
    "clips_per_second": "clips/s",
    "code": "code",
    "torch": "torch",
    "created": "created",
}
"""The columns of :func:`dvc_plots.provenance` on a page, with their headings."""


def table_page(collection: Collection, part: Part) -> str:
    """A table's own page: its caption, the table, and notes."""
    assert part.table is not None
    caption, notes = map(markdown_escape, alone(collection, part))
    rows = to_markdown(part.table) if part.table.rows else "No rows.\n"
    return f"**{sentences(part.artefact.title)}** {caption}\n\n{rows}\n{notes}\n"


def study_page(collection: Collection, parts: Sequence[Part], folder: Path) -> str:
    """README.md of a study, for ``folder``: its coverage, tables, figures, facts, and the provenance of each run."""
    study = collection.params.studies[collection.study]
    title = f"{study.title[:1].upper()}{study.title[1:]}"
    if data := [name for name in map(collection.title, collection.datasets) if name not in title]:
        title += f": {', '.join(data)}"
    state = listed(study_state(collection))
    texts = [f"# {markdown_escape(title)}", markdown_escape(sentences(study_sentence(collection))), state]
    for text in dict.fromkeys(heading(part.artefact) for part in parts):
        found = [part for part in parts if heading(part.artefact) == text]
        if any(part.table for part in found) and not any(part.there for part in found):
            continue  # such as the claims of own sounds, which no paper has
        texts += [f"## {text}", *tables_and_figures(collection, found, folder)]
    texts += ["## Settings and runs", listed(facts)] if (facts := study_facts(collection)) else []
    if collection.results or collection.set_aside:
        texts += ["## Provenance", provenance(collection), *identical.section(collection)]
    texts.append("Written by the report from params.yaml and the run folders: changes made here are lost.")
    return "\n\n".join(texts) + "\n"


def listed(facts: Sequence[str]) -> str:
    """The facts as a list."""
    return "\n".join(f"- {markdown_escape(fact)}" for fact in facts)


def tables_and_figures(collection: Collection, parts: Sequence[Part], folder: Path) -> Iterator[str]:
    """The parts below one heading. Tables without any run are folded away beside others; such figures are a line."""
    empty = [part for part in parts if lacks_runs(part)]
    folded = empty if collection.found and len(empty) < len(parts) else []
    for part in parts:
        if part.table:
            yield table_section(collection, part, part in folded)
        elif part.there:
            yield figure_section(collection, part, folder)
    for dataset, absent in groupby((part for part in empty if not part.table), lambda part: part.dataset):
        titles = ", ".join(part.artefact.title for part in absent)
        yield markdown_escape(f"{collection.title(dataset)}: not enough runs yet for {titles}.")


def lacks_runs(part: Part) -> bool:
    """Whether a figure has nothing to show, or none of the runs in a table's rows is there."""
    if part.table is None:
        return not part.there
    return part.there and all(row.get("runs") == 0 for row in part.table.records)


def figure_section(collection: Collection, part: Part, folder: Path) -> str:
    """A figure above its caption."""
    path = quote(Path(os.path.relpath(part.path, folder)).as_posix())
    title = figure_title(part.artefact, collection.title(part.dataset))
    name = markdown_escape(f"{title}; some names are numbers of letters" if UNSHOWN in part.caption else title)
    return f"![{name}]({path})\n\n{' '.join(map(markdown_escape, on_page(collection, part)))}".rstrip()


def table_section(collection: Collection, part: Part, without_runs: bool) -> str:
    """A table between its caption and its notes; folded away ``without_runs``, or if it is long and not of claims."""
    assert part.table is not None
    caption, notes = map(markdown_escape, on_page(collection, part))
    texts = [f"**{sentences(part.artefact.title)}** {caption}"]
    if rows := part.table.rows:
        body = to_markdown(part.table).rstrip("\n")
        summary = f"{len(rows)} rows{', without runs yet' if without_runs else ''}"
        folded = f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"
        is_long = len(rows) > LONG and heading(part.artefact) != "Claims"
        texts.append(folded if without_runs or is_long else body)
    return "\n\n".join(text for text in (*texts, notes) if text)


def provenance_rows(collection: Collection) -> Iterator[list[str]]:
    """A row for each run: how it was made."""
    for result in collection.results:
        row = dvc_plots.provenance(result) | {"code": commit(result)}
        row["epochs"] = f"{row['epochs']}{' (stopped early)' if row['stopped_early'] else ''}"
        yield [str(row[key] or NONE) for key in PROVENANCE]


def provenance_page(collection: Collection) -> str:
    """A table of all runs, as an HTML page."""
    rows = [[Cell(text) for text in row] for row in provenance_rows(collection)]
    return page_html("Every run", collection.coverage, "", list(PROVENANCE.values()), rows, ["l"] * len(PROVENANCE))


def provenance(collection: Collection) -> str:
    """A table of all runs, folded away."""
    table = markdown_table(list(PROVENANCE.values()), provenance_rows(collection))
    others = [path.as_posix() for path in (*collection.set_aside, *collection.evaluations_set_aside)]
    set_aside = f"\n\nSet aside, since params.yaml does not ask for them:\n\n{listed(others)}" if others else ""
    return f"<details>\n<summary>Where each run came from</summary>\n\n{table}{set_aside}\n\n</details>"
