"""The accuracy of each class, confusion matrices, and calibration."""

import math
import statistics

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator
from pandas import DataFrame, Series

from soundclr.report import figure as draw
from soundclr.report import style
from soundclr.report.collect import Collection
from soundclr.report.frames import PLACE, RUN, split
from soundclr.report.intervals import both_epochs, summary
from soundclr.report.style import COLUMN, PAGE, Drawing
from soundclr.report.table import Column, Table, both, dataset_column, formatted, sentences

FEW = 12
"""With more classes only the best scheme has a confusion matrix, and its cells show no counts."""

LONG = 25
"""More classes are in two columns."""

BINS = 10
"""Bins of equal width, from probability 0 to 1."""

FEWEST = 10
"""Bins with fewer clips are not drawn."""

LARGEST = 45.0
"""The area of the point of a bin with all clips, in square points."""


def class_accuracy(collection: Collection, dataset: str | None = None) -> DataFrame:
    """The study's own runs by ``dataset``, ``recipe`` and ``class``, over all folds and seeds that are there.

    ``clips``: held-out clips, counted for each run. ``best_epoch_percent``, ``last_epoch_percent``: their
    accuracy; NaN for a class that was never held out.
    """
    own = collection.clips.merge(collection.done(dataset)[RUN])
    found = own.groupby([*PLACE, "class", "epoch"])["right"].agg(["size", "mean"]).unstack()
    rows = []
    for place in own[PLACE].drop_duplicates().itertuples(index=False):
        for name in collection.finished(*place)[0].metrics.classes:
            row = {"dataset": place[0], "recipe": place[1], "class": name, "clips": 0}
            if (key := (*place, name)) in found.index:
                shares = found.loc[key]
                row["clips"] = int(shares["size", "best"])
                row |= {f"{epoch}_epoch_percent": 100 * float(shares["mean", epoch]) for epoch in ("best", "last")}
            rows.append(row)
    return DataFrame(rows, columns=[*PLACE, "class", "clips", *both_epochs("percent")])


def f1_scores(clips: DataFrame) -> Series:
    """F1 in percent of each class of these held-out clips, which is 2 * right / (clips of it + clips taken for it)."""
    right = clips[clips["right"]]["class"].value_counts()
    both = clips["class"].value_counts().add(clips["predicted"].value_counts(), fill_value=0)
    return (200 * right.reindex(both.index, fill_value=0) / both).loc[sorted(clips["class"].unique())]


def macro_f1(clips: DataFrame) -> float:
    """The mean over seeds of the classes' mean F1, in percent, of clips of all folds; nan of no clips."""
    seeds = [float(f1_scores(group).mean()) for group in split(clips, "seed").values()]
    return statistics.fmean(seeds) if seeds else math.nan


def per_class(collection: Collection) -> Table:
    """A row for each class, a column for each scheme: accuracy at the best epoch (last epoch)."""
    frame = class_accuracy(collection)
    page = [dataset_column(collection), Column("class", lambda row: row["class"].replace("_", " "), align="l")]
    page += [Column(collection.label(one), both, where={"recipe": one}) for one in collection.recipes]
    caption = sentences(
        "Held-out clips that are right, in %, at the best epoch and, in parentheses, at the last; all folds and seeds "
        "that have run",
        collection.covered(),
    )
    return Table(frame, frame.columns.tolist(), page, caption, line=["dataset", "class"])


def per_class_figure(collection: Collection, dataset: str) -> Drawing | None:
    """A row for each class, sorted by the schemes' mean accuracy: a point for each scheme, and a line through them."""
    shares = class_accuracy(collection, dataset).pivot(index="class", columns="recipe", values="best_epoch_percent")
    shares = shares.dropna(how="all")  # a class without held-out clips has no share
    if not len(shares):
        return None
    schemes = [recipe for recipe in collection.recipes if recipe in shares]
    means = {name: statistics.fmean(row.dropna()) for name, row in shares[schemes].iterrows()}
    shares = shares.loc[sorted(means, key=lambda name: (-means[name], name)), schemes].astype(float)
    columns = 1 if len(shares) <= LONG else 2
    lines = -(-len(shares) // columns)
    figure = style.new_figure(COLUMN if columns == 1 else PAGE, 0.75 + (0.2 if columns == 1 else 0.17) * lines)
    looks = {recipe: style.look(collection, recipe) for recipe in schemes}
    for place, axes in enumerate(figure.subplots(1, columns, sharex=True, squeeze=False)[0]):
        shown = shares[place * lines : (place + 1) * lines]
        axes.hlines(range(len(shown)), shown.min(axis=1), shown.max(axis=1), "#999999", lw=0.6)
        for i, look in enumerate(looks.values()):
            shift = (i - (len(looks) - 1) / 2) * 0.75 / len(looks)  # equal accuracies stay apart
            axes.plot(shown.iloc[:, i], np.arange(len(shown)) + shift, **look.point, markersize=3, clip_on=False)
        axes.set_yticks(range(len(shown)), [style.class_title(name) for name in shown.index])
        axes.tick_params(axis="y", length=0)
        axes.grid(True, axis="x")
        axes.set_xlabel("clips of the class that are right at the best epoch (%)")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
        axes.set_ylim(lines - 0.5, -0.6)
        axes.set_xlim(5 * math.floor(float(shares.to_numpy().min()) / 5 - 0.1), 100)
    labels = {recipe: collection.label(recipe, dataset=dataset) for recipe in schemes}
    style.add_legend(figure, [style.handle(labels[one], **look.point, markersize=3.5) for one, look in looks.items()])
    text = "Held-out accuracy of each class at the best epoch, over all folds and seeds that have run"
    return Drawing(figure, f"{text}; classes in the order of the schemes' mean.")


def confusion(collection: Collection, dataset: str) -> Drawing | None:
    """Matrices with a row for each class and a column for each predicted class; shades are percents of a row."""
    if not collection.finished(dataset):
        return None
    classes = collection.finished(dataset)[0].metrics.classes
    names = [style.class_title(name) for name in classes]
    few = len(classes) <= FEW
    recipes = matrices(collection, dataset, few)
    columns = min(len(recipes), 3)
    lines = math.ceil(len(recipes) / columns)
    below = 0.045 * max(map(len, names))  # inches that a class's name takes below the panel
    size = (PAGE, lines * (2.2 + below)) if columns > 1 else (COLUMN, 2.5 + below)
    figure = style.new_figure(*(size if few else (PAGE, 6.1 + below)))
    figure.set_layout_engine("compressed")  # keeps square panels close together
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
    for axes in panels.flat[len(recipes) :]:
        axes.axis("off")
    norm = PowerNorm(0.5, vmin=0, vmax=100)  # the square root, so that few clips show
    for place, (axes, recipe) in enumerate(zip(panels.flat, recipes, strict=False)):
        clips = collection.clips.merge(collection.done(dataset, recipe)[RUN]).query("epoch == 'best'")
        counts = np.zeros((len(classes), len(classes)), dtype=int)
        np.add.at(counts, (clips["label"].to_numpy(int), clips["prediction"].to_numpy(int)), 1)
        shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        texts = np.where((counts > 0) & few, counts.astype(str), "")
        digits = 6 if counts.max() < 1000 else 5  # points: four of them have to fit into a cell
        image = draw.matrix(axes, shares, texts, names, norm, 35, digits)
        axes.set(title=collection.scheme(recipe), xlabel="predicted class")
        if place % columns == 0:
            axes.set_ylabel("class")
    bar = figure.colorbar(image, ax=panels, shrink=0.6, aspect=30, pad=0.015)
    bar.set_label("share of the class's clips at the best epoch (%)")
    bar.set_ticks([0, 5, 20, 40, 60, 80, 100])
    bar.outline.set_linewidth(0.4)
    text = "Held-out clips by class and predicted class at the best epoch, all folds and seeds that have run"
    return Drawing(figure, f"{text}; {'numbers are clips' if few else 'the scheme with the highest mean accuracy'}.")


def matrices(collection: Collection, dataset: str, few: bool) -> list[str]:
    """The recipes with a matrix: all with runs for ``few`` classes, else the best one."""
    groups = summary(collection.asked_of(dataset)).query("runs > 0")
    if few:
        return groups["recipe"].tolist()
    # Accuracies of complete seeds can be compared, means over some folds cannot.
    complete = groups[~groups["partial"].astype(bool)]
    groups = complete if len(complete) else groups
    return [groups["recipe"].iloc[int(groups["best_epoch_percent"].argmax())]]


def calibration(collection: Collection, dataset: str) -> Drawing | None:
    """A line for each scheme; on the diagonal probabilities are accuracies."""
    last = collection.clips[collection.clips["epoch"] == "last"].merge(collection.done(dataset)[RUN])
    if not len(last):
        return None
    figure = style.new_figure(COLUMN, 2.8 + 0.12 * last["recipe"].nunique())
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], color="#888888", linewidth=0.6, linestyle=(0, (4, 2)))
    handles = []
    for recipe, clips in split(last, "recipe").items():
        look, most = style.look(collection, recipe), clips.filter(regex=r"^p\d").max(axis=1)
        places = np.minimum((most * BINS).astype(int), BINS - 1)
        found = DataFrame({"probability": most, "right": clips["right"], "clips": 1}).groupby(places)
        bins = found.agg({"probability": "mean", "right": "mean", "clips": "sum"})
        drawn = bins[bins["clips"] >= FEWEST]
        points = 100 * drawn["probability"], 100 * drawn["right"]
        axes.plot(*points, **look.plain, linewidth=0.8)
        areas = np.maximum(2.0, LARGEST * drawn["clips"] / len(clips))
        axes.scatter(*points, s=areas, color=look.colour, marker=look.marker, linewidths=0, zorder=3)
        # The expected calibration error (Guo et al. 2017, equation 3).
        error = (bins["clips"] * (bins["right"] - bins["probability"]).abs()).sum() / len(clips)
        label = f"{collection.label(recipe, dataset=dataset)}: {formatted(100 * error)} points"
        handles.append(style.handle(label, **look.line, markersize=3))
    axes.set(xlabel="probability of the most probable class (%)", ylabel="right after the last epoch (%)")
    axes.set(xlim=(0, 102), ylim=(0, 102), aspect="equal")
    axes.grid(True)
    style.add_legend(figure, handles)
    return Drawing(
        figure,
        f"Calibration at the last epoch: held-out clips of all runs in {BINS} bins by the probability of their "
        f"most probable class; a point's area is the bin's share of the clips, and bins of less than {FEWEST} are left "
        "out. On the diagonal probabilities equal accuracies. The legend has the expected calibration error, the mean "
        "distance from the diagonal over all bins, weighted by their clips.",
    )
