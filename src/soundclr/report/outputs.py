"""Which files a report has: known before any run is, and without loading what draws them."""

from pathlib import Path

from soundclr.params import Params, known
from soundclr.report import made_of
from soundclr.report.artefact import Artefact, datasets_of, declared

FIGURE_FORMATS = ("png", "pdf")
TABLE_FORMATS = ("csv", "md", "tex", "html")

OTHERS = ("curves.csv", "accuracy_per_fold.csv", "confusion.csv", "provenance.csv", "provenance.html", made_of.FILE)
"""What other programs read, beside the tables."""


def tables_of(params: Params, study: str) -> list[Artefact]:
    """A study's tables."""
    return [one for one in declared() if one.kind == "table" and datasets_of(params, study, one)]


def figures_of(params: Params, study: str, dataset: str) -> list[Artefact]:
    """A dataset's figures."""
    return [one for one in declared() if one.kind == "figure" and dataset in datasets_of(params, study, one)]


def heading(artefact: Artefact) -> str:
    """What an artefact stands under, on the page and in the HTML report."""
    if artefact.kind == "table":
        return "Tables"
    return f"Figures of {artefact.paper}" if artefact.paper else "Further figures"


def artefact_of(path: Path) -> Artefact | None:
    """The table or figure that ``snakemake --report`` shows in a file; None for what it does not show."""
    kind = {".html": "table", ".png": "figure"}.get(path.suffix)
    return next((one for one in declared() if (one.kind, one.name) == (kind, path.stem.split("-")[0])), None)


def category(path: Path) -> str | None:
    """The heading that ``snakemake --report`` shows a file under; None for one that it does not show."""
    if path.name == "provenance.html":
        return "Provenance"
    artefact = artefact_of(path)
    return heading(artefact) if artefact else None


def labels(params: Params, path: Path) -> dict[str, str]:
    """What ``snakemake --report`` calls a file under its heading: the artefact and, of a figure, the dataset."""
    artefact = artefact_of(path)
    if artefact is None:
        return {"table": "Every run"}
    if artefact.kind == "table":
        return {"table": artefact.title}
    return {"figure": artefact.title, "dataset": params.datasets[path.stem.partition("-")[2]].title}


def caption_path(path: Path, study: str, results: Path) -> Path:
    """The caption of a file that ``snakemake --report`` shows."""
    return results / study / "captions" / f"{path.stem}.rst"


def front_page(study: str, results: Path) -> Path:
    """What ``snakemake --report`` begins with."""
    return results / study / "captions" / "front_page.rst"


def report_paths(params: Params, study: str, results: Path, figures: Path) -> list[Path]:
    """The files that a study's report writes: its page, model card, tables, figures, and their captions."""
    folder = results / known(study, params.studies, "study")
    paths = [folder / "README.md", folder / "MODEL_CARD.md"]
    paths += [
        folder / "tables" / f"{table.name}.{form}" for table in tables_of(params, study) for form in TABLE_FORMATS
    ]
    paths += [folder / name for name in OTHERS]
    paths += summary_paths(params, study, results)
    paths += [
        figures / study / f"{figure.name}-{dataset}.{form}"
        for dataset in params.studies[study].datasets
        for figure in figures_of(params, study, dataset)
        for form in FIGURE_FORMATS
    ]
    said = (caption_path(path, study, results) for path in paths if category(path))
    return [*paths, front_page(study, results), *said]


def summary_paths(params: Params, study: str, results: Path) -> list[Path]:
    """What `dvc metrics` shows: a file for each dataset and recipe of the study's own runs."""
    own, folder = params.studies[study], results / study / "summary"
    return [folder / dataset / f"{recipe}.json" for dataset in own.datasets for recipe in own.recipes]
