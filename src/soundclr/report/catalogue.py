"""Every table and figure in the order of a page, and the files of a report; none of them is imported here.

To add one, write a function in a file of `artefacts`, or of a paper's folder in `papers`, and a line here.
"""

from pathlib import Path

from soundclr.params import Params, known
from soundclr.report import made_of
from soundclr.report.artefact import EVALUATED, OWN, Artefact, any_run, choices, datasets_of, expected
from soundclr.report.claims.of_study import has_claims
from soundclr.report.papers import PAPERS
from soundclr.run.runs import OWN_TABLES, Run
from soundclr.training.solvers import takes_steps

MEMBERS = 2
"""Fewest seeds of a fold that make an ensemble."""


def has_several_seeds(params: Params, study: str) -> bool:
    """Whether a study's own runs have enough seeds for an ensemble."""
    return len(choices(params, study)[OWN].seeds or ()) >= MEMBERS


def has_own_sounds(params: Params, study: str) -> bool:
    """Whether one of a study's datasets is a person's own."""
    return any(params.datasets[name].adapter in OWN_TABLES for name in params.studies[study].datasets)


A, K = "artefacts", "claims"
C, H, S = "papers.clar.artefacts", "papers.shin.tables", "papers.soundclr"
# fmt: off
ARTEFACTS = (
    Artefact("advice", "What to do next", "table", f"{A}.own_sounds:advice", extra_runs="baselines",
             condition=has_own_sounds),
    Artefact("claims", "The paper's claims", "table", f"{K}.table:make", includes=any_run, condition=has_claims),
    Artefact("overview", "What an accuracy is worth", "table", f"{A}.overview:overview", extra_runs="baselines"),
    Artefact("augmentation_grid", "Pairs of augmentations", "figure", f"{C}:grid", "augmentation_grid", paper="clar"),
    Artefact("convergence", "Convergence", "figure", f"{C}:convergence", "convergence", paper="clar", includes=any_run),
    Artefact("label_fractions", "Accuracy by share of labels", "figure", f"{C}:label_fractions", "label_fractions",
             paper="clar"),
    Artefact("clar_schemes", "Schemes by encoder", "table", f"{C}:clar_schemes", "clar_schemes", paper="clar"),
    Artefact("shin_pairs", "Rows compared in pairs", "table", f"{H}:shin_pairs", "shin_table1", "shin_table2", "shin"),
    Artefact("shin_sounds", "Weights from sounds", "table", f"{H}:shin_sounds", "shin_sounds", paper="shin"),
    Artefact("shin_table1", "Table 1", "table", f"{H}:shin_table1", "shin_table1", "shin_one_fold", "shin"),
    Artefact("shin_table2", "Table 2", "table", f"{H}:shin_table2", "shin_table2", paper="shin"),
    Artefact("budgets", "Do they catch up?", "table", f"{S}.budgets:make", "budget_curve", OWN, "soundclr"),
    Artefact("budget_curve", "Accuracy by budget", "figure", f"{S}.figures:budget_curve", "budget_curve", OWN,
             "soundclr"),
    Artefact("figure3", "Figure 3", "figure", f"{S}.figures:figure3", "figure3", paper="soundclr",
             subject="what each step adds"),
    Artefact("figure4", "Figure 4", "figure", f"{S}.figure4:draw", paper="soundclr", subject="accuracy of each fold"),
    Artefact("figure5", "Figure 5", "figure", f"{S}.figures:figure5", EVALUATED, paper="soundclr",
             subject="accuracy under white noise"),
    Artefact("table1", "Table I", "table", f"{S}.table1:make", "table1", paper="soundclr"),
    Artefact("table2", "Table II", "table", f"{S}.tables:table2", "table2", paper="soundclr"),
    Artefact("table3", "Table III", "table", f"{S}.tables:table3", paper="soundclr"),
    Artefact("table4", "Table IV", "table", f"{S}.tables:table4", paper="soundclr"),
    Artefact("forest", "The claims at a glance", "figure", f"{K}.forest:draw", includes=any_run, condition=has_claims),
    Artefact("calibration", "Calibration", "figure", f"{A}.classes:calibration"),
    Artefact("comparison", "Paired comparison", "figure", f"{A}.comparison:comparison_figure", schemes=2),
    Artefact("confusion", "Confusion matrices", "figure", f"{A}.classes:confusion"),
    Artefact("curves", "Training curves", "figure", f"{A}.epochs:curves", includes=takes_steps),
    Artefact("noise_snr", "Robustness to noise", "figure", f"{A}.evaluated:noise_snr", EVALUATED),
    Artefact("per_class", "Accuracy of each class", "figure", f"{A}.classes:per_class_figure"),
    Artefact("representations", "Representations", "figure", f"{A}.evaluated:representations", EVALUATED,
             includes=any_run),
    Artefact("comparison", "Paired comparison", "table", f"{A}.comparison:comparison"),
    Artefact("distances", "Distances of representations", "table", f"{A}.evaluated:distances", EVALUATED,
             includes=any_run),
    Artefact("ensembles", "Ensembles of seeds", "table", f"{A}.comparison:ensembles", condition=has_several_seeds),
    Artefact("f1", "F1 of each class", "table", f"{A}.own_sounds:f1", condition=has_own_sounds),
    Artefact("per_class", "Accuracy of each class", "table", f"{A}.classes:per_class"),
    Artefact("protocols", "Protocols", "table", f"{A}.epochs:protocols", extra_runs="protocols"),
    Artefact("robustness", "Robustness to noise", "table", f"{A}.evaluated:robustness", EVALUATED),
    Artefact("wrong_clips", "Wrong clips", "table", f"{A}.own_sounds:wrong_clips", condition=has_own_sounds),
    Artefact("variants", "One change at a time", "table", f"{A}.comparison:variants", "variants"),
)
# fmt: on

FIGURE_FORMATS = ("png", "pdf")
TABLE_FORMATS = ("csv", "md", "tex", "html")

OTHERS: tuple[str, ...] = ("accuracy.json", "curves.csv", "accuracy_per_fold.csv", "confusion.csv", "provenance.csv")
OTHERS += ("provenance.html", made_of.FILE)
"""Files that other programs read, beside the tables."""


def titles(params: Params, study: str, key: str, published: bool = False) -> str:
    """The titles of the study's artefacts that show a choice's runs; with ``published`` only those of a paper."""
    its = (one for one in ARTEFACTS if one.belongs_to(params, study))
    shown = (one for one in its if key in (one.runs, one.extra_runs) and (one.paper or not published))
    return ", ".join(dict.fromkeys(one.title for one in shown))


def check_artefacts(params: Params) -> None:
    """Raise UserError for a key under a study's ``artefacts:`` that no artefact uses; it names the nearest one."""
    keys = [one for artefact in ARTEFACTS for one in (artefact.runs, artefact.extra_runs)]
    for name, study in params.studies.items():
        known(study.paper, PAPERS, f"paper in studies.{name}.paper")
        for key in study.artefacts:
            every = dict.fromkeys(one for one in keys if one not in (OWN, EVALUATED, None))
            known(key, every, f"artefact in studies.{name}.artefacts")


def needs(params: Params, study: str) -> list[tuple[str, tuple[Run, ...]]]:
    """What each choice of runs is for, in words, and its runs: the study's own first, then what artefacts add."""
    check_artefacts(params)
    tables = titles(params, study, OWN, published=True)
    own = f"the study's own: {f'{tables} and what else' if tables else 'what'} needs no other runs"
    named = {OWN: own, EVALUATED: f"to be evaluated: {titles(params, study, EVALUATED)}"}
    return [(named.get(key) or titles(params, study, key), chosen) for key, chosen in expected(params, study).items()]


def tables_of(params: Params, study: str) -> list[Artefact]:
    """A study's tables."""
    return [one for one in ARTEFACTS if one.kind == "table" and datasets_of(params, study, one)]


def figures_of(params: Params, study: str, dataset: str) -> list[Artefact]:
    """A dataset's figures."""
    return [one for one in ARTEFACTS if one.kind == "figure" and dataset in datasets_of(params, study, one)]


def figure_title(artefact: Artefact, dataset: str) -> str:
    """What a figure shows, and the title of its dataset: above the figure, and its alternative text on a page."""
    return f"{artefact.title}{artefact.subject and f' ({artefact.subject})'}, {dataset}"


def heading(artefact: Artefact) -> str:
    """The heading of an artefact, on the page and in the HTML report, whose menu has them by the alphabet."""
    if artefact.make.startswith(f"{K}."):
        return "Claims"
    if artefact.kind == "table":
        return "Tables"
    return f"Figures of {PAPERS[artefact.paper]}" if artefact.paper else "Further figures"


def artefact_of(path: Path) -> Artefact | None:
    """The table or figure that a file holds for ``snakemake --report``; None for a file that it does not show."""
    kind = {".html": "table", ".png": "figure"}.get(path.suffix)
    return next((one for one in ARTEFACTS if (one.kind, one.name) == (kind, path.stem.split("-")[0])), None)


def category(path: Path) -> str | None:
    """A file's heading in ``snakemake --report``; None for a file that it does not show."""
    if path.name == "provenance.html":
        return "Provenance"
    artefact = artefact_of(path)
    return heading(artefact) if artefact else None


def labels(params: Params, path: Path) -> dict[str, str]:
    """The labels of a file in ``snakemake --report``: the artefact's title and, for a figure, the dataset's."""
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
    """The first page of ``snakemake --report``."""
    return results / study / "captions" / "front_page.rst"


def report_paths(params: Params, study: str, results: Path, figures: Path) -> list[Path]:
    """All files of a study's report: its page, model card, tables, figures, and their captions."""
    folder = results / known(study, params.studies, "study")
    paths = [folder / "README.md", folder / "MODEL_CARD.md"]
    paths += [folder / "tables" / f"{one.name}.{form}" for one in tables_of(params, study) for form in TABLE_FORMATS]
    paths += [folder / name for name in OTHERS]
    paths += [
        figures / study / f"{figure.name}-{dataset}.{form}"
        for dataset in params.studies[study].datasets
        for figure in figures_of(params, study, dataset)
        for form in FIGURE_FORMATS
    ]
    captions = (caption_path(path, study, results) for path in paths if category(path))
    return [*paths, front_page(study, results), *captions]
