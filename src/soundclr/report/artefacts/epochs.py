"""Which epoch is shown: what choosing it adds, and the training curves."""

import math
from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes
from pandas import DataFrame

from soundclr.params import RunSettings
from soundclr.report import figure as draw
from soundclr.report import style
from soundclr.report.collect import Collection
from soundclr.report.dvc_plots import mean_history
from soundclr.report.figure import RowOfMeans
from soundclr.report.frames import RUN, Values, records, split
from soundclr.report.intervals import INTERVALS, PROTOCOLS, at_places, mean_of, paired
from soundclr.report.style import COLUMN, Drawing
from soundclr.report.table import EPOCHS, Column, Table, frame_of, number, place_columns, sentences, span

INNER = "protocols"
"""The study's artefact with the runs whose epoch an inner fold chooses."""

CHOICES: dict[str, style.Style] = {
    "best epoch": {"marker": "o"},
    "last epoch": {"marker": "s", "mfc": "white"},
    "inner fold's epoch": {"marker": "D"},
}
"""How the epoch is chosen, and the marker of that."""

MARK: style.Style = {"linestyle": "", "markersize": 3.6, "mew": 0.8}

FOLDS = {"held_out": "held-out", "inner": "inner-fold"}
"""What chooses the epoch, by ``training.validation``; the history's validation accuracy is of it."""


def with_validation(settings: RunSettings, validation: str) -> RunSettings:
    """The same settings with every stage's epoch chosen on other clips."""
    stages = [
        stage.model_copy(update={"training": stage.training.model_copy(update={"validation": validation})})
        for stage in settings.stages
    ]
    return settings.model_copy(update={"stages": tuple(stages)})


def inner_recipes(collection: Collection, dataset: str) -> dict[str, str | None]:
    """The recipes on a dataset whose epoch an inner fold chooses, each with its base recipe.

    The base is the study's own recipe with equal settings but for that; None where the study has none.
    """
    own = {recipe: collection.settings(dataset, recipe) for recipe in collection.recipes}
    found: dict[str, str | None] = {}
    for recipe in collection.asked_of(dataset, choice=INNER)["recipe"].unique():
        settings = collection.settings(dataset, recipe)
        if settings == with_validation(settings, "inner"):
            base = with_validation(settings, "held_out")
            found[recipe] = next((name for name, other in own.items() if other == base), None)
    return found


def protocols(collection: Collection) -> Table:
    """A row a scheme: both epochs' accuracies, their difference over runs, and the inner fold's accuracy."""
    rows = []
    for dataset in collection.datasets:
        inner = inner_recipes(collection, dataset)
        inner_of = {base: recipe for recipe, base in inner.items() if base is not None}
        places = [(recipe, inner_of.get(recipe)) for recipe in collection.recipes]
        places += [(recipe, recipe) for recipe, base in inner.items() if base is None]
        rows += [protocol_row(collection, dataset, *place) for place in places]
    with_inner = INNER in collection.expected
    caption = sentences(
        "Held-out accuracy in %, mean over folds, at the epoch that the held-out fold itself chooses (best) and at the "
        "last; their difference in percentage points is what that choice adds",
        collection.covered(),
        "Inner fold: another fold, not learned from, chooses the epoch and the held-out fold is looked at once "
        f"({collection.covered(INNER)}); best − inner is the mean over the folds and seeds that both have, and holds "
        "both the choice and one fold less to learn from"
        if with_inner
        else "",
    )
    page = place_columns(collection)
    page += [Column(EPOCHS[protocol], f"{protocol}_percent") for protocol in PROTOCOLS]
    page += [Column("mean", "best_minus_last_points", "best − last", sign=True)]
    page += [Column("least to greatest", span("least_points", "greatest_points"), "best − last")]
    if with_inner:
        runs = Column("runs", lambda row: f"{row['inner_runs']} of {row['inner_expected_runs']}", "inner fold")
        page += [runs, Column("accuracy", "inner_percent", "inner fold")]
        page += [Column("best − inner", "best_minus_inner_points", "inner fold", sign=True)]
    frame = frame_of(rows)
    return Table(frame, frame.columns.tolist(), page, caption)


def protocol_row(collection: Collection, dataset: str, recipe: str, inner: str | None) -> Values:
    """A scheme on a dataset, and the runs of the recipe ``inner`` beside."""
    done, asked = collection.done(dataset, recipe), collection.asked_of(dataset, inner or "", INNER)
    best, last = (at_places(done, protocol) for protocol in PROTOCOLS)
    chosen = at_places(asked[asked["there"]])
    gained, pairs = best - last, paired(best, chosen)
    return {
        "dataset": dataset,
        "recipe": recipe,
        "runs": len(done),
        "expected_runs": len(collection.asked_of(dataset, recipe)),
        "best_epoch_percent": mean_of(best).mean,
        "last_epoch_percent": mean_of(last).mean,
        "best_minus_last_points": mean_of(best).mean - mean_of(last).mean,
        "least_points": gained.min(),
        "greatest_points": gained.max(),
        "inner_recipe": inner,
        "inner_runs": len(chosen),
        "inner_expected_runs": len(asked),
        "inner_percent": mean_of(chosen).mean,
        "pairs": len(pairs),
        "best_minus_inner_points": mean_of(pairs).mean,
    }


def bias(collection: Collection, dataset: str) -> Drawing | None:
    """Above, a point a run: best minus last epoch. Below, where an inner fold chose as well: the three means."""
    rows, protocols = [], []
    inner = {base: recipe for recipe, base in inner_recipes(collection, dataset).items()}
    for recipe, done in split(collection.done(dataset), "recipe").items():
        look, title = style.look(collection, recipe), collection.scheme(recipe).replace(" ", "\n", 1)
        best, last = (at_places(done, protocol) for protocol in PROTOCOLS)
        mean = mean_of(best - last)
        numbers = number(mean.mean, sign=True)
        rows.append(RowOfMeans(title, [(0.22, mean, style.BEST)], (best - last).tolist(), look.point, numbers))
        chosen = at_places(collection.done(dataset, inner[recipe], INNER)) if inner.get(recipe) else best[:0]
        common = [place for place in best.index if place in chosen.index]
        if common:
            means = [mean_of(values.loc[common]) for values in (best, last, chosen)]
            looks = [MARK | one | {"color": look.colour} for one in CHOICES.values()]
            protocols.append(RowOfMeans(title, list(zip((-0.22, 0.0, 0.22), means, looks, strict=True))))
    if not rows:
        return None
    heights = [0.4 * len(rows) + 0.2, 0.4 * len(protocols) + 0.1]
    figure = style.new_figure(COLUMN, 0.4 + heights[0] + (0.5 + heights[1] if protocols else 0))
    above, *below = figure.subplots(2, 1, height_ratios=heights) if protocols else [figure.subplots()]
    draw.rows_with_intervals(above, rows)
    above.axvline(0, color="black", linewidth=0.6)
    above.set_xlabel("best minus last epoch (percentage points)")
    for axes in below:
        draw.rows_with_intervals(axes, protocols)
        axes.set_xlabel("accuracy (%)")
        style.end_at_100(axes, "x")
        handles = [style.handle(name, color=style.GREY, **marker, **MARK) for name, marker in CHOICES.items()]
        place: Values = {"loc": "lower center", "bbox_to_anchor": (0.4, 1)}
        axes.legend(handles=handles, ncols=3, columnspacing=1, handlelength=1, **place)
    bars = any(not math.isnan(mean.bar) for row in rows for _, mean, _ in row.means)
    text = "What choosing the epoch on the held-out fold adds to the last epoch's accuracy: a point a run"
    text += f", the mean in black and in numbers{f'; bars: {INTERVALS}' if bars else ''}"
    if protocols:
        text += (
            "; below, the folds and seeds where an inner fold chose the epoch as well, for which the held-out fold is "
            f"looked at once, but one fold less is learned from ({collection.covered(INNER, dataset)} with an inner "
            "fold)"
        )
    return Drawing(figure, f"{text}.")


def curves(collection: Collection, dataset: str) -> Drawing | None:
    """Means over runs with a band from the least to the greatest; a scheme's stages one after the other."""
    own = collection.epochs.merge(collection.done(dataset)[RUN])
    if not len(own):
        return None
    tables = {recipe: mean_history(rows) for recipe, rows in split(own, "recipe").items()}
    silent = own["val_accuracy_percent"].isna()
    values = ["train_loss"] if silent.all() else ["val_accuracy_percent", "train_loss"]
    figure = style.new_figure(COLUMN, 2.0 if silent.all() else 3.7)
    panels = figure.subplots(len(values), 1, sharex=True, squeeze=False)[:, 0].tolist()
    marks: dict[float, tuple[str, str]] = {}
    for mark, stage in draw_curves(panels, values, collection, tables):
        marks.setdefault(mark, stage)
    for mark, (name, colour) in marks.items():
        words: style.Style = {"color": colour, "fontsize": 6, "va": "bottom"}
        panels[0].text(mark, 1.0, f" stage: {name}", transform=panels[0].get_xaxis_transform(), **words)
    panels[-1].set_ylabel("training loss")
    panels[-1].set_ylim(bottom=0)
    panels[-1].set_xlabel("epoch")
    draw.whole_numbers(panels[-1])
    text = "Training loss, each scheme's own"
    if not silent.all():
        text = label_accuracy(collection, dataset, panels[0])
        figure.align_ylabels()
    looks = [style.look(collection, recipe) for recipe in tables]
    style.add_legend(figure, [style.handle(look.title, **look.plain) for look in looks])
    if any(int(table["runs"].max()) > 1 for table in tables.values()):
        text += ": mean over the runs that got so far, band from the least to the greatest"
    text += "; a dotted line begins a scheme's next stage" if marks else ""
    if silent.any() and not silent.all():
        text += f"{', and' if marks else ';'} a stage without a classifier has no accuracy"
    return Drawing(figure, f"{text}.")


def draw_curves(
    panels: Sequence[Axes], values: Sequence[str], collection: Collection, tables: Mapping[str, DataFrame]
) -> Iterator[tuple[float, tuple[str, str]]]:
    """Each scheme's curves, a line a stage; where each later stage begins, its name and colour."""
    for recipe, table in tables.items():
        line = style.look(collection, recipe).plain
        for place, (name, stage) in enumerate(split(table, "stage").items()):
            for axes, value in zip(panels, values, strict=True):
                mean, low, high = (stage[f"{value}_{what}"] for what in ("mean", "min", "max"))
                draw.curve(axes, stage["elapsed"], mean, low, high, line | {"marker": "." if len(stage) == 1 else ""})
                if place:
                    axes.axvline(stage["elapsed"].min() - 0.5, color=line["color"], linewidth=0.8, linestyle=":")
            if place:
                yield stage["elapsed"].min() - 0.5, (str(name), line["color"])


def label_accuracy(collection: Collection, dataset: str, axes: Axes) -> str:
    """Say on ``axes`` of which clips the accuracy is; the caption's beginning."""
    validations: dict[str, dict[str, None]] = {}
    for row in records(collection.done(dataset)):
        validations.setdefault(row["validation"], {})[collection.scheme(row["recipe"])] = None
    fold = FOLDS[next(iter(validations))] if len(validations) == 1 else ""
    axes.set_ylabel(f"{fold or 'validation'} accuracy (%)")
    text = f"{fold.capitalize() or 'Validation'} accuracy and training loss, each scheme's own"
    return (
        text
        if fold
        else f"{text} (validation: the held-out fold, but an inner fold for {', '.join(validations['inner'])})"
    )
