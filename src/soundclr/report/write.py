"""From the run folders of a study to its tables, figures and page."""

from pathlib import Path

from soundclr.files import write_json, write_text
from soundclr.params import Params
from soundclr.report.captions import captions, describe_figures, table_caption
from soundclr.report.collect import collect
from soundclr.report.exports import accuracy_per_fold_csv, confusion_csv, curves_csv, provenance_csv
from soundclr.report.figures import write_figures
from soundclr.report.layout import caption_path, category, report_paths, summary_paths
from soundclr.report.made_of import FILE, made_of
from soundclr.report.page import study_page, table_page
from soundclr.report.tables import make_tables
from soundclr.report.tables.render import to_csv, to_latex
from soundclr.report.tables.table3 import summary, table3_rows


def write_report(params: Params, study: str, results: Path, figures: Path) -> list[Path]:
    """Write a study's tables to ``results/<study>``, its figures to ``figures/<study>``; return the paths.

    The same runs give the same bytes. A run that cannot be believed is a UserError, with nothing written.
    """
    record = made_of(params, study, results)  # of what is there before it is read: what comes meanwhile is for the next
    collection = collect(params, study, results)
    rows = table3_rows(collection)
    tables = make_tables(collection)
    folder = results / study
    drawn = write_figures(collection, rows, figures / study)
    for table in tables:
        path = folder / "tables" / table.name
        write_text(path.with_suffix(".csv"), to_csv(table))
        write_text(path.with_suffix(".md"), table_page(collection, table))
        label = f"tab:{study}-{table.name}".replace("_", "-")
        write_text(path.with_suffix(".tex"), to_latex(table, table_caption(collection, table), label))
    for path in set(folder.glob("summary/*/*.json")).difference(summary_paths(params, study, results)):
        path.unlink()  # a recipe that the study has no more
    for dataset, recipes in summary(rows).items():
        for recipe, accuracies in recipes.items():
            write_json(folder / "summary" / dataset / f"{recipe}.json", accuracies)
    write_text(folder / "curves.csv", curves_csv(collection))
    write_text(folder / "accuracy_per_fold.csv", accuracy_per_fold_csv(collection))
    write_text(folder / "confusion.csv", confusion_csv(collection))
    write_text(folder / "provenance.csv", provenance_csv(collection))
    images = describe_figures(collection, drawn, figures / study)
    write_text(folder / "README.md", study_page(collection, tables, images, folder))
    paths = report_paths(params, study, results, figures)
    said = captions(collection, tables, images)
    for path in paths:
        if category(path):
            write_text(caption_path(path, study, results), said[path.stem])
    write_json(folder / FILE, record)
    return paths
