"""Training curves: held-out accuracy and training loss against the epoch, one colour a scheme."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from soundclr.report.collect import Collection
from soundclr.report.exports import mean_history
from soundclr.report.figures.style import COLUMN, DASHES, add_legend, colour
from soundclr.report.tables import Row


def draw(collection: Collection, dataset: str, rows: Sequence[Row]) -> tuple[Figure, str] | None:
    """Means over runs with a band from the least to the greatest; a scheme's stages one after the other."""
    if not collection.of(dataset):
        return None
    figure = Figure(figsize=(COLUMN, 3.7))
    above, below = figure.subplots(2, 1, sharex=True)
    order = collection.params.studies[collection.study].recipes
    handles = []
    several = False
    validations: dict[str, list[str]] = {}
    marks: set[float] = set()
    for recipe in dict.fromkeys(r.run.recipe for r in collection.of(dataset)):
        place = order.index(recipe)
        found = collection.of(dataset, recipe)
        title = collection.params.recipes[recipe].title
        validations.setdefault(found[0].settings.stages[-1].training.validation, []).append(title)
        table = mean_history(found)
        several = several or int(table["runs"].max()) > 1
        style: dict[str, Any] = {"color": colour(place), "linestyle": DASHES[place % len(DASHES)]}
        for number, (name, stage) in enumerate(table.groupby("stage", sort=False)):
            if number:
                mark = stage["elapsed"].min() - 0.5
                for axes in (above, below):
                    axes.axvline(mark, color=colour(place), linewidth=0.8, linestyle=":")
                if mark not in marks:
                    words: dict[str, Any] = {"color": colour(place), "fontsize": 6, "va": "bottom"}
                    above.text(mark, 1.0, f" stage: {name}", transform=above.get_xaxis_transform(), **words)
                marks.add(mark)
            for axes, value in ((above, "test_accuracy"), (below, "train_loss")):
                marker = "." if len(stage) == 1 else ""
                axes.plot(stage["elapsed"], stage[f"{value}_mean"], marker=marker, **style)
                band = [stage[f"{value}_{end}"] for end in ("min", "max")]
                axes.fill_between(stage["elapsed"], *band, color=colour(place), alpha=0.15, linewidth=0)
        handles.append(Line2D([], [], label=title, **style))
    # What the history calls test is the fold that chooses the epoch.
    fold = {"held_out": "held-out", "inner": "inner-fold"}[next(iter(validations))] if len(validations) == 1 else ""
    above.set_ylabel(f"{fold or 'validation'} accuracy (%)")
    below.set_ylabel("training loss")
    below.set_ylim(bottom=0)
    below.set_xlabel("epoch")
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.align_ylabels()
    add_legend(figure, handles)
    text = f"{fold.capitalize() or 'Validation'} accuracy and training loss, each scheme's own"
    if not fold:
        text += f" (validation: the held-out fold, but an inner fold for {', '.join(validations['inner'])})"
    if several:
        text += ": mean over the runs that got so far, band from the least to the greatest"
    if marks:
        text += "; a dotted line begins a scheme's next stage, and a stage without a classifier has no accuracy"
    return figure, f"{text}."
