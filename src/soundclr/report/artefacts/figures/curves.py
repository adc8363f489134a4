"""Training curves: held-out accuracy and training loss against the epoch, one colour a scheme."""

from collections.abc import Iterator
from typing import Any

from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.dvc_plots import mean_history
from soundclr.report.run_results import DataFrame
from soundclr.report.style import COLUMN, Axes, Drawing, add_legend, handle, look, new_figure
from soundclr.training.solvers import takes_steps

FOLDS = {"held_out": "held-out", "inner": "inner-fold"}
"""What chooses the epoch, by ``training.validation``; the history's validation accuracy is of it."""


def draw(collection: Collection, dataset: str) -> Drawing | None:
    """Means over runs with a band from the least to the greatest; a scheme's stages one after the other."""
    from matplotlib.ticker import MaxNLocator

    if not collection.of(dataset):
        return None
    recipes = dict.fromkeys(result.run.recipe for result in collection.of(dataset))
    tables = {recipe: mean_history(collection.of(dataset, recipe)) for recipe in recipes}
    silent = [bool(missing) for table in tables.values() for missing in table["val_accuracy_mean"].isna()]
    values = ("train_loss",) if all(silent) else ("val_accuracy", "train_loss")
    figure = new_figure(COLUMN, 2.0 if all(silent) else 3.7)
    panels = figure.subplots(len(values), 1, sharex=True, squeeze=False)[:, 0]
    above, below = panels[0], panels[-1]
    handles = []
    marks: set[float] = set()
    for recipe, table in tables.items():
        style = look(collection, recipe)
        line = {"color": style.colour, "linestyle": style.dashes}
        for axes, value in zip(panels, values, strict=True):
            draw_stages(axes, table, value, line)
        for mark, stage in later_stages(table):
            for axes in panels:
                axes.axvline(mark, color=style.colour, linewidth=0.8, linestyle=":")
            if mark not in marks:
                words: dict[str, Any] = {"color": style.colour, "fontsize": 6, "va": "bottom"}
                above.text(mark, 1.0, f" stage: {stage}", transform=above.get_xaxis_transform(), **words)
            marks.add(mark)
        handles.append(handle(style.title, **line))
    below.set_ylabel("training loss")
    below.set_ylim(bottom=0)
    below.set_xlabel("epoch")
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    text = "Training loss, each scheme's own"
    if not all(silent):
        text = label_accuracy(collection, dataset, above)
        figure.align_ylabels()
    add_legend(figure, handles)
    if any(int(table["runs"].max()) > 1 for table in tables.values()):
        text += ": mean over the runs that got so far, band from the least to the greatest"
    text += "; a dotted line begins a scheme's next stage" if marks else ""
    if any(silent) and not all(silent):
        text += f"{', and' if marks else ';'} a stage without a classifier has no accuracy"
    return Drawing(figure, f"{text}.")


def label_accuracy(collection: Collection, dataset: str, axes: Axes) -> str:
    """Say on ``axes`` of which clips the accuracy is; the caption's beginning."""
    validations = validations_of(collection, dataset)
    fold = FOLDS[next(iter(validations))] if len(validations) == 1 else ""
    axes.set_ylabel(f"{fold or 'validation'} accuracy (%)")
    text = f"{fold.capitalize() or 'Validation'} accuracy and training loss, each scheme's own"
    if not fold:
        text += f" (validation: the held-out fold, but an inner fold for {', '.join(validations['inner'])})"
    return text


def validations_of(collection: Collection, dataset: str) -> dict[str, list[str]]:
    """What chooses the epoch, and the titles of the schemes for which it does."""
    found: dict[str, dict[str, None]] = {}
    for result in collection.of(dataset):
        validation = result.settings.stages[-1].training.validation
        found.setdefault(validation, {})[collection.scheme(result.run.recipe)] = None
    return {validation: list(titles) for validation, titles in found.items()}


def draw_stages(axes: Axes, table: DataFrame, value: str, line: dict[str, Any]) -> None:
    """A value's mean and band, a line a stage; a single epoch is a point."""
    for _, stage in table.groupby("stage", sort=False):
        axes.plot(stage["elapsed"], stage[f"{value}_mean"], marker="." if len(stage) == 1 else "", **line)
        low, high = (stage[f"{value}_{end}"] for end in ("min", "max"))
        axes.fill_between(stage["elapsed"], low, high, color=line["color"], alpha=0.15, linewidth=0)


def later_stages(table: DataFrame) -> Iterator[tuple[float, str]]:
    """Where each stage after the first begins, and its name."""
    for place, (name, stage) in enumerate(table.groupby("stage", sort=False)):
        if place:
            yield stage["elapsed"].min() - 0.5, str(name)


ARTEFACT = Artefact("curves", "Training curves", "figure", draw, of=takes_steps)
