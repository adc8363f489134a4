"""What choosing the epoch on the held-out fold adds for each scheme."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from soundclr.losses import classifies
from soundclr.params import RunSettings
from soundclr.report import style
from soundclr.report.accuracy import at_places, gains, mean_of, number
from soundclr.report.artefact import Artefact
from soundclr.report.artefacts.tables.protocols import INNER, inner_recipes
from soundclr.report.collect import Collection
from soundclr.report.intervals import INTERVALS, Mean
from soundclr.report.run_results import RunResult
from soundclr.training.solvers import takes_steps

PROTOCOLS: dict[str, dict[str, Any]] = {
    "best epoch": {"marker": "o"},
    "last epoch": {"marker": "s", "mfc": "white"},
    "inner fold's epoch": {"marker": "D"},
}
"""How the epoch is chosen, and the marker of that."""

STYLE: dict[str, Any] = {"linestyle": "", "markersize": 3.6, "mew": 0.8}


def draw(collection: Collection, dataset: str) -> style.Drawing | None:
    """Above, a point a run: best minus last epoch. Below, where an inner fold chose as well: the three means."""
    found = {recipe: results for recipe in collection.recipes if (results := collection.of(dataset, recipe))}
    if not found:
        return None
    inner = {base: recipe for recipe, base in inner_recipes(collection, dataset).items()}
    protocols = {
        recipe: means
        for recipe in found
        if recipe in inner and (means := protocol_means(collection, dataset, recipe, inner[recipe]))
    }
    heights = [0.4 * len(found) + 0.2, 0.4 * len(protocols) + 0.1]
    figure = style.new_figure(style.COLUMN, 0.4 + heights[0] + (0.5 + heights[1] if protocols else 0))
    above, *below = figure.subplots(2, 1, height_ratios=heights) if protocols else [figure.subplots()]
    bars = draw_gains(above, collection, found)
    for axes in below:
        draw_protocols(axes, collection, protocols)
    text = "What choosing the epoch on the held-out fold adds to the last epoch's accuracy: a point a run"
    text += f", the mean in black and in numbers{f'; bars: {INTERVALS}' if bars else ''}"
    if protocols:
        text += (
            "; below, the folds and seeds where an inner fold chose the epoch as well, for which the held-out fold is "
            f"looked at once, but one fold less is learned from ({collection.covered(INNER, dataset)} with an inner "
            "fold)"
        )
    return style.Drawing(figure, f"{text}.")


def draw_gains(axes: style.Axes, collection: Collection, found: Mapping[str, Sequence[RunResult]]) -> bool:
    """Best minus last epoch of each scheme's runs, and the mean; whether it has an interval to show."""
    gained = {recipe: gains(results) for recipe, results in found.items()}
    means = {recipe: mean_of(values) for recipe, values in gained.items()}
    for place, (recipe, mean) in enumerate(means.items()):
        style.draw_strip(axes, place, list(gained[recipe].values()), style.look(collection, recipe))
        style.draw_interval(axes, place + 0.22, mean, style.MEAN)
    numbers = [number(mean.mean, sign=True) for mean in means.values()]
    style.label_rows(axes, [title(collection, recipe) for recipe in found], numbers)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_xlabel("best minus last epoch (percentage points)")
    return not all(math.isnan(mean.bar) for mean in means.values())


def draw_protocols(axes: style.Axes, collection: Collection, protocols: dict[str, list[Mean]]) -> None:
    """The mean accuracy of each scheme by how its epoch was chosen."""
    for place, (recipe, means) in enumerate(protocols.items()):
        colour = style.look(collection, recipe).colour
        for shift, mean, marker in zip((-0.22, 0.0, 0.22), means, PROTOCOLS.values(), strict=True):
            axes.errorbar(mean.mean, place + shift, xerr=mean.bar, color=colour, **marker, **STYLE, **style.BARS)
    style.label_rows(axes, [title(collection, recipe) for recipe in protocols])
    axes.set_xlabel("accuracy (%)")
    style.end_at_100(axes, "x")
    handles = [style.handle(name, color="#444444", **marker, **STYLE) for name, marker in PROTOCOLS.items()]
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, columnspacing=1, handlelength=1)


def protocol_means(collection: Collection, dataset: str, recipe: str, inner: str) -> list[Mean]:
    """Mean accuracies at the best, the last and the inner fold's epoch, of folds and seeds that have all; else none."""
    own, chosen = collection.of(dataset, recipe), collection.of(dataset, inner, INNER)
    accuracies = [at_places(own), at_places(own, "last_epoch"), at_places(chosen)]
    common = [place for place in accuracies[0] if place in accuracies[2]]
    return [mean_of({place: found[place] for place in common}) for found in accuracies] if common else []


def title(collection: Collection, recipe: str) -> str:
    """A scheme's name on two lines, where it has two words."""
    return collection.scheme(recipe).replace(" ", "\n", 1)


def chooses_an_epoch(settings: RunSettings) -> bool:
    """Whether an accuracy can choose among a run's epochs."""
    return classifies(settings) and takes_steps(settings)


ARTEFACT = Artefact("selection_bias", "Selection bias", "figure", draw, also=INNER, of=chooses_an_epoch)
