"""The figures beyond the paper, against sums done here by hand."""

import itertools
import statistics
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from soundclr.params import Params
from soundclr.report.artefacts.comparison import comparisons
from soundclr.report.artefacts.evaluated import one_of_each, one_of_equal_maps
from soundclr.report.collect import Collection
from soundclr.report.style import COLOURS, styled
from support.drawing import FIGURES, SCHEMES, Drawn, bars, mean_of_folds, noise_accuracies
from support.fabricate import ESC10_CLASSES


def test_noise_by_ratio(drawn: Drawn, results: Path, params: Params) -> None:
    figure, caption, _ = drawn("ten", "noise_snr")
    ratios = [30, 25, 20, 15, 10, 5, 0, -5]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    for axes, noise in zip(figure.axes, ("white", "pink"), strict=True):
        assert axes.get_title() == f"{noise} noise"
        assert axes.xaxis_inverted()
        for line, band, label, recipe in zip(axes.lines, axes.collections, labels, SCHEMES, strict=True):
            found = noise_accuracies(results, "ten", recipe)
            means, errors = zip(*(mean_of_folds(found[noise, None, ratio]) for ratio in ratios), strict=True)
            assert list(line.get_xdata()) == ratios
            assert list(line.get_ydata()) == pytest.approx(means)
            edges = band.get_paths()[0].vertices
            assert edges[:, 1].max() == pytest.approx(max(m + e for m, e in zip(means, errors, strict=True)))
            trapezoids = sum((a + b) / 2 * 5 for a, b in itertools.pairwise(means)) / 35
            assert f"{trapezoids:.1f} {noise}" in label
            assert label.startswith(params.all_recipes[recipe].title)
    assert "bands: 95 % intervals (Student's t over folds' means, " in caption


def test_comparison_shows_what_the_table_says(drawn: Drawn, collections: Callable[[str], Collection]) -> None:
    collection = collections("ten")
    figure, caption, _ = drawn("ten", "comparison")
    (axes,) = figure.axes
    found = comparisons(collection, "esc10")
    expected = [mean for _, row in found.iterrows() for mean in (row["last_epoch_mean"], row["best_epoch_mean"])]
    drawn_means = bars(axes, 0)
    assert [mean for mean, _, _ in drawn_means] == pytest.approx([mean.mean for mean in expected])
    assert [half for _, half, _ in drawn_means] == pytest.approx([mean.half for mean in expected])
    strips = [line for line in axes.lines if line.get_alpha() == 0.7]
    accuracy = {
        (r.run.recipe, r.run.fold, r.run.seed): 100 * r.metrics.accuracy.last_epoch for r in collection.finished()
    }
    places = list(itertools.product((1, 2, 3), (0, 1)))
    for strip, (second, first) in zip(strips, itertools.combinations(SCHEMES, 2), strict=True):
        differences = [accuracy[first, *place] - accuracy[second, *place] for place in places]
        assert sorted(strip.get_xdata()) == pytest.approx(sorted(differences))
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[1] == "hybrid (SoundCLR)\n− cross-entropy"
    assert "bars: 95 % intervals (Student's t over folds' means, " in caption


@pytest.mark.parametrize("study", ["ten", "fifty"])
def test_accuracy_of_each_class(drawn: Drawn, results: Path, study: str) -> None:
    expected: dict[str, dict[str, float]] = defaultdict(dict)
    for recipe in SCHEMES:
        paths = (results / study / "runs").glob(f"*/{recipe}-*/*/predictions.csv")
        rows = pd.concat([pd.read_csv(path).query("epoch == 'best'") for path in paths])
        names = list(rows.columns[4:])
        for label, clips in rows.groupby("label"):
            right = (clips[names].to_numpy().argmax(axis=1) == label).mean()
            expected[names[label].replace("_", " ")][recipe] = 100 * right
    figure, *_ = drawn(study, "per_class")
    panels = figure.axes
    assert len(panels) == {"ten": 1, "fifty": 2}[study]
    names = [label.get_text() for axes in panels for label in axes.get_yticklabels()]
    means = [statistics.fmean(expected[name].values()) for name in names]
    assert len(names) == len(expected)
    assert means == sorted(means, reverse=True)
    shown = [np.concatenate([axes.lines[i].get_xdata() for axes in panels]) for i in range(3)]
    for recipe, values in zip(SCHEMES, shown, strict=True):
        assert list(values) == pytest.approx([expected[name][recipe] for name in names])
    for axes in panels:
        low, high = axes.get_xlim()
        assert low <= min(map(min, shown))
        assert high == 100


def test_representations_of_one_fold_and_seed(
    drawn: Drawn, collections: Callable[[str], Collection], params: Params
) -> None:
    figure, caption, _ = drawn("gaps", "representations")
    assert "fold 2, seed 0" in caption  # the first that hybrid has as well
    assert "fold 1, seed 0" in drawn("ten", "representations")[1]
    collection = collections("gaps")
    for axes, recipe in zip(figure.axes, SCHEMES, strict=True):
        (evaluation,) = [e for e in collection.evaluated("esc10", recipe) if (e.run.fold, e.run.seed) == (2, 0)]
        distances = evaluation.record.distances
        numbers = f"intra/inter {distances.ratio:.2f}, silhouette {distances.silhouette:.2f}"
        assert axes.get_title() == f"{params.all_recipes[recipe].title}\n{numbers}"
        points = np.concatenate([line.get_xydata() for line in axes.lines])
        assert sorted(map(tuple, points)) == sorted(map(tuple, evaluation.projection[["x", "y"]].to_numpy()))
        assert len({(line.get_color(), line.get_marker()) for line in axes.lines}) == 10
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [name.replace("_", " ") for name in ESC10_CLASSES]
    for words in ("t-SNE", "mean silhouette", "distances, sizes and gaps mean little"):
        assert words in caption
    without_hybrid = {r: collection.evaluated("esc10", r) for r in SCHEMES[:2]}
    chosen = one_of_each(without_hybrid)
    assert {(e.run.fold, e.run.seed) for e in chosen.values()} == {(1, 0)}
    assert one_of_each({}) == {}


def test_schemes_with_the_same_map_have_one_panel(collections: Callable[[str], Collection]) -> None:
    """A frozen encoder's probe has its encoder's map."""
    first, other = collections("ten").evaluated("esc10")[:2]
    assert one_of_equal_maps({"encoder": first, "probe": first}) == {("encoder", "probe"): first}
    assert one_of_equal_maps({"encoder": first, "other": other}) == {("encoder",): first, ("other",): other}


def test_representations_of_many_classes_mark_the_worst(drawn: Drawn, collections: Callable[[str], Collection]) -> None:
    figure, caption, _ = drawn("fifty", "representations")
    right: dict[str, int] = defaultdict(int)
    for run, result in collections("fifty").found.items():
        if run.recipe in SCHEMES and (run.fold, run.seed) == (1, 0):
            classes = result.metrics.classes
            for row in result.at("last").itertuples(index=False):
                right[classes[row.label]] += (
                    max(classes, key=lambda name, row=row: getattr(row, name)) == (classes[row.label])
                )
    worst = sorted(right, key=lambda name: (right[name], name))[:10]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [name.replace("_", " ") for name in worst] + ["other classes"]
    assert "the 10 classes that these models recognise worst in colour" in caption
    for axes in figure.axes:
        coloured = [line for line in axes.lines if line.get_color() != "#BBBBBB"]
        assert len(coloured) == 10
        assert sum(len(line.get_xdata()) for line in axes.lines) == 100


@pytest.mark.parametrize("fewest", [1, 60])
def test_calibration_by_hand(
    fewest: int, collections: Callable[[str], Collection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clip by clip: which bin it falls into, how probable its class was said to be, whether it was right."""
    monkeypatch.setattr("soundclr.report.artefacts.classes.FEWEST", fewest)
    with styled():
        figure, *_ = FIGURES["calibration"].load()(collections("ten"), "esc10")
    (axes,) = figure.axes
    (legend,) = figure.legends
    lines = axes.lines[1:]  # after the diagonal
    for recipe, line, label in zip(SCHEMES, lines, legend.get_texts(), strict=True):
        bins: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
        for result in collections("ten").finished("esc10", recipe):
            for _, row in result.predictions[result.predictions["epoch"] == "last"].iterrows():
                said = {place: row[name] for place, name in enumerate(result.metrics.classes)}
                guess = max(said, key=lambda place: said[place])
                bins[min(int(said[guess] * 10), 9)].append((said[guess], guess == row["label"]))
        means = {
            place: tuple(100 * statistics.fmean(values) for values in zip(*bins[place], strict=True))
            for place in sorted(bins)
        }
        drawn_bins = [place for place in sorted(bins) if len(bins[place]) >= fewest]
        assert drawn_bins and (len(drawn_bins) < len(bins)) == (fewest > 1)
        assert [tuple(point) for point in line.get_xydata()] == [pytest.approx(means[place]) for place in drawn_bins]
        clips = sum(map(len, bins.values()))
        error = sum(len(bins[place]) * abs(right - said) for place, (said, right) in means.items()) / clips
        assert label.get_text().endswith(f": {error:.2f} points")


@pytest.mark.parametrize(
    ("study", "label", "words"),
    [
        ("ten", "held-out accuracy (%)", "Held-out accuracy"),
        ("inner", "inner-fold accuracy (%)", "Inner-fold accuracy"),
        ("mixed", "validation accuracy (%)", "an inner fold for cross-entropy, inner fold)"),
    ],
)
def test_curves_say_whose_accuracy_they_show(drawn: Drawn, study: str, label: str, words: str) -> None:
    figure, caption, _ = drawn(study, "curves")
    assert figure.axes[0].get_ylabel() == label
    assert words in caption


def test_curves_are_of_the_studys_own_recipes(drawn: Drawn) -> None:
    figure, *_ = drawn("ten", "curves")
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["cross-entropy", "supervised contrastive", "hybrid (SoundCLR)"]


@pytest.mark.slow
def test_a_scheme_has_one_colour_in_all_figures(drawn: Drawn, params: Params) -> None:
    """By the legends of those figures that name schemes in them."""
    colours: dict[str, list[str]] = defaultdict(list)
    for name in FIGURES:
        for legend in drawn("ten", name)[0].legends:
            for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True):
                for recipe in SCHEMES:
                    title = params.all_recipes[recipe].title
                    if text.get_text() == title or text.get_text().startswith((f"{title} (area", f"{title}: ")):
                        colours[recipe].append(line.get_color())
    for recipe, colour in zip(SCHEMES, COLOURS, strict=False):
        assert len(colours[recipe]) > 5 and set(colours[recipe]) == {colour}
