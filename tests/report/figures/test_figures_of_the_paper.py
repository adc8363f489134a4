"""Figures 3, 4 and 5 of SoundCLR, against sums done here by hand."""

import itertools
import math
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from soundclr.params import Params
from soundclr.report.collect import Collection
from soundclr.report.papers.soundclr.figures import power
from soundclr.report.papers.soundclr.reading import describe
from support.drawing import LADDER, SCHEMES, Drawn, accuracies, bars, mean_of_folds, noise_accuracies


def test_figure3_shows_each_step(drawn: Drawn, collections: Callable[[str], Collection]) -> None:
    collection = collections("fifty")
    figure, caption, _ = drawn("fifty", "figure3")
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
    assert [lines[2:] for lines in beside] == [[], [], [], ["[≥ +4.00]"], ["[+1.60]"], ["[+1.45]"]]
    assert "open: the paper's values" in caption
    assert "95 %" not in caption  # of two folds
    assert "bars: 95 % intervals (Student's t over folds' means, " in drawn("ten", "figure3")[1]
    assert drawn("ten", "figure3")[1].endswith("; the paper has these steps on ESC-50.")


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


def test_figure4_has_means_and_no_lines_between_folds(drawn: Drawn, collections: Callable[[str], Collection]) -> None:
    """Two seeds of three folds: points without bars, and the mean of all folds with its interval."""
    figure, caption, _ = drawn("ten", "figure4")
    (axes,) = figure.axes
    expected = []
    for recipe, epoch in itertools.product(SCHEMES, ("best_epoch", "last_epoch")):
        of_folds = accuracies(collections("ten"), recipe, epoch)
        expected += [(statistics.fmean(of_folds[fold]), math.nan) for fold in (1, 2, 3)]
        expected.append(mean_of_folds(of_folds))
    assert [bar[:2] for bar in bars(axes, 1)] == [pytest.approx(pair, nan_ok=True) for pair in expected]
    for line in axes.lines:
        assert line.get_linestyle() == "None" or len(set(line.get_xdata())) == 1
    assert [text.get_text() for text in axes.get_xticklabels()] == ["fold 1", "fold 2", "fold 3", "mean"]
    assert axes.get_ylim()[0] > 10 and "chance is 10 %." in caption and "small: seeds" in caption


def test_figure4_of_one_seed_shows_what_its_clips_leave_open(
    drawn: Drawn, collections: Callable[[str], Collection]
) -> None:
    figure, caption, _ = drawn("fifty", "figure4")
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
    figure, caption, _ = drawn("ten", "figure5")
    (axes,) = figure.axes
    expected = []
    for recipe in SCHEMES:
        found = noise_accuracies(results, "ten", recipe)
        expected += [mean_of_folds(found["white", sigma, None]) for sigma in (0.0, 1e-4, 5e-4, 1e-3)]
    assert [bar[:2] for bar in bars(axes, 1)] == [pytest.approx(pair) for pair in expected]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "0", "$10^{-4}$", "$5\\cdot10^{-4}$", "$10^{-3}$"
    ]  # fmt: skip
    assert "models are evaluated" not in caption


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (0.02, "$2\\cdot10^{-2}$"), (1.0, "$10^{0}$")])
def test_power(value: float, text: str) -> None:
    assert power(value) == text
