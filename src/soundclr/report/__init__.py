"""From the run folders of a study to its tables, figures and page; knows nothing of training."""

import os
from pathlib import Path

from soundclr.files import write_json, write_text
from soundclr.params import Params, known
from soundclr.report.captions import caption
from soundclr.report.collect import Collection, collect
from soundclr.report.exports import accuracy_per_fold_csv, confusion_csv, curves_csv, summary
from soundclr.report.figures import FIGURES, FORMATS, write_figures
from soundclr.report.page import study_page, table_page
from soundclr.report.tables import table3, to_csv, to_latex

__all__ = ["Collection", "collect", "report_paths", "write_report"]

TABLES = (
    "README.md",
    "table3.csv",
    "table3.md",
    "table3.tex",
    "summary.json",
    "curves.csv",
    "accuracy_per_fold.csv",
    "confusion.csv",
)


def report_paths(params: Params, study: str, results: Path, figures: Path) -> list[Path]:
    """The files that :func:`write_report` writes, known before any run is: tables first, then figures."""
    datasets = params.studies[known(study, params.studies, "study")].datasets
    return [results / study / name for name in TABLES] + [
        figures / study / f"{figure}-{dataset}.{form}" for dataset in datasets for figure in FIGURES for form in FORMATS
    ]


def write_report(params: Params, study: str, results: Path, figures: Path) -> list[Path]:
    """Write a study's tables to ``results/<study>``, its figures to ``figures/<study>``; return the paths.

    The same runs give the same bytes. A run that cannot be believed is a UserError, with nothing written.
    """
    collection = collect(params, study, results)
    rows = table3(collection)
    folder = results / study
    images = [
        (text, Path(os.path.relpath(path, folder)).as_posix())
        for text, path in write_figures(collection, rows, figures / study)
    ]
    write_text(folder / "table3.csv", to_csv(rows))
    write_text(folder / "table3.md", table_page(collection, rows))
    write_text(folder / "table3.tex", to_latex(collection, rows, caption(collection, rows)))
    write_json(folder / "summary.json", summary(rows))
    write_text(folder / "curves.csv", curves_csv(collection))
    write_text(folder / "accuracy_per_fold.csv", accuracy_per_fold_csv(collection))
    write_text(folder / "confusion.csv", confusion_csv(collection))
    write_text(folder / "README.md", study_page(collection, rows, images))
    return report_paths(params, study, results, figures)
