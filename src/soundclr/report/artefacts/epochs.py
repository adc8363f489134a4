"""Epochs: training curves, and how much choosing an epoch on the held-out fold adds."""

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes
from pandas import DataFrame

from soundclr.params import RunSettings
from soundclr.report import figure as draw
from soundclr.report import style
from soundclr.report.collect import Collection
from soundclr.report.dvc_plots import mean_history
from soundclr.report.frames import RUN, Values, split
from soundclr.report.intervals import PROTOCOLS, at_places, mean_of, paired
from soundclr.report.style import COLUMN, Drawing
from soundclr.report.table import EPOCHS, Column, Table, frame_of, place_columns, sentences, span

INNER = "protocols"
"""The key of the study's artefact whose runs have their epoch chosen by an inner fold."""

FOLDS = {"held_out": "held-out", "inner": "inner-fold"}
"""The clips that choose the epoch, by ``training.validation``; the history's validation accuracy is on them."""


def with_validation(settings: RunSettings, validation: str) -> RunSettings:
    """The same settings with another ``training.validation`` in every stage."""
    stages = [
        stage.model_copy(update={"training": stage.training.model_copy(update={"validation": validation})})
        for stage in settings.stages
    ]
    return settings.model_copy(update={"stages": tuple(stages)})


def inner_recipes(collection: Collection, dataset: str) -> dict[str, str | None]:
    """The recipes whose epoch an inner fold chooses, each with its base recipe.

    The base is the study's own recipe with otherwise equal settings; None where the study has none.
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
    """A row for each scheme: accuracy at both epochs, their difference, and accuracy with an inner fold."""
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
        "last; best − last is what that choice adds, in percentage points",
        collection.covered(),
        "Inner fold: another fold, kept out of training, chooses the epoch, and the held-out fold is used once "
        f"({collection.covered(INNER)}); best − inner is the mean over the folds and seeds that both have, and "
        "includes the effect of training on one fold less"
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
    """A scheme on a dataset, and the runs of its recipe with an inner fold."""
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


def curves(collection: Collection, dataset: str) -> Drawing | None:
    """Accuracy and training loss by epoch: means over runs with a band from the lowest to the highest."""
    own = collection.epochs.merge(collection.done(dataset)[RUN])
    if not len(own):
        return None
    tables = {recipe: mean_history(rows) for recipe, rows in split(own, "recipe").items()}
    unclassified = own["val_accuracy_percent"].isna()
    values = ["train_loss"] if unclassified.all() else ["val_accuracy_percent", "train_loss"]
    figure = style.new_figure(COLUMN, 2.0 if unclassified.all() else 3.7)
    panels = figure.subplots(len(values), 1, sharex=True, squeeze=False)[:, 0].tolist()
    marks: dict[float, tuple[str, str]] = {}
    for mark, stage in draw_curves(panels, values, collection, tables):
        marks.setdefault(mark, stage)
    for mark, (name, colour) in marks.items():
        words: style.Style = {"color": colour, "fontsize": 6, "va": "bottom"}
        panels[0].text(mark, 1.0, f" stage: {name}", transform=panels[0].get_xaxis_transform(), **words)
    panels[-1].set(xlabel="epoch", ylabel="training loss")
    panels[-1].set_ylim(bottom=0)
    draw.whole_numbers(panels[-1])
    text = "Training loss, each scheme's own"
    if not unclassified.all():
        text = label_accuracy(collection, dataset, panels[0])
        figure.align_ylabels()
    looks = {collection.label(recipe, dataset=dataset): style.look(collection, recipe) for recipe in tables}
    style.add_legend(figure, [style.handle(label, **look.plain) for label, look in looks.items()])
    if any(int(table["runs"].max()) > 1 for table in tables.values()):
        text += ": mean over the runs that got so far, band from the lowest to the highest"
    text += "; a dotted line is the beginning of a scheme's next stage" if marks else ""
    if unclassified.any() and not unclassified.all():
        text += f"{', and' if marks else ';'} a stage without a classifier has no accuracy"
    return Drawing(figure, f"{text}.")


def draw_curves(
    panels: Sequence[Axes], values: Sequence[str], collection: Collection, tables: Mapping[str, DataFrame]
) -> Iterator[tuple[float, tuple[str, str]]]:
    """Draw each scheme's curves; yield where each later stage begins, with its name and colour."""
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
    """Label ``axes`` with the clips that the accuracy is on; return the beginning of the caption."""
    recipes = {name: rows["recipe"].unique() for name, rows in split(collection.done(dataset), "validation").items()}
    fold = FOLDS[next(iter(recipes))] if len(recipes) == 1 else ""
    axes.set_ylabel(f"{fold or 'validation'} accuracy (%)")
    text = f"{fold.capitalize() or 'Validation'} accuracy and training loss, each scheme's own"
    if fold:
        return text
    inner = ", ".join(dict.fromkeys(map(collection.scheme, recipes["inner"])))
    return f"{text} (validation: the held-out fold, but an inner fold for {inner})"
