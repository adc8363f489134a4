"""Figures 3 and 5, and the budget curve: the effect of each step, of noise, and of longer training."""

import math
import textwrap

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from pandas import DataFrame

from soundclr.report import figure as draw
from soundclr.report import style
from soundclr.report.artefact import BASELINES, EVALUATED, OWN
from soundclr.report.artefacts.evaluated import means_under, noise_with_areas
from soundclr.report.claims.judge import Finding
from soundclr.report.collect import Collection
from soundclr.report.figure import RowOfMeans
from soundclr.report.frames import RUN, split
from soundclr.report.intervals import ENOUGH, INTERVALS, Mean, at_places, best_percent, interval_note, mean_of
from soundclr.report.papers import percent
from soundclr.report.papers.soundclr.budgets import by_budget
from soundclr.report.papers.soundclr.reading import describe, paper_accuracy, published
from soundclr.report.papers.soundclr.tables import OURS
from soundclr.report.style import COLUMN, Drawing
from soundclr.report.table import formatted, signed

BUDGETS = OWN, "budget_curve"  # the choices whose runs the budget curve shows
WIDTH = 28  # characters of a line of a step's name: the longest of its parts, and half a column

PAPERS: style.Style = {"color": "black", "marker": "D", "linestyle": "", "mfc": "none", "mew": 0.8, "markersize": 4}
FOLD: style.Style = {"color": style.GREY, "marker": "o", "linestyle": "", "mec": "none", "markersize": 2, "alpha": 0.5}


def figure3(collection: Collection, dataset: str) -> Drawing | None:
    """A row for each step, with its mean and the gain over the step above."""
    if not len(collection.done(dataset, choice="figure3")):
        return None
    recipes = collection.recipes_of("figure3")
    names = [describe(collection.settings(dataset, recipe)) for recipe in recipes]
    names = [
        collection.scheme(one) if names.count(name) > 1 else name for one, name in zip(recipes, names, strict=True)
    ]
    theirs = {line["row"]: line for line in published("figure3", dataset)}
    rows = []
    above = at_places(collection.done(dataset, "", "figure3"))
    for recipe, name in zip(recipes, names, strict=True):
        lines = textwrap.wrap(name.replace(" ", "\xa0").replace(",\xa0", ", "), WIDTH)
        done, asked = collection.done(dataset, recipe, "figure3"), collection.asked_of(dataset, recipe, "figure3")
        lines += [f"({len(done)} of {len(asked)} runs)"] if len(done) < len(asked) else []
        best, last = at_places(done), mean_of(at_places(done, "last_epoch"))
        mean = mean_of(best)
        text = formatted(mean.mean) if len(best) else ""
        if len(best) and set(best.index) == set(above.index):
            text += f"\n({signed(round(mean.mean, 2) - round(mean_of(above).mean, 2))})"
        if name in theirs and theirs[name]["statistic"].startswith("gain"):
            least = "≥ " if theirs[name]["statistic"] == "gain_at_least" else ""
            text += f"\n[{least}{signed(percent(theirs[name]))}]"
        means = [(-0.12, mean, style.BEST), (0.18, last, style.LAST)] if len(best) else []
        rows.append(RowOfMeans("\n".join(lines), means, number=text))
        above = best
    tallest = max(row.label.count("\n") + 1 for row in rows)
    figure = style.new_figure(COLUMN, 0.75 + max(0.3, 0.1 * tallest + 0.06) * len(rows))
    axes = figure.subplots()
    told = {name: percent(line) for name, line in theirs.items() if line["statistic"] == "mean" and name in names}
    paper = {name: value for name, value in told.items() if value is not None}
    for name, value in paper.items():
        axes.plot(value, names.index(name), **PAPERS, zorder=3)
    draw.rows_with_intervals(axes, rows, fontsize=6)
    for place, row in enumerate(rows):
        for below, mean, _ in row.means[:1]:
            axes.plot(list(mean.folds.values()), [place + below] * len(mean.folds), **FOLD, zorder=2)
    axes.set_xlabel("accuracy (%)")
    style.end_at_100(axes, "x")
    handles = [style.handle("best epoch", **style.BEST), style.handle("last epoch", **style.LAST)]
    style.add_legend(figure, handles + ([style.handle("paper", **PAPERS)] if paper else []))
    text = f"The ablation, step by step{collection.fewer_seeds('figure3')}: accuracy at the best epoch (small: folds, "
    text += "large: their mean) and at the last"
    text += interval_note(row.means[0][1] for row in rows if row.means)
    text += "; open: the paper's values, where it gives them" if paper else ""
    text += ". At the right the mean at the best epoch and the gain over the step above"
    others = ", ".join(dict.fromkeys(line["dataset"] for line in published("figure3")))
    text += ", in brackets the paper's" if theirs else f"; the paper has these steps on {others}"
    return Drawing(figure, f"{text}.")


def figure5(collection: Collection, dataset: str) -> Drawing | None:
    """A line for each scheme; the levels of noise are evenly spaced, because they span decades."""
    found = noise_with_areas(collection).query("dataset == @dataset and sigma.notna()")
    if not len(found):
        return None
    sigmas = sorted(collection.params.evaluation.sigmas)
    figure = style.new_figure(COLUMN, 2.3)
    axes = figure.subplots()
    handles, drawn = [], []
    count = found["recipe"].nunique()
    for i, (recipe, rows) in enumerate(split(found, "recipe").items()):
        means = means_under(rows, "sigma", sigmas)
        line = style.look(collection, recipe).line | {"markersize": 3.5}
        shift = (i - (count - 1) / 2) * 0.08  # apart, so that bars do not hide bars
        draw.curve_of_means(axes, [place + shift for place in range(len(sigmas))], means, line, bars=True)
        drawn += means
        handles.append(style.handle(collection.label(recipe, EVALUATED, dataset), **line))
    axes.set_xticks(range(len(sigmas)), [power(sigma) for sigma in sigmas], parse_math=True)
    axes.set(xlim=(-0.4, len(sigmas) - 0.6), ylabel="last-epoch accuracy (%)")
    axes.set_xlabel("standard deviation of white noise on waveforms in [−1, 1]")
    style.end_at_100(axes, "y")
    style.add_legend(figure, handles)
    text = "Accuracy of the last epoch's models against white noise, the same noise for every scheme: "
    text += collection.only_fold(EVALUATED) or "mean over folds"
    return Drawing(figure, f"{text}{interval_note(drawn)}.")


def power(value: float) -> str:
    """A level of noise as a tick's label: 5·10⁻⁴."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = f"{value / 10**exponent:.3g}"
    ten = f"10^{{{exponent}}}"
    return f"${ten}$" if factor == "1" else f"${factor}\\cdot{ten}$"


def budgets(collection: Collection, dataset: str) -> dict[str, dict[int, DataFrame]]:
    """For each of the study's own schemes the runs of it and of recipes built on it, by epochs, the fewest first.

    Recipes that lack runs are left out: a mean over some folds cannot be compared with one over all.
    """
    rows = collection.asked[collection.asked["choice"].isin(BUDGETS) & (collection.asked["dataset"] == dataset)]
    rows = rows.drop_duplicates(RUN)
    rows = rows[rows.groupby("recipe")["there"].transform("all")]

    def scheme_of(recipe: str) -> str:
        """The nearest of the schemes that a recipe is built on."""
        before = reversed(collection.params.lineage(recipe))
        return next((one for one in before if one in collection.recipes), "")

    rows = rows.assign(scheme=rows["recipe"].map(scheme_of)).sort_values("budget_epochs", kind="stable")
    by_scheme = split(rows, "scheme")
    return {one: split(by_scheme[one], "budget_epochs") for one in collection.recipes if one in by_scheme}


def budget_curve(collection: Collection, dataset: str) -> Drawing | None:
    """Above: each scheme's accuracy after the last epoch by budget. Below: hybrid minus each other scheme."""
    lines = budgets(collection, dataset)
    if not lines:
        return None
    figure = style.new_figure(COLUMN, 3.6)
    above, below = figure.subplots(2, 1, sharex=True)
    judged = [(epochs, one) for epochs, one in by_budget(collection) if one.dataset == dataset and one.whole]
    handles: list[Line2D] = []
    papers = {scheme: paper_accuracy(dataset, scheme)["mean"] for scheme in lines}
    for place, (scheme, found) in enumerate(lines.items()):
        look = style.look(collection, scheme)
        line, apart = look.line | {"markersize": 3.5}, 1.02 ** (place - 1)  # so that bars do not hide bars
        means = {epochs * apart: mean_of(at_places(rows, "last_epoch")) for epochs, rows in found.items()}
        draw_means(above, means, line)
        handles.append(style.handle(look.title, **line))
        if (theirs := papers[scheme]) is not None:
            above.axhline(theirs, color=look.colour, linewidth=0.8, linestyle=(0, (1, 2)))
        against = {rows["recipe"].iloc[0] for rows in found.values()}
        gains = {epochs * apart: advantage(one) for epochs, one in judged if one.against in against}
        draw_means(below, gains, line)
    if not math.isnan(baseline := best_percent(collection.done(dataset, choice=BASELINES))):
        above.axhline(baseline, **style.CHANCE)
        handles.append(style.handle(f"best baseline ({formatted(baseline)} %)", **style.CHANCE))
    above.set_ylabel("last-epoch accuracy (%)")
    below.axhline(0, color="black", linewidth=0.6)
    below.set_ylabel(f"{collection.scheme(OURS)}\nminus the other (points)")
    ticks = sorted({epochs for found in lines.values() for epochs in found})
    below.set_xscale("log")
    below.set_xticks(ticks, list(map(str, ticks)))
    below.minorticks_off()
    below.set(xlim=(ticks[0] / 1.3, ticks[-1] * 1.3), xlabel="epochs of the budget")
    if any(theirs is not None for theirs in papers.values()):
        handles.append(style.handle("the paper (Table III)", color=style.GREY, linewidth=0.8, linestyle=(0, (1, 2))))
    style.add_legend(figure, handles)
    text = f"Accuracy after the last epoch against the budget, and {collection.scheme(OURS)} minus each other scheme"
    lacking = any(run not in collection.found for key in BUDGETS for run in collection.expected_of(dataset, choice=key))
    text += "; schemes that lack runs at a budget are left out there" if lacking else ""
    text += f"; bars above: {INTERVALS}" if above.containers else ""
    text += "; bars below: the claims' 95 % intervals" if below.containers else ""
    with_paper = paper_accuracy(dataset, OURS)["mean"] is not None
    text += "; dotted: the paper (Table III; its code trains at most 800 epochs)" if with_paper else ""
    recipes = {rows["recipe"].iloc[0]: None for found in lines.values() for rows in found.values()}
    return Drawing(figure, f"{text}.", tuple(recipes))


def advantage(found: Finding) -> Mean:
    """A claim's difference with its interval."""
    assert found.estimate is not None
    low, high = found.estimate.interval()
    return Mean(found.estimate.value, (high - low) / 2, {}, ENOUGH)


def draw_means(axes: Axes, means: dict[float, Mean], line: style.Style) -> None:
    """Draw a line through the means at each budget."""
    if means:
        draw.curve_of_means(axes, list(means), list(means.values()), line, bars=True)
