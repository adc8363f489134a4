"""Where the held-out clips lie among each other: a two-dimensional projection of their representations."""

import math
from collections import Counter
from typing import Any

from soundclr.report import style
from soundclr.report.accuracy import number
from soundclr.report.artefact import EVALUATED, Artefact, any_run
from soundclr.report.artefacts.tables.robustness import by_recipe
from soundclr.report.collect import Collection
from soundclr.report.evaluations import Evaluation

FEW = 10
"""Up to so many classes have a colour and marker; of more, the worst recognised, the others being grey."""

# The lines' colours and three of Tol's muted ones: ten that the colour-blind tell apart, with a marker each.
CLASS_COLOURS = (*style.COLOURS, "#882255", "#999933", "#777777")
CLASS_MARKERS = (*style.MARKERS, "<", "h")
OTHER: dict[str, Any] = {"color": "#BBBBBB", "marker": ".", "mew": 0}


def draw(collection: Collection, dataset: str) -> style.Drawing | None:
    """A panel a scheme, all of the same fold and seed: the first that every evaluated scheme has."""
    chosen = one_of_each(by_recipe(collection, dataset))
    if not chosen:
        return None
    marked = marked_classes(collection, chosen)
    first = next(iter(chosen.values()))
    others = len(set(first.projection["class"])) > len(marked)
    columns = min(len(chosen), 3)
    lines = math.ceil(len(chosen) / columns)
    width = style.PAGE if columns > 1 else style.COLUMN
    figure = style.new_figure(width, lines * (width / columns + 0.3) + 0.35)
    figure.set_layout_engine("compressed")
    panels = figure.subplots(lines, columns, squeeze=False)
    for axes in panels.flat:
        axes.axis("off")
    for axes, (recipe, evaluation) in zip(panels.flat, chosen.items(), strict=False):
        draw_panel(axes, evaluation, marked)
        distances = evaluation.distances
        numbers = f"intra/inter {number(distances.ratio)}, silhouette {number(distances.silhouette)}"
        axes.set_title(f"{collection.scheme(recipe)}\n{numbers}")
    handles = [
        style.handle(style.class_title(name), linestyle="", markersize=4, **point) for name, point in marked.items()
    ]
    handles += [style.handle("other classes", linestyle="", markersize=3, **OTHER)] if others else []
    style.add_legend(figure, handles)
    learnt = any(collection.found[one.run].metrics.accuracy.last_epoch is not None for one in chosen.values())
    which = " that these models recognise worst" if learnt else ""
    worst = f"; {'the ' if learnt else ''}{len(marked)} classes{which} in colour" if others else ""
    return style.Drawing(
        figure,
        f"Representations of the held-out clips of fold {first.run.fold}, seed {first.run.seed}, by the last epoch's "
        f"models, projected to two dimensions by t-SNE{worst}. Intra/inter: mean cosine distance of pairs of one class "
        "over that of pairs of different ones, and mean silhouette, both of the representations themselves. What lies "
        "near each other in a projection was near; its distances, sizes and gaps say little.",
    )


def one_of_each(evaluations: dict[str, list[Evaluation]]) -> dict[str, Evaluation]:
    """Each scheme's evaluation of the lowest fold and seed that all have; else of those that most have."""
    counts = Counter((one.run.fold, one.run.seed) for found in evaluations.values() for one in found)
    if not counts:
        return {}
    place = min(counts, key=lambda place: (-counts[place], place))
    return {
        recipe: evaluation
        for recipe, found in evaluations.items()
        for evaluation in found
        if (evaluation.run.fold, evaluation.run.seed) == place
    }


def marked_classes(collection: Collection, chosen: dict[str, Evaluation]) -> dict[str, dict[str, Any]]:
    """Classes with a colour and marker of their own: all, or those recognised worst at the last epoch."""
    names = list(next(iter(chosen.values())).projection.sort_values("label")["class"].unique())
    if len(names) > FEW:
        results = [collection.found[evaluation.run] for evaluation in chosen.values()]
        right = Counter(actual for one in results for actual, guess in one.decisions("last") if actual == guess)
        names = sorted(names, key=lambda name: (right[name], name))[:FEW]
    return {name: {"color": CLASS_COLOURS[i], "marker": CLASS_MARKERS[i], "mew": 0} for i, name in enumerate(names)}


def draw_panel(axes: style.Axes, evaluation: Evaluation, marked: dict[str, dict[str, Any]]) -> None:
    """One scheme's clips; a frame, since the axes of a projection have no unit."""
    axes.axis("on")
    for name, clips in evaluation.projection.groupby("class", sort=False):
        known = str(name) in marked
        point = marked[str(name)] if known else OTHER
        axes.plot(clips["x"], clips["y"], linestyle="", markersize=3.2 if known else 3, zorder=2 + known, **point)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.set_box_aspect(1)
    axes.set_aspect("equal", adjustable="datalim")


ARTEFACT = Artefact("representations", "Representations", "figure", draw, runs=EVALUATED, of=any_run)
