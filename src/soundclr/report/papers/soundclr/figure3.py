"""The paper's Figure 3: what each step adds, from one channel and random weights to masks."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from soundclr.params import RunSettings
from soundclr.report.accuracy import at_places, by_fold, number
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.intervals import INTERVALS
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.papers.soundclr.published import percent, published
from soundclr.report.run_results import RunResult
from soundclr.report.style import BARS, COLOURS, COLUMN, Axes, Drawing, add_legend, end_at_100, handle, new_figure

WIDTH = 28  # characters of a line of a step's name: the longest of its parts, and half a column

BEST: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "linestyle": "", "mec": "none", "markersize": 4.2}
LAST: dict[str, Any] = {"color": COLOURS[1], "marker": "s", "linestyle": "", "mec": "none", "markersize": 3.4}
PAPERS: dict[str, Any] = {"color": "black", "marker": "D", "linestyle": "", "mfc": "none", "mew": 0.8, "markersize": 4}
FOLD: dict[str, Any] = {
    "color": COLOURS[0],
    "marker": "o",
    "linestyle": "",
    "mec": "none",
    "markersize": 2,
    "alpha": 0.5,
}


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """A step a row, from top to bottom; its mean and the gain over the step above stand beside it."""
    if not collection.of(dataset, choice="figure3"):
        return None
    recipes = collection.recipes_of("figure3")
    names = step_names(collection, dataset, recipes)
    labels = [step_label(collection, dataset, *step) for step in zip(recipes, names, strict=True)]
    tallest = max(label.count("\n") + 1 for label in labels)
    figure = new_figure(COLUMN, 0.75 + max(0.3, 0.1 * tallest + 0.06) * len(recipes))
    axes = figure.subplots()
    lines = [line for line in published("figure3", dataset) if line["statistic"] == "mean" and line["row"] in names]
    paper = {line["row"]: value for line in lines if (value := percent(line)) is not None}
    for name, value in paper.items():
        axes.plot(value, names.index(name), **PAPERS, zorder=3)
    steps = [collection.of(dataset, recipe, "figure3") for recipe in recipes]
    for place, found in enumerate(steps):
        if found:
            draw_step(axes, place, found, steps[place - 1] if place else [])
    axes.set_yticks(range(len(labels)), labels, fontsize=6, linespacing=1.1)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x")
    axes.set_xlabel("accuracy (%)")
    end_at_100(axes, "x")
    handles = [handle("best epoch", **BEST), handle("last epoch", **LAST)]
    add_legend(figure, handles + ([handle("paper", **PAPERS)] if paper else []))
    bars = any(not math.isnan(by_fold(found).bar) for found in steps if found)
    text = "The ablation, step by step: accuracy at the best epoch (a small point a fold, their mean large)"
    text += " and at the last"
    text += f"; bars: {INTERVALS}" if bars else ""
    text += "; open: the paper's values, where it gives them" if paper else ""
    return Drawing(figure, f"{text}. At the right the mean at the best epoch and the gain over the step above.")


def draw_step(axes: Axes, place: int, found: Sequence[RunResult], above: Sequence[RunResult]) -> None:
    """A step's folds and means, and the gain over the step ``above``, where both have the same folds and seeds."""
    best, last = by_fold(found), by_fold(found, "last_epoch")
    axes.plot(list(best.folds.values()), [place - 0.12] * len(best.folds), **FOLD, zorder=2)
    for mean, shift, style in ((best, -0.12, BEST), (last, 0.18, LAST)):
        axes.errorbar(mean.mean, place + shift, xerr=mean.bar, **style, **BARS, zorder=4)
    text = number(best.mean)
    if at_places(found).keys() == at_places(above).keys():
        text += f"\n({number(round(best.mean, 2) - round(by_fold(above).mean, 2), sign=True)})"
    axes.text(1.03, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=6, linespacing=1.1)


def step_label(collection: Collection, dataset: str, recipe: str, name: str) -> str:
    """A step's name, broken between its parts alone, and how many runs there are where some are missing."""
    lines = textwrap.wrap(name.replace(" ", "\xa0").replace(",\xa0", ", "), WIDTH)
    found = len(collection.of(dataset, recipe, "figure3"))
    expected = len(collection.expected_of(dataset, recipe, "figure3"))
    return "\n".join([*lines, f"({found} of {expected} runs)"] if found < expected else lines)


def step_names(collection: Collection, dataset: str, recipes: Sequence[str]) -> list[str]:
    """What each step is, from its settings; its recipe's title where two come to the same words."""
    names = [describe(collection.params.resolve(collection.study, dataset, recipe)) for recipe in recipes]
    titles = map(collection.scheme, recipes)
    return [title if names.count(name) > 1 else name for name, title in zip(names, titles, strict=True)]


def describe(settings: RunSettings) -> str:
    """Start, channels and augmentation in words, as the paper's data names the steps."""
    channels = settings.representation.parameters.get("channels", 1)
    start = settings.start
    words = ["scratch" if start.weights == "none" and start.run is None else "pretrained"]
    words.append(f"{channels} channel{'s' if channels > 1 else ''}")
    augment = {choice.name: choice.parameters for choice in settings.stages[0].augment}
    masks = (augment.get(name, {"count": 0, "width": 0}) for name in ("frequency_mask", "time_mask"))
    waveform = "scale" in augment or settings.crop.train == "random"
    masked = any(mask["count"] * mask["width"] for mask in masks)
    words += ["waveform augmentation"] if waveform else []
    words += ["masks"] if masked else []
    return ", ".join(words if waveform or masked else [*words, "no augmentation"])


ARTEFACT = Artefact("figure3", "Figure 3", "figure", draw, runs="figure3", paper=PAPER)
