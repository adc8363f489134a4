"""What the figures show, held against sums done here by hand, and how they are laid out."""

import itertools
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fabricate import ESC10_CLASSES, fabricate, fabricate_evaluation, trial_params
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from soundclr.params import Params
from soundclr.report.artefact import declared
from soundclr.report.artefacts.figures.representations import one_of_each
from soundclr.report.artefacts.tables.comparison import compare
from soundclr.report.collect import Collection, collect
from soundclr.report.outputs import figures_of
from soundclr.report.papers.soundclr import PAPER
from soundclr.report.papers.soundclr.figure3 import describe
from soundclr.report.papers.soundclr.figure5 import power
from soundclr.report.style import COLOURS, COLUMN, PAGE, styled
from soundclr.report.write import drawn as named
from soundclr.report.write import write_figures
from soundclr.runs import Run, evaluated, expand

LADDER = [
    *("scratch_1_channel", "scratch_3_channels", "pretrained_1_channel", "pretrained_3_channels"),
    *("masks_f0_t0", "cross_entropy"),
]
INNER = ["cross_entropy_inner", "supervised_contrastive_inner", "hybrid_inner"]
SCHEMES = ["cross_entropy", "supervised_contrastive", "hybrid"]

FIGURES = {
    artefact.name: artefact
    for artefact in declared()
    if artefact.kind == "figure" and artefact.paper in (None, PAPER)  # other papers' have runs of their own
}

Drawn = Callable[[str, str], tuple[Figure, str]]


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    """``ten`` has every figure, ``fifty`` many classes and one seed, ``gaps`` lacks runs, ``bare`` has no artefacts."""
    figure3 = {"recipes": LADDER, "seeds": [0]}
    artefacts = {"figure3": figure3, "protocols": {"recipes": INNER, "seeds": [0]}}
    few = {"seeds": [0, 1], "folds": [1, 2, 3], "evaluate": {}, "artefacts": artefacts}
    return trial_params(
        repo,
        ten=few,
        gaps=few,
        empty=few,
        fifty={"datasets": ["esc50"], "seeds": [0], "folds": [1, 2], "evaluate": {}, "artefacts": {"figure3": figure3}},
        bare={"recipes": ["hybrid"], "datasets": ["esc10", "us8k"]},
        alone={
            "seeds": [0],
            "folds": [1],
            "evaluate": {},
            "artefacts": artefacts | {"figure3": figure3 | {"recipes": LADDER[-2:]}},
        },
        inner={"recipes": [INNER[0]], "folds": [1], "seeds": [0]},
        mixed={"recipes": ["hybrid", INNER[0]], "folds": [1], "seeds": [0]},
    )


def left_out(run: Run) -> bool:
    """What ``gaps`` lacks: a step of the ladder, a fold of another, most of hybrid, most of seed 1."""
    return (
        run.recipe == "scratch_3_channels"
        or (run.recipe == "masks_f0_t0" and run.fold == 3)
        or (run.recipe == "hybrid" and run.fold != 2)
        or (run.seed == 1 and run.fold != 2)
    )


@pytest.fixture(scope="module")
def results(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for study, clips in (("ten", 40), ("gaps", 20), ("fifty", 100), ("alone", 20), ("inner", 20), ("mixed", 20)):
        heard = set(evaluated(params, study))
        for run in expand(params, study):
            if study != "gaps" or not left_out(run):
                skill = 0.95 if run.recipe.startswith("hybrid") else 0.6
                fabricate(params, run, folder, test_clips=clips, skill=skill)
                if run in heard:
                    fabricate_evaluation(params, run, folder, skill=skill)
    return folder


@pytest.fixture(scope="module")
def collections(params: Params, results: Path) -> Callable[[str], Collection]:
    return cache(lambda study: collect(params, study, results))


@pytest.fixture(scope="module")
def drawn(collections: Callable[[str], Collection]) -> Drawn:
    """A study's figure and its caption, each drawn once."""

    @cache
    def draw(study: str, name: str) -> tuple[Figure, str]:
        collection = collections(study)
        with styled():
            found = named(FIGURES[name], collection, dataset_of(collection))
        assert found is not None
        return found

    return draw


def dataset_of(collection: Collection) -> str:
    return collection.params.studies[collection.study].datasets[0]


def accuracies(collection: Collection, recipe: str, epoch: str = "best_epoch") -> dict[int, list[float]]:
    """Fold -> accuracies (%) of its seeds, read from the run folders' metrics."""
    found = defaultdict(list)
    for run, result in collection.found.items():
        if run.recipe == recipe:
            found[run.fold].append(100 * getattr(result.metrics.accuracy, epoch))
    return found


def mean_of_folds(by_fold: dict[int, list[float]]) -> tuple[float, float]:
    """Mean over folds, each the mean of its seeds, and half its 95 % interval, which two folds do not show."""
    folds = [sum(values) / len(values) for values in by_fold.values()]
    mean = sum(folds) / len(folds)
    if len(folds) == 2:
        return mean, math.nan
    assert len(folds) == 3
    variance = sum((value - mean) ** 2 for value in folds) / 2
    return mean, 4.30265 * math.sqrt(variance / 3)  # Student's t of two degrees of freedom


def bars(axes: Axes, axis: int) -> list[tuple[float, float, str]]:
    """What error bars show: (value, half of the bar's length, colour), in the order drawn; axis 0 is across."""
    found = []
    for container in axes.containers:
        line, _, (segments,) = container.lines
        for place, segment in zip(line.get_xydata(), segments.get_segments(), strict=False):
            half = (segment[1][axis] - segment[0][axis]) / 2 if len(segment) else math.nan
            found.append((float(place[axis]), float(half), line.get_color()))
    return found


def texts(figure: Figure) -> list[Text]:
    """All text that is drawn; a tick outside of its axis keeps a label that is not."""
    unseen = set()
    for axis in itertools.chain(*((axes.xaxis, axes.yaxis) for axes in figure.axes)):
        low, high = sorted(axis.get_view_interval())
        unseen |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
        unseen |= {tick.label1 for tick in axis.get_minor_ticks()}
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in found if text not in unseen]


@pytest.mark.parametrize(
    ("study", "name"),
    [
        *itertools.product(("ten",), FIGURES),
        *itertools.product(("fifty",), ("figure3", "per_class", "confusion", "representations")),
        *itertools.product(("gaps",), ("figure3", "figure4", "comparison", "selection_bias", "representations")),
    ],
)
def test_nothing_overlaps_and_nothing_is_cut_off(drawn: Drawn, study: str, name: str) -> None:
    figure, caption = drawn(study, name)
    figure.draw_without_rendering()
    assert figure.get_size_inches()[0] in (COLUMN, PAGE)
    assert figure.get_size_inches()[1] < 9.0
    assert caption.endswith(".")
    shown = texts(figure)
    assert min(text.get_fontsize() for text in shown) >= (5 if name == "confusion" else 6)
    boxes = np.array([text.get_window_extent().extents for text in shown])
    width, height = figure.bbox.size
    inside = (boxes[:, :2] >= -0.5).all(axis=1) & (boxes[:, 2] <= width + 0.5) & (boxes[:, 3] <= height + 0.5)
    assert inside.all(), [shown[i].get_text() for i in np.flatnonzero(~inside)]
    low, high = boxes[:, None, :2] + 0.5, boxes[:, None, 2:] - 0.5
    overlap = ((low < high.swapaxes(0, 1)) & (low.swapaxes(0, 1) < high)).all(axis=2)
    pairs = [(i, j) for i, j in np.argwhere(overlap) if i < j]
    assert not pairs, [(shown[i].get_text(), shown[j].get_text()) for i, j in pairs]
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    for legend, axes in itertools.product(legends, figure.axes):
        assert not legend.get_window_extent().overlaps(axes.get_window_extent())
    for axes in figure.axes:
        assert axes.has_data()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_says_which_study_it_is_of(drawn: Drawn, name: str) -> None:
    """It may stand alone."""
    said = "Study ten: a trial; made up"
    assert [text.get_text().replace("\n", " ") for text in texts(drawn("ten", name)[0])].count(said) == 1


def test_figures_of_a_study(params: Params) -> None:
    def names(study: str, dataset: str) -> list[str]:
        return [figure.name for figure in figures_of(params, study, dataset)]

    assert names("ten", "esc10") == list(FIGURES)
    assert names("bare", "us8k") == ["figure4", "calibration", "confusion", "curves", "per_class", "selection_bias"]
    with_noise = {"figure5", "noise_snr", "representations"}
    assert with_noise < set(names("paper", "esc50"))
    assert not (with_noise | {"figure3"}) & set(names("paper", "us8k"))


def test_without_runs_a_sentence_stands_in_the_figure(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = {}
    monkeypatch.setattr("soundclr.report.write.save", lambda figure, png: saved.setdefault(png.stem, figure))
    collection = collect(params, "empty", tmp_path)
    assert not any(shown.there for shown in write_figures(collection, tmp_path))
    assert set(saved) == {f"{name}-esc10" for name in FIGURES}
    for figure in saved.values():
        assert [text.get_text() for text in texts(figure)] == ["ESC-10: no runs yet"]


def test_figure3_shows_each_step(drawn: Drawn, collections: Callable[[str], Collection]) -> None:
    collection = collections("fifty")
    figure, caption = drawn("fifty", "figure3")
    (axes,) = figure.axes
    expected = [
        mean_of_folds(accuracies(collection, recipe, epoch))
        for recipe in LADDER
        for epoch in ("best_epoch", "last_epoch")
    ]
    assert [bar[:2] for bar in bars(axes, 0)] == [pytest.approx(pair, nan_ok=True) for pair in expected]
    labels = [label.get_text().replace("\n", " ").replace("\xa0", " ") for label in axes.get_yticklabels()]
    assert labels[0] == "scratch, 1 channel, no augmentation"
    assert labels[4:] == [
        "pretrained, 3 channels, waveform augmentation",
        "pretrained, 3 channels, waveform augmentation, masks",
    ]
    assert axes.yaxis_inverted()
    paper = {float(y): float(x) for line in axes.lines for x, y in line.get_xydata() if line.get_marker() == "D"}
    assert paper == {0: 74.6, 2: 84.6}
    best = [mean for mean, _ in expected[::2]]
    gains = [f"({after - before:+.2f})".replace("-", "−") for before, after in itertools.pairwise(best)]
    beside = [text.get_text().split("\n") for text in axes.texts]
    assert [lines[0] for lines in beside] == [f"{mean:.2f}" for mean in best]
    assert [lines[1] for lines in beside[1:]] == gains
    assert "open: the paper's values" in caption
    assert "95 %" not in caption  # of two folds
    assert "bars: 95 % intervals (Student's t over folds' means, " in drawn("ten", "figure3")[1]
    assert "paper" not in drawn("ten", "figure3")[1]


def test_figure3_says_which_runs_are_missing(drawn: Drawn) -> None:
    (axes,) = drawn("gaps", "figure3")[0].axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert ["runs)" in label for label in labels] == [False, True, False, False, True, False]
    assert labels[1].endswith("(0 of 3 runs)")
    assert ["(" in text.get_text() for text in axes.texts] == [False, False, True, False, False]


def test_step_names_follow_the_settings(params: Params) -> None:
    for recipe in LADDER[:4]:
        assert describe(params.resolve("paper", "esc50", recipe)) == params.all_recipes[recipe].title
    assert describe(params.resolve("esc10", "esc10", "hybrid")) == "pretrained, 3 channels, waveform augmentation"
    assert describe(params.resolve("demo", "demo", "cross_entropy")) == (
        "scratch, 1 channel, waveform augmentation, masks"
    )


def heard(results: Path, study: str, recipe: str) -> dict[tuple[str, float | None, float | None], dict[int, list]]:
    """(noise, sigma, ratio) -> fold -> accuracies (%), read from the evaluations by hand."""
    found: dict = defaultdict(lambda: defaultdict(list))
    for path in (results / study / "evaluations").glob(f"*/{recipe}-*/*/*/evaluation.json"):
        content = json.loads(path.read_text())
        for row in content["accuracy"]:
            found[row["noise"], row["sigma"], row["snr_db"]][content["fold"]].append(100 * row["accuracy"])
    return found


def test_figure4_has_means_and_no_lines_between_folds(drawn: Drawn, collections: Callable[[str], Collection]) -> None:
    """Two seeds of three folds: points without bars, and the mean of all folds with its interval."""
    figure, caption = drawn("ten", "figure4")
    upper, lower = figure.axes
    expected = []
    for recipe, epoch in itertools.product(SCHEMES, ("best_epoch", "last_epoch")):
        of_folds = accuracies(collections("ten"), recipe, epoch)
        expected += [(statistics.fmean(of_folds[fold]), math.nan) for fold in (1, 2, 3)]
        expected.append(mean_of_folds(of_folds))
    assert [bar[:2] for bar in bars(upper, 1)] == [pytest.approx(pair, nan_ok=True) for pair in expected]
    for line in upper.lines:
        assert line.get_linestyle() == "None" or len(set(line.get_xdata())) == 1
    assert [text.get_text() for text in lower.get_xticklabels()] == ["fold 1", "fold 2", "fold 3", "mean"]
    assert {tuple(line.get_ydata()) for line in lower.lines if len(line.get_ydata()) == 2} == {(10.0, 10.0)}  # chance
    assert upper.get_ylim()[0] > lower.get_ylim()[1]
    assert "below a break of the axis" in caption and "small: seeds" in caption


def test_figure4_of_one_seed_shows_what_its_clips_leave_open(
    drawn: Drawn, collections: Callable[[str], Collection]
) -> None:
    figure, caption = drawn("fifty", "figure4")
    axes = figure.axes[0]
    segments = [segment for lines in axes.collections for segment in lines.get_segments() if len(segment)]
    found = [end for segment in segments for end in segment[:, 1]]
    by_hand = []
    for recipe, epoch in itertools.product(SCHEMES, ("best_epoch", "last_epoch")):
        for fold, (value,) in sorted(accuracies(collections("fifty"), recipe, epoch).items()):
            assert fold in (1, 2)
            z2, share = 1.959964**2 / 100, value / 100  # of 100 clips
            centre, root = share + z2 / 2, math.sqrt(z2 * (share * (1 - share) + z2 / 4))
            by_hand += [100 * (centre - root) / (1 + z2), 100 * (centre + root) / (1 + z2)]
    of_runs = [value for value in found if not math.isnan(value)]
    assert set(np.round(by_hand, 3)) <= set(np.round(of_runs, 3))
    paper = [float(line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "D"]
    assert paper == [91.85, 91.98, 92.86]
    assert "Wilson's" in caption and "the paper's means (Table III)" in caption and "small: seeds" not in caption


def test_figure5_means_and_errors(drawn: Drawn, results: Path) -> None:
    figure, caption = drawn("ten", "figure5")
    (axes,) = figure.axes
    expected = []
    for recipe in SCHEMES:
        found = heard(results, "ten", recipe)
        expected += [mean_of_folds(found["white", sigma, None]) for sigma in (0.0, 1e-4, 5e-4, 1e-3)]
    assert [bar[:2] for bar in bars(axes, 1)] == [pytest.approx(pair) for pair in expected]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "0", "$10^{-4}$", "$5\\cdot10^{-4}$", "$10^{-3}$"
    ]  # fmt: skip
    assert "models are evaluated" not in caption


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (0.02, "$2\\cdot10^{-2}$"), (1.0, "$10^{0}$")])
def test_power(value: float, text: str) -> None:
    assert power(value) == text


def test_noise_by_ratio(drawn: Drawn, results: Path, params: Params) -> None:
    figure, caption = drawn("ten", "noise_snr")
    ratios = [30, 25, 20, 15, 10, 5, 0, -5]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    for axes, noise in zip(figure.axes, ("white", "pink"), strict=True):
        assert axes.get_title() == f"{noise} noise"
        assert axes.xaxis_inverted()
        for line, band, label, recipe in zip(axes.lines, axes.collections, labels, SCHEMES, strict=True):
            found = heard(results, "ten", recipe)
            means, errors = zip(*(mean_of_folds(found[noise, None, ratio]) for ratio in ratios), strict=True)
            assert list(line.get_xdata()) == ratios
            assert list(line.get_ydata()) == pytest.approx(means)
            edges = band.get_paths()[0].vertices
            assert edges[:, 1].max() == pytest.approx(max(m + e for m, e in zip(means, errors, strict=True)))
            trapezoids = sum((a + b) / 2 * 5 for a, b in itertools.pairwise(means)) / 35
            assert f"{trapezoids:.1f} {noise}" in label
            assert label.startswith(params.all_recipes[recipe].title)
    assert "bands: 95 % intervals (Student's t over folds' means, " in caption


def test_one_run_alone_has_no_interval(drawn: Drawn) -> None:
    """Neither drawn nor spoken of, but for what its number of clips leaves open."""
    for name in FIGURES.keys() - {"figure4"}:
        figure, caption = drawn("alone", name)
        assert "interval" not in caption, name
        for axes in figure.axes:
            assert all(math.isnan(half) for axis in (0, 1) for _, half, _ in bars(axes, axis))


def test_comparison_shows_what_the_table_says(drawn: Drawn, collections: Callable[[str], Collection]) -> None:
    collection = collections("ten")
    figure, caption = drawn("ten", "comparison")
    (axes,) = figure.axes
    found = [compare(collection, "esc10", protocol) for protocol in ("best_epoch", "last_epoch")]
    expected = [pair for pairs in zip(*found, strict=True) for pair in pairs]
    drawn_means = bars(axes, 0)
    assert [mean for mean, _, _ in drawn_means] == pytest.approx([pair.mean.mean for pair in expected])
    assert [half for _, half, _ in drawn_means] == pytest.approx([pair.mean.half for pair in expected])
    strips = [line for line in axes.lines if line.get_alpha() == 0.7]
    accuracy = {(r.run.recipe, r.run.fold, r.run.seed): 100 * r.metrics.accuracy.best_epoch for r in collection.own}
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
        names = list(rows.columns[3:])
        for label, clips in rows.groupby("label"):
            right = (clips[names].to_numpy().argmax(axis=1) == label).mean()
            expected[names[label].replace("_", " ")][recipe] = 100 * right
    figure, _ = drawn(study, "per_class")
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
    figure, caption = drawn("gaps", "representations")
    assert "fold 2, seed 0" in caption  # the first that hybrid has as well
    assert "fold 1, seed 0" in drawn("ten", "representations")[1]
    collection = collections("gaps")
    for axes, recipe in zip(figure.axes, SCHEMES, strict=True):
        (evaluation,) = [e for e in collection.evaluated("esc10", recipe) if (e.run.fold, e.run.seed) == (2, 0)]
        distances = evaluation.distances
        numbers = f"intra/inter {distances.ratio:.2f}, silhouette {distances.silhouette:.2f}"
        assert axes.get_title() == f"{params.all_recipes[recipe].title}\n{numbers}"
        points = np.concatenate([line.get_xydata() for line in axes.lines])
        assert sorted(map(tuple, points)) == sorted(map(tuple, evaluation.projection[["x", "y"]].to_numpy()))
        assert len({(line.get_color(), line.get_marker()) for line in axes.lines}) == 10
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [name.replace("_", " ") for name in ESC10_CLASSES]
    for words in ("t-SNE", "mean silhouette", "distances, sizes and gaps say little"):
        assert words in caption
    without_hybrid = {r: collection.evaluated("esc10", r) for r in SCHEMES[:2]}
    chosen = one_of_each(without_hybrid)
    assert {(e.run.fold, e.run.seed) for e in chosen.values()} == {(1, 0)}
    assert one_of_each({}) == {}


def test_representations_of_many_classes_mark_the_worst(drawn: Drawn, collections: Callable[[str], Collection]) -> None:
    figure, caption = drawn("fifty", "representations")
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
    monkeypatch.setattr("soundclr.report.artefacts.figures.calibration.FEWEST", fewest)
    with styled():
        figure, _ = FIGURES["calibration"].make(collections("ten"), "esc10")
    (axes,) = figure.axes
    (legend,) = figure.legends
    lines = axes.lines[1:]  # after the diagonal
    for recipe, line, label in zip(SCHEMES, lines, legend.get_texts(), strict=True):
        bins: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
        for result in collections("ten").of("esc10", recipe):
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


def test_selection_bias_by_run_and_by_protocol(drawn: Drawn, collections: Callable[[str], Collection]) -> None:
    collection = collections("ten")
    figure, caption = drawn("ten", "selection_bias")
    above, below = figure.axes
    expected, protocols = [], []
    strips = [line for line in above.lines if line.get_alpha() == 0.7]
    for recipe, strip in zip(SCHEMES, strips, strict=True):
        best, last = (accuracies(collection, recipe, f"{epoch}_epoch") for epoch in ("best", "last"))
        gains = {fold: [a - b for a, b in zip(best[fold], last[fold], strict=True)] for fold in best}
        expected.append(mean_of_folds(gains))
        assert sorted(strip.get_xdata()) == pytest.approx(sorted(itertools.chain(*gains.values())))
        assert len(set(map(tuple, strip.get_xydata()))) == 6  # equal gains are piled up
        # Seed 0 alone, since only that has an inner fold's run.
        protocols += [mean_of_folds({fold: values[:1] for fold, values in by_fold.items()}) for by_fold in (best, last)]
        protocols.append(mean_of_folds(accuracies(collection, f"{recipe}_inner")))
    assert [bar[:2] for bar in bars(above, 0)] == [pytest.approx(pair) for pair in expected]
    assert [text.get_text() for text in above.texts] == [f"{mean:+.2f}".replace("-", "−") for mean, _ in expected]
    assert [bar[:2] for bar in bars(below, 0)] == [pytest.approx(pair) for pair in protocols]
    assert [bar[2] for bar in bars(below, 0)][::3] == list(COLOURS[:3])
    assert "one fold less is learned from (9 of 9 runs with an inner fold)." in caption
    assert len(drawn("fifty", "selection_bias")[0].axes) == 1
    assert "inner" not in drawn("fifty", "selection_bias")[1]


@pytest.mark.parametrize(
    ("study", "label", "words"),
    [
        ("ten", "held-out accuracy (%)", "Held-out accuracy"),
        ("inner", "inner-fold accuracy (%)", "Inner-fold accuracy"),
        ("mixed", "validation accuracy (%)", "an inner fold for cross-entropy, inner fold)"),
    ],
)
def test_curves_say_whose_accuracy_they_show(drawn: Drawn, study: str, label: str, words: str) -> None:
    figure, caption = drawn(study, "curves")
    assert figure.axes[0].get_ylabel() == label
    assert words in caption


def test_curves_are_of_the_studys_own_recipes(drawn: Drawn) -> None:
    figure, _ = drawn("ten", "curves")
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["cross-entropy", "supervised contrastive", "hybrid (SoundCLR)"]
