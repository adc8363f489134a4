"""CLAR's comparisons: schemes by encoder, shares of labels, convergence, and augmentations."""

import numpy as np
from matplotlib.colors import Normalize
from pandas import Series

from soundclr.report import figure as draw
from soundclr.report import style
from soundclr.report.collect import Collection
from soundclr.report.figure import RowOfMeans
from soundclr.report.frames import RUN, Values, records, split
from soundclr.report.intervals import at_places, both_epochs, interval, interval_note, mean_of, summary
from soundclr.report.papers.clar.reading import methods, of_all_labels
from soundclr.report.style import COLUMN, PAGE, Drawing
from soundclr.report.table import (
    Column,
    Row,
    Table,
    accuracy,
    dataset_column,
    formatted,
    frame_of,
    partial_note,
    seeds_note,
    sentences,
)


def clar_schemes(collection: Collection) -> Table:
    """A line for each dataset, scheme and share of labels: accuracy of each encoder and head after the last epoch."""
    rows: list[Values] = []
    for dataset in collection.datasets_of("clar_schemes"):
        found = methods(collection, dataset, "clar_schemes")
        for row in records(summary(collection.asked_of(dataset, choice="clar_schemes"))):
            ends = interval(collection.done(dataset, row["recipe"], "clar_schemes"), "last_epoch")
            bounds = {"last_epoch_low_percent": ends.low, "last_epoch_high_percent": ends.high, "kind": ends.kind}
            rows.append(row | vars(found[row["recipe"]]) | bounds)

    def accuracy_and_interval(row: Row) -> str:
        low, high = row["last_epoch_low_percent"], row["last_epoch_high_percent"]
        return accuracy("last_epoch")(row) + ("" if low is None else f" [{low:.1f}, {high:.1f}]")

    page = [dataset_column(collection), Column("scheme", "scheme", align="l")]
    page += [Column("labels", lambda row: f"{100 * row['labels']:g} %")]
    for encoder, head in dict.fromkeys((row["encoder"], row["head"]) for row in rows):
        page.append(Column(head, accuracy_and_interval, encoder, where={"encoder": encoder, "head": head}))
    caption = sentences(
        f"Held-out accuracy in % after the last epoch, {collection.only_fold('clar_schemes') or 'mean over folds'}"
        + seeds_note(rows)
        + "".join(f". In brackets: {kind}" for kind in sorted({row["kind"] for row in rows} - {""}))
        + ". Class head: a scheme's own classifier; linear probe: a linear layer on its frozen encoder; 1-D encoders "
        "have the waveform as input, 2-D ones the spectrogram. CLAR's own tables were not available",
        collection.covered("clar_schemes"),
        partial_note(rows),
    )
    csv = ["dataset", "recipe", "scheme", "labels", "encoder", "head", "runs", "expected_runs", "seeds"]
    csv += [*both_epochs("percent", "std_percent"), "last_epoch_low_percent", "last_epoch_high_percent"]
    return Table(frame_of(rows), csv, page, caption, ["dataset", "scheme", "labels"], {"labels": "g"})


def label_fractions(collection: Collection, dataset: str) -> Drawing | None:
    """A panel for each share of labels, a row for each scheme: accuracy after the last epoch, mean over folds."""
    done = collection.done(dataset, choice="label_fractions")
    if not len(done):
        return None
    schemes = of_all_labels(collection, dataset, "label_fractions")
    groups = split(done.assign(scheme=done["recipe"].map(schemes)), ["scheme", "labels"])
    shares, names = sorted(done["labels"].unique()), list(dict.fromkeys(schemes.values()))
    figure = style.new_figure(PAGE, 0.5 + 0.22 * len(names))
    means = {}
    for axes, share in zip(figure.subplots(1, len(shares), sharex=True, squeeze=False)[0], shares, strict=True):
        rows = []
        for name in names:
            found = groups.get((name, share), done[:0])
            means[name, share] = mean = mean_of(at_places(found, "last_epoch"))
            drawn = [(0.0, mean, style.look(collection, name).point | {"markersize": 4})] if len(found) else []
            rows.append(RowOfMeans(collection.scheme(name), drawn, number=formatted(mean.mean, decimals=1)))
        draw.rows_with_intervals(axes, rows)
        axes.tick_params(labelleft=share == shares[0])
        axes.set(title=f"{100 * share:g} % of the labels", xlabel="last-epoch accuracy (%)")
    style.end_at_100(axes, "x")
    text = "Accuracy after the last epoch by the share of each class's labels used for training: mean over folds (in "
    text += f"numbers at the right); chance is {100 / done['classes'].iloc[0]:.3g} %"
    text += interval_note(means.values())
    text += "; a point without a bar is a single run" if any(mean.values == 1 for mean in means.values()) else ""
    return Drawing(figure, f"{text}.")


def convergence(collection: Collection, dataset: str) -> Drawing | None:
    """A line for each scheme: means over the runs with probes, with a band from the lowest to the highest."""
    done = collection.done(dataset, choice="convergence")
    rows = done[RUN].merge(collection.epochs.dropna(subset="probe_accuracy_percent"))
    if not len(rows):
        return None
    figure = style.new_figure(COLUMN, 2.4)
    axes = figure.subplots()
    handles = []
    for recipe, of_it in split(rows, "recipe").items():
        look = style.look(collection, recipe)
        table = of_it.groupby("epoch")["probe_accuracy_percent"].agg(["mean", "min", "max"])
        points: style.Style = {"marker": look.marker, "markersize": 2.6, "mec": "none"}
        draw.curve(axes, table.index, table["mean"], table["min"], table["max"], look.plain | points)
        last = f"{formatted(table['mean'].iloc[-1], decimals=1)} % after epoch {table.index[-1]}"
        label = collection.label(recipe, "convergence", dataset)
        handles.append(style.handle(f"{label}: {last}", **look.plain))
    axes.set(xlabel="epoch", ylabel="linear probe's accuracy (%)")
    draw.whole_numbers(axes)
    style.add_legend(figure, [*handles, draw.draw_chance(axes, int(done["classes"].iloc[0]))])
    several = (rows.drop_duplicates(RUN)["recipe"].value_counts() > 1).any()
    text = "Held-out accuracy of a linear probe in closed form on the encoder after each of these epochs"
    return Drawing(figure, f"{text}{', mean and range over runs' if several else ''}.")


def grid(collection: Collection, dataset: str) -> Drawing | None:
    """A matrix: rows are the first augmentation of the first stage, columns the second, values are accuracies."""
    cells, every = {}, []
    for recipe in collection.recipes_of("augmentation_grid"):
        names = [choice.name for choice in collection.settings(dataset, recipe).stages[0].augment]
        every.append(names)
        done = collection.done(dataset, recipe, "augmentation_grid")
        if 1 <= len(names) <= 2 and len(done):
            cells[names[0], names[-1]] = mean_of(at_places(done, "last_epoch")).mean
    if not cells:
        return None
    # In the order in which they are applied: a second augmentation comes after the first.
    order = list(dict.fromkeys([*(names[0] for names in every if len(names) == 1), *sum(cells, ())]))
    values = Series(cells).unstack().reindex(index=order, columns=order).to_numpy()
    low, high = np.nanmin(values), np.nanmax(values)
    marked = np.array([[f"{v:.1f}{'*' * int(v == high)}" if v == v else "" for v in row] for row in values])
    figure = style.new_figure(COLUMN, 0.9 + 0.3 * len(order))
    figure.set_layout_engine("compressed")
    axes = figure.subplots()
    labels = [name.replace("_", " ") for name in order]
    image = draw.matrix(axes, values, marked, labels, Normalize(low, high), (low + high) / 2, rotation=40)
    axes.set(xlabel="second augmentation", ylabel="first augmentation")
    figure.colorbar(image, ax=axes, shrink=0.7, label="last-epoch accuracy (%)")
    of_folds = collection.only_fold("augmentation_grid") or "mean over folds"
    text = f"Held-out accuracy after the last epoch, {of_folds}, of a probe of encoders that learnt from two views "
    text += "with these augmentations: a single one on the diagonal, else first the row's, then the column's"
    return Drawing(figure, f"{text}; bold: the best.")
