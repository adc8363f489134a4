"""From the run folders of a study to its tables, figures and page."""

import re
from collections.abc import Callable
from pathlib import Path

from soundclr.machine.files import write_json, write_text
from soundclr.params import Params
from soundclr.report.artefact import EVALUATED, Artefact
from soundclr.report.captions import Shown, alone, captions, front
from soundclr.report.catalogue import (
    caption_path,
    category,
    check_artefacts,
    figure_title,
    figures_of,
    front_page,
    report_paths,
    summary_paths,
    tables_of,
)
from soundclr.report.claims.of_study import claims_of
from soundclr.report.claims.tier import beside_paper
from soundclr.report.collect import Collection, collect
from soundclr.report.dvc_plots import accuracy_per_fold_csv, confusion_csv, curves_csv, provenance_csv, summaries
from soundclr.report.letters import explained, legible
from soundclr.report.made_of import FILE, made_of
from soundclr.report.markup import table_html, to_latex
from soundclr.report.model_card import model_card
from soundclr.report.page import provenance_page, study_page, table_page
from soundclr.report.style import Drawing, name_figure, save, sentence, styled
from soundclr.report.table import sentences

DVC_PLOTS = {
    "curves.csv": curves_csv,
    "accuracy_per_fold.csv": accuracy_per_fold_csv,
    "confusion.csv": confusion_csv,
    "provenance.csv": provenance_csv,
}


def write_report(
    params: Params, study: str, results: Path, figures: Path, say: Callable[[str], object] = lambda _: None
) -> list[Path]:
    """Write a study's tables to ``results/<study>``, its figures to ``figures/<study>``; return the paths.

    The same runs give the same bytes. A run that cannot be believed is a UserError, with nothing written. ``say`` is
    told in a line how many of the runs there were.
    """
    check_artefacts(params)
    record = made_of(params, study, results)  # of what is there before it is read: what comes meanwhile is for the next
    collection = collect(params, study, results)
    folder = results / study
    tables = make_tables(collection)
    parts = [*tables, *write_figures(collection, figures / study)]
    for shown in tables:
        write_table(collection, shown, folder / "tables")
    for name, text in DVC_PLOTS.items():
        write_text(folder / name, text(collection))
    for path in set(folder.glob("summary/*/*.json")).difference(summary_paths(params, study, results)):
        path.unlink()  # a recipe that the study has no more
    for (dataset, recipe), summary in summaries(collection).items():
        write_json(folder / "summary" / dataset / f"{recipe}.json", summary)
    write_text(folder / "README.md", study_page(collection, parts, folder))
    write_text(folder / "MODEL_CARD.md", model_card(collection))
    write_text(folder / "provenance.html", provenance_page(collection))
    paths = report_paths(params, study, results, figures)
    said = captions(collection, parts)
    write_text(front_page(study, results), front(collection, parts))
    for path in filter(category, paths):
        write_text(caption_path(path, study, results), said[path.stem])
    write_json(folder / FILE, record)
    evaluated = f", {collection.covered(EVALUATED)}" if EVALUATED in collection.expected else ""
    nothing = "" if collection.found else ", so each table and figure says that it has none"
    say(f"{folder / 'README.md'}: {collection.coverage}{evaluated}{nothing}; {len(paths)} files")
    return paths


def make_tables(collection: Collection) -> list[Shown]:
    """The tables that a study has, in a page's order."""
    found = []
    for artefact in tables_of(collection.params, collection.study):
        shown = collection.only(artefact.of)
        table = artefact.load()(shown)
        results = shown.shown(artefact) if table.results is None else table.results
        found.append(Shown(artefact, table.caption, results, table=table))
    return found


def write_table(collection: Collection, shown: Shown, folder: Path) -> None:
    """Write a table in all its formats."""
    assert shown.table is not None
    path = folder / shown.artefact.name
    write_text(path.with_suffix(".csv"), shown.table.to_csv())
    write_text(path.with_suffix(".md"), table_page(collection, shown))
    caption, notes = alone(collection, shown)
    write_text(path.with_suffix(".html"), table_html(shown.table, shown.artefact.title, caption, notes))
    label = f"tab:{collection.study}-{path.name}".replace("_", "-")
    write_text(path.with_suffix(".tex"), to_latex(shown.table, caption, notes, label))


def write_figures(collection: Collection, folder: Path) -> list[Shown]:
    """Write ``<figure>-<dataset>`` for each figure and dataset of a study."""
    found = []
    with styled():
        for dataset in collection.datasets:
            for artefact in figures_of(collection.params, collection.study, dataset):
                path, shown = folder / f"{artefact.name}-{dataset}.png", collection.only(artefact.of)
                said = draw(artefact, shown, dataset, path)
                counts = shown.covered(artefact.runs, dataset)
                text = sentences(
                    f"{collection.title(dataset)}. {said}" if said else no_runs(collection, dataset), counts
                )
                results = shown.shown(artefact, dataset)
                found.append(Shown(artefact, text, results, path=path, dataset=dataset, there=bool(said)))
    return found


def draw(artefact: Artefact, collection: Collection, dataset: str, path: Path) -> str | None:
    """Write a figure in all its formats; its caption or, without runs, a sentence in the figure and None."""
    drawing = drawn(artefact, collection, dataset)
    title = figure_title(artefact, collection.title(dataset))
    save(drawing.figure if drawing else sentence(f"{title}: no runs yet"), path)
    return drawing and drawing.caption


def drawn(artefact: Artefact, collection: Collection, dataset: str) -> Drawing | None:
    """A figure that says which study it is of; None without runs."""
    names = names_in(collection, dataset)
    for name in names:
        legible(name)  # before anything is drawn, since a font that is found is used from then on
    drawing: Drawing | None = artefact.load()(collection, dataset)
    if drawing is None:
        return None
    name_figure(drawing.figure, figure_title(artefact, collection.title(dataset)), study_note(collection, dataset))
    said = explained(drawing.figure, names)
    return Drawing(drawing.figure, sentences(drawing.caption, said)) if said else drawing


def study_note(collection: Collection, dataset: str) -> str:
    """The study of a figure, and how its settings differ from the paper's; where that is unknown, its note's start."""
    params, name = collection.params, collection.study
    study = params.studies[name]
    paper, _ = claims_of(params, name)
    start = re.split(r"[,;]", re.sub(r" \([^)]*\)", "", study.note))[0]
    return f"Study {name}: {study.title}. {beside_paper(params, name, dataset, paper) or start}"


def names_in(collection: Collection, dataset: str) -> list[str]:
    """What a figure may show of the user's own words: titles, and classes with spaces between their words."""
    study = collection.params.studies[collection.study]
    recipes = dict.fromkeys(run.recipe for run in collection.every)
    classes = dict.fromkeys(name for result in collection.results for name in result.metrics.classes)
    words = (" ".join(name.replace("_", " ").split()) for name in classes)
    return [study.title, collection.title(dataset), *map(collection.scheme, recipes), *words]


def no_runs(collection: Collection, dataset: str) -> str:
    """What stands for a figure without runs."""
    return f"{collection.title(dataset)}: no runs yet"
