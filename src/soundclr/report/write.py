"""From the run folders of a study to its tables, figures and page."""

import os
from pathlib import Path

from soundclr.files import write_json, write_text
from soundclr.params import Params
from soundclr.report.captions import caption
from soundclr.report.collect import collect
from soundclr.report.exports import accuracy_per_fold_csv, confusion_csv, curves_csv, summary
from soundclr.report.figures import write_figures
from soundclr.report.layout import report_paths
from soundclr.report.page import study_page, table_page
from soundclr.report.tables import table3, to_csv, to_latex


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
