"""What CLAR's tables and figures compare: schemes by encoder, shares of labels, convergence, and augmentations."""

import numpy as np
from matplotlib.colors import Normalize

from soundclr.report import figure as draw
from soundclr.report import style
from soundclr.report.collect import Collection
from soundclr.report.frames import RUN, Values, records, split
from soundclr.report.intervals import at_places, interval, mean_of, summary
from soundclr.report.papers.clar.reading import methods, of_all_labels
from soundclr.report.style import COLUMN, Drawing
from soundclr.report.table import PARTIAL_NOTE, Column, Row, Table, accuracy, dataset_column, frame_of, sentences


def clar_schemes(collection: Collection) -> Table:
    """A line a dataset, scheme and share of labels; for each encoder the accuracy of each head after the last epoch."""
    rows: list[Values] = []
    for dataset in collection.datasets_of("clar_schemes"):
        found = methods(collection, dataset, "clar_schemes")
        for row in records(summary(collection.asked_of(dataset, choice="clar_schemes"))):
            ends = interval(collection.done(dataset, row["recipe"], "clar_schemes"), "last_epoch")
            bounds = {"last_epoch_low_percent": ends.low, "last_epoch_high_percent": ends.high, "kind": ends.kind}
            rows.append(row | vars(found[row["recipe"]]) | bounds)

    def shown(row: Row) -> str:
        low, high = row["last_epoch_low_percent"], row["last_epoch_high_percent"]
        return accuracy("last_epoch")(row) + ("" if low is None else f" [{low:.1f}, {high:.1f}]")

    page = [dataset_column(collection), Column("scheme", "scheme", align="l")]
    page += [Column("labels", lambda row: f"{100 * row['labels']:g} %")]
    for encoder, head in dict.fromkeys((row["encoder"], row["head"]) for row in rows):
        page.append(Column(head, shown, encoder, where={"encoder": encoder, "head": head}))
    caption = sentences(
        "Held-out accuracy in % after the last epoch, mean over folds"
        + (", mean ± sample standard deviation over seeds" if any(row["seeds"] > 1 for row in rows) else "")
        + "".join(f". In brackets: {kind}" for kind in sorted({row["kind"] for row in rows} - {""}))
        + ". Class head: what a scheme's own classifier says; linear probe: a linear layer on its encoder, which is "
        "frozen; 1-D encoders hear the waveform, 2-D ones see spectrograms. CLAR's own tables were not available",
        collection.covered("clar_schemes"),
        PARTIAL_NOTE if any(row["partial"] for row in rows) else "",
    )
    csv = ["dataset", "recipe", "scheme", "labels", "encoder", "head", "runs", "expected_runs", "seeds"]
    csv += [f"{epoch}_epoch{what}_percent" for epoch in ("best", "last") for what in ("", "_std")]
    csv += ["last_epoch_low_percent", "last_epoch_high_percent"]
    return Table(frame_of(rows), csv, page, caption, ["dataset", "scheme", "labels"], {"labels": "g"})


def label_fractions(collection: Collection, dataset: str) -> Drawing | None:
    """A line a scheme through its shares of labels: accuracy after the last epoch, mean over folds."""
    done = collection.done(dataset, choice="label_fractions")
    if not len(done):
        return None
    schemes = done["recipe"].map(of_all_labels(collection, dataset, "label_fractions"))
    lines = split(done, schemes)
    figure = style.new_figure(COLUMN, 2.5)
    axes = figure.subplots()
    handles, kinds = [], set()
    order = done.assign(scheme=schemes).sort_values("labels", kind="stable")["scheme"].unique()
    for place, scheme in enumerate(order):
        look = style.look(collection, scheme)
        line = look.line | {"markersize": 3.5}
        apart = 1.03 ** (place - (len(order) - 1) / 2)  # so that bars do not hide bars
        shares = split(lines[scheme].sort_values("labels"), "labels")
        ends = [interval(rows, "last_epoch") for rows in shares.values()]
        means = [mean_of(at_places(rows, "last_epoch")).mean for rows in shares.values()]
        x = [100 * share * apart for share in shares]
        draw.curve(axes, x, means, [one.low for one in ends], [one.high for one in ends], line, bars=True)
        kinds |= {one.kind for one in ends} - {""}
        handles.append(style.handle(look.title, **line))
    handles.append(draw.draw_chance(axes, int(done["classes"].iloc[0])))
    ticks = sorted(100 * share for share in done["labels"].unique())
    draw.log_ticks(axes, ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlabel("share of labels (%)")
    axes.set_ylabel("accuracy (%)")
    style.end_at_100(axes, "y")
    style.add_legend(figure, handles)
    text = "Accuracy after the last epoch against the share of each class's labels that is learnt from: mean over folds"
    return Drawing(figure, f"{text}{''.join(f'; bars: {kind}' for kind in sorted(kinds))}.")


def convergence(collection: Collection, dataset: str) -> Drawing | None:
    """Means over the runs that noted a probe, with a band from the least to the greatest; a colour a scheme."""
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
        handles.append(style.handle(look.title, **look.plain))
    axes.set_xlabel("epoch")
    axes.set_ylabel("linear probe's accuracy (%)")
    draw.whole_numbers(axes)
    style.add_legend(figure, [*handles, draw.draw_chance(axes, int(done["classes"].iloc[0]))])
    several = (rows.drop_duplicates(RUN)["recipe"].value_counts() > 1).any()
    text = "Held-out accuracy of a linear probe in closed form on the encoder as it is after each of these epochs"
    return Drawing(figure, f"{text}{', mean and range over runs' if several else ''}.")


def grid(collection: Collection, dataset: str) -> Drawing | None:
    """Rows are the first augmentation of the first stage, columns the second; shades and numbers are accuracies."""
    cells, every = {}, []
    for recipe in collection.recipes_of("augmentation_grid"):
        names = [choice.name for choice in collection.settings(dataset, recipe).stages[0].augment]
        every.append(names)
        done = collection.done(dataset, recipe, "augmentation_grid")
        if 1 <= len(names) <= 2 and len(done):
            cells[names[0], names[-1]] = mean_of(at_places(done, "last_epoch")).mean
    if not cells:
        return None
    # In the order in which they are applied: each after those that it is a second of.
    order = list(dict.fromkeys([*(names[0] for names in every if len(names) == 1), *sum(cells, ())]))
    values = np.full((len(order), len(order)), np.nan)
    for (first, second), value in cells.items():
        values[order.index(first), order.index(second)] = value
    low, high = np.nanmin(values), np.nanmax(values)
    marked = np.array([[f"{v:.1f}{'*' * int(v == high)}" if v == v else "" for v in row] for row in values])
    figure = style.new_figure(COLUMN, 0.9 + 0.36 * len(order))
    axes = figure.subplots()
    labels = [name.replace("_", " ") for name in order]
    image = draw.matrix(axes, values, marked, labels, Normalize(low, high), (low + high) / 2, rotation=40)
    axes.set_xlabel("second augmentation")
    axes.set_ylabel("first augmentation")
    bar = figure.colorbar(image, ax=axes, shrink=0.7)
    bar.set_label("accuracy (%)")
    text = "Held-out accuracy after the last epoch, mean over folds, of a probe of encoders that two views by these "
    text += "augmentations taught: one alone on the diagonal, else first the row's, then the column's"
    return Drawing(figure, f"{text}; bold: the best.")
