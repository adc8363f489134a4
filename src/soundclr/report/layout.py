"""Which files a report has: known before any run is, and without loading what draws them."""

from pathlib import Path

from soundclr.params import Params, known

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
FIGURES = ("figure4", "curves", "confusion")
FORMATS = ("png", "pdf")


def report_paths(params: Params, study: str, results: Path, figures: Path) -> list[Path]:
    """The files that a study's report writes: tables first, then each dataset's figures."""
    datasets = params.studies[known(study, params.studies, "study")].datasets
    return [results / study / name for name in TABLES] + [
        figures / study / f"{figure}-{dataset}.{form}" for dataset in datasets for figure in FIGURES for form in FORMATS
    ]
