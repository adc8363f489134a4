"""Which files a report has: known before any run is, and without loading what draws them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from soundclr.params import Artefact, Params, StudySettings, known
from soundclr.report import made_of

FORMATS = ("png", "pdf")


def always(study: StudySettings) -> bool:
    """Every study has it."""
    return True


def having(artefact: Artefact) -> Callable[[StudySettings], bool]:
    """Studies that have the artefact."""
    return lambda study: artefact in study.artefacts


TABLES: dict[str, Callable[[StudySettings], bool]] = {
    "table1": having("table1"),
    "table2": having("table2"),
    "table3": always,
    "table4": always,
    "comparison": always,
    "protocols": always,
    "per_class": always,
    "robustness": having("figure5"),
    "distances": having("figure5"),
}
"""The tables in a page's order, each with the studies that have it."""


class Shown(NamedTuple):
    """What a figure is of: an artefact's runs or, with None, the study's own; and of at least so many schemes."""

    artefact: Artefact | None = None
    schemes: int = 1


FIGURES: dict[str, Shown] = {
    "figure3": Shown("figure3"),
    "figure4": Shown(),
    "figure5": Shown("figure5"),
    "noise_snr": Shown("figure5"),
    "comparison": Shown(schemes=2),
    "per_class": Shown(),
    "confusion": Shown(),
    "representations": Shown("figure5"),
    "flattery": Shown(),
    "curves": Shown(),
}
"""The figures in a page's order; each is drawn for the datasets that have its runs."""

PAPERS, OURS = "Figures of the paper", "Figures beyond the paper"

TABLE_FORMATS = ("csv", "md", "tex")

EXPORTS = ("curves.csv", "accuracy_per_fold.csv", "confusion.csv", "provenance.csv", made_of.FILE)
"""What other programs read, beside the tables."""


def tables_of(params: Params, study: str) -> list[str]:
    """The names of a study's tables."""
    return [name for name, applies in TABLES.items() if applies(params.studies[study])]


def figures_of(params: Params, study: str, dataset: str) -> list[str]:
    """The names of a dataset's figures."""
    chosen = params.studies[study]

    def has(figure: Shown) -> bool:
        datasets: Iterable[str] | None = chosen.datasets
        if figure.artefact is not None:
            datasets = params.artefact(study, figure.artefact).datasets if figure.artefact in chosen.artefacts else ()
        return dataset in (datasets or ()) and len(chosen.recipes) >= figure.schemes

    return [name for name, figure in FIGURES.items() if has(figure)]


def category(path: Path) -> str | None:
    """The heading that ``snakemake --report`` shows a file under; None for one that it does not show."""
    if path.name == "provenance.csv":
        return "Provenance"
    if path.suffix == ".csv" and path.stem in TABLES:
        return "Tables"
    if path.suffix == ".png":
        return PAPERS if path.stem.startswith("figure") else OURS
    return None


def caption_path(path: Path, study: str, results: Path) -> Path:
    """The caption of a file that ``snakemake --report`` shows."""
    return results / study / "captions" / f"{path.stem}.rst"


def report_paths(params: Params, study: str, results: Path, figures: Path) -> list[Path]:
    """The files that a study's report writes: its page, tables, each dataset's figures, and their captions."""
    folder = results / known(study, params.studies, "study")
    paths = [folder / "README.md"]
    paths += [folder / "tables" / f"{name}.{form}" for name in tables_of(params, study) for form in TABLE_FORMATS]
    paths += [folder / name for name in EXPORTS]
    paths += summary_paths(params, study, results)
    paths += [
        figures / study / f"{figure}-{dataset}.{form}"
        for dataset in params.studies[study].datasets
        for figure in figures_of(params, study, dataset)
        for form in FORMATS
    ]
    return paths + [caption_path(path, study, results) for path in paths if category(path)]


def summary_paths(params: Params, study: str, results: Path) -> list[Path]:
    """What `dvc metrics` shows: a file for each dataset and recipe of the study's own runs."""
    own, folder = params.studies[study], results / study / "summary"
    return [folder / dataset / f"{recipe}.json" for dataset in own.datasets for recipe in own.recipes]
