"""Evaluations of the last epoch's models: accuracy under noise, distances, and maps of representations."""

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from pandas import DataFrame

from soundclr.evaluation.conditions import Noise
from soundclr.report import figure as draw
from soundclr.report import style
from soundclr.report.artefact import EVALUATED
from soundclr.report.collect import Collection
from soundclr.report.evaluations import Evaluation
from soundclr.report.frames import PLACE, RUN, split
from soundclr.report.intervals import Mean, interval_note, mean_of
from soundclr.report.style import COLUMN, PAGE, Drawing
from soundclr.report.table import Column, Table, dataset_column, formatted, frame_of, place_columns, sentences, spread

MEASURES = {"intra": "within a class", "inter": "between classes", "ratio": "ratio", "silhouette": "silhouette"}

FEW = 10
"""The most classes with a colour and marker; of more classes those recognised worst, and the others are grey."""

OTHER: style.Style = {"color": "#BBBBBB", "marker": ".", "mew": 0}


def distances(collection: Collection) -> Table:
    """A row for each scheme: distances, mean ± sample standard deviation over evaluated runs."""
    found = collection.distances[collection.distances["space"] == "h"]
    rows = []
    for (dataset, recipe), asked in split(collection.asked_of(choice=EVALUATED), PLACE).items():
        row = {"dataset": dataset, "recipe": recipe, "runs": int(asked["evaluated"].sum()), "expected_runs": len(asked)}
        of_it = found[(found["dataset"] == dataset) & (found["recipe"] == recipe)]
        for name in MEASURES:
            values = of_it[name].dropna().tolist()
            row[f"{name}_mean"] = statistics.fmean(values) if values else None
            row[f"{name}_std"] = statistics.stdev(values) if len(values) > 1 else None
        rows.append(row)
    csv = ["dataset", "recipe", "runs", "expected_runs"]
    csv += [f"{name}_{what}" for name in MEASURES for what in ("mean", "std")]

    page = place_columns(collection)
    page += [Column(title, spread(f"{name}_mean", f"{name}_std", 3)) for name, title in MEASURES.items()]
    caption = sentences(
        "Cosine distance of two held-out clips' representations (the last epoch's model), mean over pairs within a "
        "class and between classes, their ratio, and the mean silhouette: mean ± sample standard deviation over "
        "evaluated runs",
        collection.covered(EVALUATED),
    )
    return Table(frame_of(rows), csv, page, caption, forms=dict.fromkeys(csv[4:], ".4f"))


def decibels(value: float) -> str:
    """A ratio in dB, with a minus sign and not a hyphen."""
    return f"{value:g}".replace("-", "−")


def level(sigma: float | None, snr_db: float | None) -> str:
    """A noise's level in the table."""
    if sigma is not None and not math.isnan(sigma):
        return f"σ = {sigma:g}"
    return "area" if snr_db is None else f"{decibels(snr_db)} dB"


def noise_with_areas(collection: Collection) -> DataFrame:
    """The frame ``noise`` with a ``level`` for each noise, and a row with the level "area" for each colour and run.

    The area is that under accuracy against the ratio in dB, by the trapezoid rule, divided by the range of ratios: a
    mean accuracy. For a single ratio it is the accuracy at this ratio.
    """
    noise = collection.noise
    levels = [level(*pair) for pair in zip(noise["sigma"], noise["snr_db"], strict=True)]
    rows = []
    for place, found in split(noise.dropna(subset="snr_db"), [*RUN, "noise"]).items():
        points = sorted(zip(found["snr_db"], found["accuracy_percent"], strict=True))
        area = sum((u - x) * (y + v) / 2 for (x, y), (u, v) in itertools.pairwise(points))
        value = area / (points[-1][0] - points[0][0]) if len(points) > 1 else points[0][1]
        rows.append(dict(zip([*RUN, "noise"], place, strict=True)) | {"level": "area", "accuracy_percent": value})
    return pd.concat([noise.assign(level=levels), DataFrame(rows)], ignore_index=True)


def robustness(collection: Collection) -> Table:
    """A row for each noise, a column for each scheme: accuracy, mean over evaluated folds."""
    settings, found = collection.params.evaluation, noise_with_areas(collection)
    noises = [Noise("white", sigma=sigma) for sigma in settings.sigmas]
    for colour in settings.noises:
        noises += [*(Noise(colour, snr_db=ratio) for ratio in settings.snr), Noise(colour)]
    values = split(found, ["dataset", "recipe", "noise", "level"])
    rows = []
    recipes = collection.recipes_of(EVALUATED)
    for dataset, noise, recipe in itertools.product(collection.datasets_of(EVALUATED), noises, recipes):
        name = level(noise.sigma, noise.snr_db)
        these = values.get((dataset, recipe, noise.colour, name), found[:0])
        shares = these["accuracy_percent"].tolist()
        row = {"dataset": dataset, "recipe": recipe, "noise": noise.colour, "level": name, "sigma": noise.sigma}
        row |= {"snr_db": noise.snr_db, "measure": "area" if name == "area" else "accuracy", "runs": len(shares)}
        row["expected_runs"] = len(collection.asked_of(dataset, recipe, EVALUATED))
        row["accuracy_percent"] = mean_of(these.set_index("fold")["accuracy_percent"]).mean
        row["std_percent"] = statistics.stdev(shares) if len(shares) > 1 else None
        rows.append(row | {"csv_only": not collection.evaluated(dataset)})
    page = [dataset_column(collection), Column("noise", "noise", align="l"), Column("level", "level", align="l")]
    page += [Column(collection.label(r, EVALUATED), "accuracy_percent", where={"recipe": r}) for r in recipes]
    csv = ["dataset", "recipe", "noise", "sigma", "snr_db", "measure", "runs", "expected_runs"]
    csv += ["accuracy_percent", "std_percent"]
    caption = sentences(
        "Held-out accuracy in % under noise added to the waveforms, mean over evaluated folds; the same noise for all "
        "schemes, models of the last epoch. σ: standard deviation of white noise on waveforms in [−1, 1]; dB: ratio of "
        "a clip's mean power to the noise's; area: under accuracy against dB, divided by the range of dB",
        collection.covered(EVALUATED),
    )
    forms = {"sigma": "g", "snr_db": "g"}
    return Table(frame_of(rows), csv, page, caption, line=["dataset", "noise", "level"], forms=forms)


def means_under(rows: DataFrame, key: str, values: Sequence[float | str]) -> list[Mean]:
    """A scheme's mean accuracy over folds for each of the ``values`` of a column of :func:`noise_with_areas`."""
    by_fold = rows.set_index("fold")
    return [mean_of(by_fold[by_fold[key] == value]["accuracy_percent"]) for value in values]


def noise_snr(collection: Collection, dataset: str) -> Drawing | None:
    """A panel for each colour of noise, louder to the right; the legend has the areas under the curves."""
    found = noise_with_areas(collection).query("dataset == @dataset")
    if not len(found):
        return None
    settings = collection.params.evaluation
    ratios = sorted(settings.snr, reverse=True)
    figure = style.new_figure(COLUMN, 2.2 + 0.13 * found["recipe"].nunique())
    panels = figure.subplots(1, len(settings.noises), sharey=True, squeeze=False)[0]
    handles, drawn = [], []
    for recipe, rows in split(found, "recipe").items():
        line = style.look(collection, recipe).line | {"markersize": 3}
        areas = []
        for axes, colour in zip(panels, settings.noises, strict=True):
            these = rows[rows["noise"] == colour]
            means = means_under(these, "snr_db", ratios)
            draw.curve_of_means(axes, ratios, means, line)
            (area,) = means_under(these, "level", ["area"])
            areas.append(f"{area.mean:.1f} {colour}")
            drawn += means
        label = collection.label(recipe, EVALUATED, dataset)
        handles.append(style.handle(f"{label} (area {', '.join(areas)})", **line))
    for axes, colour in zip(panels, settings.noises, strict=True):
        axes.set(title=f"{colour} noise", xlabel="signal to noise (dB)")
        axes.set_xticks(ratios, [decibels(ratio) for ratio in ratios])
        axes.invert_xaxis()
    panels[0].set_ylabel("last-epoch accuracy (%)")
    style.end_at_100(panels[0], "y")
    style.add_legend(figure, handles)
    text = "Accuracy of the last epoch's models against the ratio of a clip's power to the noise's: "
    text += collection.only_fold(EVALUATED) or "mean over folds"
    text += interval_note(drawn, "bands")
    text += "; area: under the curve, divided by the range of dB, so it is a mean accuracy (%)"
    return Drawing(figure, f"{text}.")


def representations(collection: Collection, dataset: str) -> Drawing | None:
    """A panel for each map, all of the same fold and seed: the first that every evaluated scheme has."""
    found = {recipe: collection.evaluated(dataset, recipe) for recipe in collection.recipes_of(EVALUATED)}
    chosen = one_of_each(found)
    if not chosen:
        return None
    marked = marked_classes(collection, chosen)
    first = next(iter(chosen.values()))
    others = len(set(first.projection["class"])) > len(marked)
    maps = one_of_equal_maps(chosen)
    columns = min(len(maps), 3)
    lines = math.ceil(len(maps) / columns)
    width = PAGE if columns > 1 else COLUMN
    figure = style.new_figure(width, lines * (width / columns + 0.3) + 0.35)
    figure.set_layout_engine("compressed")
    panels = figure.subplots(lines, columns, squeeze=False)
    for axes in panels.flat:
        axes.axis("off")
    for axes, (recipes, evaluation) in zip(panels.flat, maps.items(), strict=False):
        draw_map(axes, evaluation, marked)
        measures = evaluation.record.distances
        numbers = f"intra/inter {formatted(measures.ratio)}, silhouette {formatted(measures.silhouette)}"
        axes.set_title("\n".join([*map(collection.scheme, recipes), numbers]))
    points: style.Style = {"linestyle": "", "markersize": 4}
    handles = [style.handle(style.class_title(name), **points, **point) for name, point in marked.items()]
    handles += [style.handle("other classes", **points | {"markersize": 3}, **OTHER)] if others else []
    style.add_legend(figure, handles)
    learnt = any(collection.found[one.run].metrics.accuracy.last_epoch is not None for one in chosen.values())
    which = " that these models recognise worst" if learnt else ""
    worst = f"; {'the ' if learnt else ''}{len(marked)} classes{which} in colour" if others else ""
    return Drawing(
        figure,
        f"Representations of the held-out clips of fold {first.run.fold}, seed {first.run.seed}, by the last epoch's "
        f"models, projected to two dimensions by t-SNE{worst}. Intra/inter: mean cosine distance within a class over "
        "that between classes; it and the mean silhouette are of the representations, not of the map. Points that are "
        "near each other in the map were near; its distances, sizes and gaps mean little.",
    )


def one_of_each(evaluations: Mapping[str, Sequence[Evaluation]]) -> dict[str, Evaluation]:
    """Each scheme's evaluation of the lowest fold and seed that all schemes have, or that most have."""
    every = {(recipe, one.run.fold, one.run.seed): one for recipe, found in evaluations.items() for one in found}
    counts = Counter(key[1:] for key in every)
    place = min(counts, key=lambda place: (-counts[place], place), default=None)
    return {recipe: one for (recipe, *at), one in every.items() if tuple(at) == place}


def one_of_equal_maps(chosen: Mapping[str, Evaluation]) -> dict[tuple[str, ...], Evaluation]:
    """The evaluations by all schemes that have the same map, as a frozen encoder and its probe have."""
    equal: dict[bytes, list[str]] = {}
    for recipe, one in chosen.items():
        equal.setdefault(one.projection[["x", "y"]].to_numpy(dtype=float).tobytes(), []).append(recipe)
    return {tuple(recipes): chosen[recipes[0]] for recipes in equal.values()}


def marked_classes(collection: Collection, chosen: Mapping[str, Evaluation]) -> dict[str, style.Style]:
    """The look of each class with a colour: all classes, or those recognised worst at the last epoch."""
    names = list(next(iter(chosen.values())).projection.sort_values("label")["class"].unique())
    if len(names) > FEW:
        places = DataFrame([vars(one.run) for one in chosen.values()])[RUN]
        last = collection.clips[collection.clips["epoch"] == "last"].merge(places)
        right = last.groupby("class")["right"].sum()
        names = sorted(names, key=lambda name: (right.get(name, 0), name))[:FEW]
    return {name: {"color": style.COLOURS[i], "marker": style.MARKERS[i], "mew": 0} for i, name in enumerate(names)}


def draw_map(axes: Axes, evaluation: Evaluation, marked: Mapping[str, style.Style]) -> None:
    """Draw one map's clips in a frame without ticks, since its axes have no unit."""
    axes.axis("on")
    for name, clips in split(evaluation.projection, "class").items():
        known, point = name in marked, marked.get(name, OTHER)
        axes.plot(clips["x"], clips["y"], linestyle="", markersize=3.2 if known else 3, zorder=2 + known, **point)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.set_box_aspect(1)
    axes.set_aspect("equal", adjustable="datalim")
