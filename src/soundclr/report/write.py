"""Write a study's report: its tables, figures and pages."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from soundclr.machine.files import json_text, write_json, write_text
from soundclr.params import Params
from soundclr.report.artefact import EVALUATED, OWN, Artefact
from soundclr.report.captions import Part, alone, captions, front
from soundclr.report.catalogue import (
    caption_path,
    category,
    check_artefacts,
    figure_title,
    figures_of,
    front_page,
    report_paths,
    tables_of,
)
from soundclr.report.claims.of_study import claims_of
from soundclr.report.claims.tier import beside_paper
from soundclr.report.collect import Collection, collect
from soundclr.report.dvc_plots import accuracies, accuracy_per_fold_csv, confusion_csv, curves_csv, provenance_csv
from soundclr.report.letters import explained, legible
from soundclr.report.made_of import FILE, made_of
from soundclr.report.markup import table_html, to_latex
from soundclr.report.model_card import model_card
from soundclr.report.page import provenance_page, study_page, table_page
from soundclr.report.style import Drawing, name_figure, save, sentence, styled
from soundclr.report.table import sentences


def write_report(
    params: Params, study: str, results: Path, figures: Path, say: Callable[[str], object] = lambda _: None
) -> list[Path]:
    """Write a study's report to ``results/<study>`` and ``figures/<study>``; return the paths of its files.

    The same runs give the same bytes. Raises UserError for a run that is not right, and then writes nothing. ``say``
    gets a line with the number of runs.
    """
    check_artefacts(params)
    record = made_of(params, study, results)  # first: runs that end while it is written belong to the next report
    collection = collect(params, study, results)
    folder = results / study
    tables = make_tables(collection)
    parts = [*tables, *write_figures(collection, figures / study)]
    for path, text in text_files(collection, tables, folder).items():
        write_text(path, text)
    write_text(folder / "README.md", study_page(collection, parts, folder))
    paths = report_paths(params, study, results, figures)
    texts = captions(collection, parts)
    write_text(front_page(study, results), front(collection, parts))
    for path in filter(category, paths):
        write_text(caption_path(path, study, results), texts[path.stem])
    write_json(folder / FILE, record)
    evaluated = f", {collection.covered(EVALUATED)}" if EVALUATED in collection.expected else ""
    nothing = "" if collection.found else ", so each table and figure says that it has none"
    say(f"{folder / 'README.md'}: {collection.coverage}{evaluated}{nothing}; {len(paths)} files")
    return paths


def make_tables(collection: Collection) -> list[Part]:
    """The study's tables, in a page's order."""
    parts = []
    for artefact in tables_of(collection.params, collection.study):
        its = collection.only(artefact.includes)
        table = artefact.load()(its)
        results = its.results_of(artefact) if table.results is None else table.results
        parts.append(Part(artefact, table.caption, results, bool(table.rows), table))
    return parts


def text_files(collection: Collection, tables: Sequence[Part], folder: Path) -> dict[Path, str]:
    """The files of a report that have no figures: each table in all its formats, and those for other programs."""
    found = {
        folder / "curves.csv": curves_csv(collection),
        folder / "accuracy_per_fold.csv": accuracy_per_fold_csv(collection),
        folder / "confusion.csv": confusion_csv(collection),
        folder / "provenance.csv": provenance_csv(collection),
        folder / "provenance.html": provenance_page(collection),
        folder / "accuracy.json": json_text(accuracies(collection)),
        folder / "MODEL_CARD.md": model_card(collection),
    }
    for part in tables:
        assert part.table is not None
        path, title = folder / "tables" / part.artefact.name, part.artefact.title
        caption, notes = alone(collection, part)
        label = f"tab:{collection.study}-{part.artefact.name}".replace("_", "-")
        found[path.with_suffix(".csv")] = part.table.to_csv()
        found[path.with_suffix(".md")] = table_page(collection, part)
        found[path.with_suffix(".html")] = table_html(part.table, title, caption, notes)
        found[path.with_suffix(".tex")] = to_latex(part.table, caption, notes, label)
    return found


def write_figures(collection: Collection, folder: Path) -> list[Part]:
    """Write the study's figures, ``<figure>-<dataset>``; without runs a figure is a sentence."""
    parts = []
    with styled():
        for dataset in collection.datasets:
            for artefact in figures_of(collection.params, collection.study, dataset):
                path, its = folder / f"{artefact.name}-{dataset}.png", collection.only(artefact.includes)
                drawing = draw(artefact, its, dataset, path)
                covered = its.covered(artefact.runs, dataset)
                if artefact.extra_runs == OWN:
                    covered = f"{its.covered(OWN, dataset)} of the study's own settings, {covered} of others"
                elif drawing and drawing.recipes:
                    shown = [run for run in its.every if run.dataset == dataset and run.recipe in drawing.recipes]
                    covered = f"{sum(run in its.found for run in shown)} of {len(shown)} runs"
                caption = f". {drawing.caption}" if drawing else ": not enough runs yet"
                text = sentences(f"{collection.title(dataset)}{caption}", covered)
                results = its.results_of(artefact, dataset)
                parts.append(Part(artefact, text, results, drawing is not None, path=path, dataset=dataset))
    return parts


def draw(artefact: Artefact, collection: Collection, dataset: str, path: Path) -> Drawing | None:
    """Write a figure in all its formats and return it; without runs it is a sentence, and the result None."""
    drawing = drawn(artefact, collection, dataset)
    nothing = f"{figure_title(artefact, collection.title(dataset))}: not enough runs yet"
    save(drawing.figure if drawing else sentence(nothing), path)
    return drawing


def drawn(artefact: Artefact, collection: Collection, dataset: str) -> Drawing | None:
    """A figure with its title and its study's name; None without runs."""
    names = names_in(collection, dataset)
    for name in names:
        legible(name)  # before anything is drawn: a font that it finds is used from then on
    drawing: Drawing | None = artefact.load()(collection, dataset)
    if drawing is None:
        return None
    results = collection.results_of(artefact, dataset) or collection.found.values()
    shown = set(drawing.recipes) or {result.run.recipe for result in results if result.run.dataset == dataset}
    note = study_note(collection, dataset, [run.recipe for run in collection.every if run.recipe in shown])
    name_figure(drawing.figure, figure_title(artefact, collection.title(dataset)), note)
    return drawing._replace(caption=sentences(drawing.caption, explained(drawing.figure, names)))


def study_note(collection: Collection, dataset: str, recipes: Sequence[str]) -> str:
    """A figure's study, and how its recipes differ from the paper's; where that is unknown, the note's beginning."""
    params, name = collection.params, collection.study
    study = params.studies[name]
    paper, _ = claims_of(params, name)
    start = re.split(r"[,;]", re.sub(r" \([^)]*\)", "", study.note))[0]
    return f"Study {name}: {study.title}. {beside_paper(params, name, dataset, paper, recipes) or start}"


def names_in(collection: Collection, dataset: str) -> list[str]:
    """The user's own words that a figure may show: titles, and classes with spaces between their words."""
    study = collection.params.studies[collection.study]
    recipes = dict.fromkeys(run.recipe for run in collection.every)
    classes = dict.fromkeys(name for result in collection.results for name in result.metrics.classes)
    words = (" ".join(name.replace("_", " ").split()) for name in classes)
    return [study.title, collection.title(dataset), *map(collection.scheme, recipes), *words]
