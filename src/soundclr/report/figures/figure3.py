"""The paper's Figure 3: what each step adds, from one channel and random weights to masks."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from soundclr.params import RunSettings
from soundclr.report.accuracy import number
from soundclr.report.collect import Collection
from soundclr.report.figures.style import BARS, COLOURS, COLUMN, add_legend, end_at_100
from soundclr.report.intervals import INTERVALS, over_folds
from soundclr.report.paper import percent, published
from soundclr.report.tables import Row

WIDTH = 28  # characters of a line of a step's name: the longest of its parts, and half a column

BEST: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "linestyle": "", "mec": "none", "markersize": 4.2}
LAST: dict[str, Any] = {"color": COLOURS[1], "marker": "s", "linestyle": "", "mec": "none", "markersize": 3.4}
PAPER: dict[str, Any] = {"color": "black", "marker": "D", "linestyle": "", "mfc": "none", "mew": 0.8, "markersize": 4}
FOLD: dict[str, Any] = {
    "color": COLOURS[0],
    "marker": "o",
    "linestyle": "",
    "mec": "none",
    "markersize": 2,
    "alpha": 0.5,
}


def draw(collection: Collection, dataset: str, rows: Sequence[Row]) -> tuple[Figure, str] | None:
    """A step a row, from top to bottom; its mean and the gain over the step above stand beside it."""
    chosen = collection.params.artefact(collection.study, "figure3")
    recipes = chosen.recipes or ()
    if not any(collection.shown("figure3", dataset, recipe) for recipe in recipes):
        return None
    names = step_names(collection, dataset, recipes)
    figure = Figure()
    axes = figure.subplots()
    before: tuple[float, set[object]] | None = None
    bars = False
    paper = {line["row"]: value for line in published("figure3", dataset) if (value := percent(line)) is not None}
    paper = {name: value for name, value in paper.items() if name in names}
    labels = []
    for place, (recipe, name) in enumerate(zip(recipes, names, strict=True)):
        found = collection.shown("figure3", dataset, recipe)
        expected = collection.expected_of(dataset, recipe, "figure3")
        parts = name.replace(" ", "\xa0").replace(",\xa0", ", ")  # broken between its parts alone
        lines = textwrap.wrap(parts, WIDTH)
        if len(found) < len(expected):
            lines.append(f"({len(found)} of {len(expected)} runs)")
        labels.append("\n".join(lines))
        if name in paper:
            axes.plot(paper[name], place, **PAPER, zorder=3)
        if not found:
            before = None
            continue
        best = over_folds((r.run.fold, 100 * r.metrics.accuracy.best_epoch) for r in found)
        last = over_folds((r.run.fold, 100 * r.metrics.accuracy.last_epoch) for r in found)
        bars = bars or not math.isnan(best.bar)
        axes.plot(list(best.folds.values()), [place - 0.12] * len(best.folds), **FOLD, zorder=2)
        for mean, shift, style in ((best, -0.12, BEST), (last, 0.18, LAST)):
            axes.errorbar(mean.mean, place + shift, xerr=mean.bar, **style, **BARS, zorder=4)
        coordinates: set[object] = {(r.run.fold, r.run.seed) for r in found}
        text = number(best.mean)
        if before is not None and before[1] == coordinates:  # a gain is of the same folds and seeds
            text += f"\n({number(round(best.mean, 2) - before[0], sign=True)})"
        axes.text(1.03, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize=6, linespacing=1.1)
        before = round(best.mean, 2), coordinates
    tallest = max(label.count("\n") + 1 for label in labels)
    figure.set_size_inches(COLUMN, 0.75 + max(0.3, 0.1 * tallest + 0.06) * len(recipes))
    axes.set_yticks(range(len(labels)), labels, fontsize=6, linespacing=1.1)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x")
    axes.set_xlabel("accuracy (%)")
    end_at_100(axes, "x")
    handles = [Line2D([], [], label="best epoch", **BEST), Line2D([], [], label="last epoch", **LAST)]
    handles += [Line2D([], [], label="paper", **PAPER)] if paper else []
    add_legend(figure, handles)
    text = "The ablation, step by step: accuracy at the best epoch (a small point a fold, their mean large)"
    text += " and at the last"
    text += f"; bars: {INTERVALS}" if bars else ""
    text += "; open: the paper's values, where it gives them" if paper else ""
    return figure, f"{text}. At the right the mean at the best epoch and the gain over the step above."


def step_names(collection: Collection, dataset: str, recipes: Sequence[str]) -> list[str]:
    """What each step is, from its settings; its recipe's title where two come to the same words."""
    names = [describe(collection.params.resolve(collection.study, dataset, recipe)) for recipe in recipes]
    titles = [collection.params.recipes[recipe].title for recipe in recipes]
    return [title if names.count(name) > 1 else name for name, title in zip(names, titles, strict=True)]


def describe(settings: RunSettings) -> str:
    """Weights, channels and augmentation in words, as the paper's data names the steps."""
    encoder, augment = settings.encoder, settings.augment
    words = ["scratch" if encoder.weights == "none" else "pretrained"]
    words.append(f"{encoder.channels} channel{'s' if encoder.channels > 1 else ''}")
    waveform = augment.scale_factor > 1 or augment.crop == "random"
    masks = augment.frequency_masks * augment.frequency_width or augment.time_masks * augment.time_width
    words += ["waveform augmentation"] if waveform else []
    words += ["masks"] if masks else []
    return ", ".join(words if waveform or masks else [*words, "no augmentation"])
