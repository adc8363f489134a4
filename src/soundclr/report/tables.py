"""Table III: a study's datasets and recipes, ours beside the paper's; as CSV, Markdown and LaTeX."""

import csv
import io
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

from soundclr.report.collect import Collection, RunResult

PAPER_DATASETS = {"esc10": "ESC-10", "esc50": "ESC-50", "us8k": "US8K"}
"""What paper.csv calls the datasets of params.yaml; one that is not here has no published value."""

PARTIAL = "†"
NONE = "–"


@dataclass(frozen=True)
class Accuracy:
    """In percent: mean and sample standard deviation over seeds, and the best seed's; None: not known."""

    mean: float | None = None
    std: float | None = None
    best: float | None = None


@dataclass(frozen=True)
class Row:
    """One dataset and recipe; ``seeds`` counts those that have all folds: only they make a std or a best."""

    dataset: str
    recipe: str
    runs: int
    expected_runs: int
    seeds: int
    expected_seeds: int
    best_epoch: Accuracy
    last_epoch: Accuracy
    paper: Accuracy

    @property
    def partial(self) -> bool:
        """Whether the means are over single runs, no seed having all its folds."""
        return self.runs > 0 and self.seeds == 0

    @property
    def difference(self) -> float | None:
        """Our mean (best epoch, the paper's protocol) minus the paper's, of the numbers as shown; points."""
        if self.best_epoch.mean is None or self.paper.mean is None or self.partial:
            return None
        return round(round(self.best_epoch.mean, 2) - self.paper.mean, 2) + 0.0


def table3(collection: Collection) -> list[Row]:
    """A row for each dataset and recipe of the study, in params.yaml's order, also where no run is there."""
    study = collection.params.studies[collection.study]
    rows = []
    for dataset in study.datasets:
        for recipe in study.recipes:
            expected = collection.expected_of(dataset, recipe)
            done = collection.of(dataset, recipe)
            folds = len({run.fold for run in expected})
            by_seed = defaultdict(list)
            for result in done:
                by_seed[result.run.seed].append(result)
            complete = [found for found in by_seed.values() if len(found) == folds]
            rows.append(
                Row(
                    dataset=dataset,
                    recipe=recipe,
                    runs=len(done),
                    expected_runs=len(expected),
                    seeds=len(complete),
                    expected_seeds=len({run.seed for run in expected}),
                    best_epoch=summarise(complete, done, "best_epoch"),
                    last_epoch=summarise(complete, done, "last_epoch"),
                    paper=paper_accuracy(dataset, recipe),
                )
            )
    return rows


def summarise(complete: Sequence[Sequence[RunResult]], done: Sequence[RunResult], which: str) -> Accuracy:
    """Mean, std and best over complete seeds, each its folds' mean; without one, the mean of all runs."""

    def mean(results: Iterable[RunResult]) -> float:
        return 100 * statistics.fmean(getattr(result.metrics.accuracy, which) for result in results)

    seeds = [mean(results) for results in complete]
    if not seeds:
        return Accuracy(mean=mean(done)) if done else Accuracy()
    return Accuracy(statistics.fmean(seeds), statistics.stdev(seeds) if len(seeds) > 1 else None, max(seeds))


def paper_accuracy(dataset: str, recipe: str) -> Accuracy:
    """The paper's Table III for a dataset and recipe; empty where it has none."""
    text = (resources.files("soundclr.report") / "paper.csv").read_text()
    place = ("table3", PAPER_DATASETS.get(dataset), recipe)
    cells = {
        line["statistic"]: line
        for line in csv.DictReader(io.StringIO(text))
        if (line["artefact"], line["dataset"], line["row"]) == place
    }
    if not cells:
        return Accuracy()
    mean, best = cells["mean"], cells["best"]
    return Accuracy(float(mean["accuracy_percent"]), float(mean["std_percent"]), float(best["accuracy_percent"]))


def to_csv(rows: Sequence[Row]) -> str:
    """The table for programs: one line a row, percent with two decimals, empty where not known."""
    columns = ["dataset", "recipe", "runs", "expected_runs", "seeds", "expected_seeds"]
    protocols = ("best_epoch", "last_epoch", "paper")
    statistics_ = ("mean", "std", "best")
    header = columns + [f"{p}_{s}_percent" for p in protocols for s in statistics_] + ["difference_points"]
    lines = [header]
    for row in rows:
        numbers = [getattr(getattr(row, p), s) for p in protocols for s in statistics_] + [row.difference]
        lines.append([str(getattr(row, c)) for c in columns] + ["" if n is None else f"{n:.2f}" for n in numbers])
    return csv_text(lines)


def csv_text(lines: Iterable[Iterable[object]]) -> str:
    """Lines as CSV, quoted only where needed, each ending in one newline character."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(lines)
    return buffer.getvalue()


def to_markdown(collection: Collection, rows: Sequence[Row]) -> str:
    """The table for a page; the paper's columns only where the paper has values."""
    with_paper = has_paper(rows)
    header = ["dataset", "scheme", "runs", "best epoch", "best seed", "last epoch", "best seed"]
    header += ["paper", "paper's best", "difference"] if with_paper else []
    lines = [header, [":--", ":--", *["--:"] * (len(header) - 2)]]
    for row in rows:
        lines.append([markdown_escape(text) for text in titles(collection, row)] + cells(row, with_paper))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_latex(collection: Collection, rows: Sequence[Row], caption: str) -> str:
    """The table for a paper: a ``table*`` that needs the package booktabs and no other."""
    with_paper = has_paper(rows)
    groups = [("best epoch", 4, 5), ("last epoch", 6, 7)] + ([("paper", 8, 9)] if with_paper else [])
    names = "dataset & scheme & runs" + " & mean & best" * len(groups) + (" & diff." if with_paper else "")
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table*}",
        "\\centering",
        "\\footnotesize",
        "\\setlength{\\tabcolsep}{3pt}",
        f"\\caption{{{latex_escape(caption)}}}",
        f"\\label{{tab:{collection.study.replace('_', '-')}-table3}}",
        f"\\begin{{tabular}}{{ll{'r' * (names.count('&') - 1)}}}",
        "\\toprule",
        " & &"
        + "".join(f" & \\multicolumn{{2}}{{c}}{{{name}}}" for name, _, _ in groups)
        + (" & \\\\" if with_paper else " \\\\"),
        "".join(f"\\cmidrule(lr){{{first}-{last}}}" for _, first, last in groups),
        f"{names} \\\\",
        "\\midrule",
    ]
    for before, row in zip([None, *rows], rows, strict=False):
        if before is not None and before.dataset != row.dataset:
            lines.append("\\addlinespace")
        texts = [*titles(collection, row), *cells(row, with_paper)]
        lines.append(" & ".join(latex_escape(text) for text in texts) + " \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", "\\end{table*}", ""])


def has_paper(rows: Sequence[Row]) -> bool:
    """Whether the paper has a value for any of the rows."""
    return any(row.paper.mean is not None for row in rows)


def titles(collection: Collection, row: Row) -> list[str]:
    """What params.yaml calls a row's dataset and recipe."""
    return [collection.params.datasets[row.dataset].title, collection.params.recipes[row.recipe].title]


def cells(row: Row, with_paper: bool) -> list[str]:
    """A row's coverage and numbers as text, in the order of the columns."""

    def number(value: float | None) -> str:
        return NONE if value is None else f"{value:.2f}"

    def spread(accuracy: Accuracy, mark: str = "") -> str:
        if accuracy.mean is None:
            return NONE
        std = "" if accuracy.std is None else f" ± {accuracy.std:.2f}"
        return f"{accuracy.mean:.2f}{std}{mark}"

    mark = f" {PARTIAL}" if row.partial else ""
    texts = [f"{row.runs} of {row.expected_runs}"]
    for accuracy in (row.best_epoch, row.last_epoch):
        texts += [spread(accuracy, mark), number(accuracy.best)]
    if with_paper:
        difference = NONE if row.difference is None else f"{row.difference:+.2f}".replace("-", "−")
        texts += [spread(row.paper), number(row.paper.best), difference]
    return texts


def markdown_escape(text: str) -> str:
    """Text that Markdown shows as it is, in a table's cell too."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())


LATEX = {
    **{character: f"\\{character}" for character in "{}&%$#_"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    "±": "$\\pm$",
    "−": "$-$",
    "–": "--",
    "†": "$\\dagger$",
    "×": "$\\times$",
}


def latex_escape(text: str) -> str:
    """Text that LaTeX sets as it is: its special characters, and the signs that the report itself uses."""
    return "".join(LATEX.get(character, character) for character in " ".join(text.split()))
