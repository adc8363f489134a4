"""Each figure: nothing overlaps, it says what it is of, and it says so where runs are missing."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib.layout_engine import PlaceHolderLayoutEngine

from soundclr.method import load_checked
from soundclr.params import Params
from soundclr.report.catalogue import figure_title, figures_of
from soundclr.report.collect import collect
from soundclr.report.style import COLUMN, PAGE, lay_out, look, new_figure, styled
from soundclr.report.write import write_figures
from soundclr.training.solvers import takes_steps
from support.drawing import FIGURES, Drawn, bars, texts


@pytest.mark.parametrize(
    ("study", "name"),
    [
        *itertools.product(("ten",), FIGURES),
        *itertools.product(("fifty",), ("figure3", "per_class", "confusion", "representations")),
        *itertools.product(("gaps",), ("figure3", "figure4", "comparison", "representations")),
    ],
)
def test_nothing_overlaps_and_nothing_is_cut_off(drawn: Drawn, study: str, name: str) -> None:
    figure, caption, _ = drawn(study, name)
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
    """It may stand alone: above, what it shows and the dataset; below, the study and how it differs from the paper."""
    found = [text.get_text().replace("\n", " ").replace("\xa0", " ") for text in texts(drawn("ten", name)[0])]
    assert found.count(figure_title(FIGURES[name], "ESC-10")) == 1
    epochs = "6 or 50 (800)" if name in ("budget_curve", "forest") else "6 (800)"
    beside = f"Here (full study): epochs {epochs}. As there: network, image, batch, rate, masks"
    assert [text for text in found if text.startswith("Study ten")] == [f"Study ten: a trial. {beside}"]


def test_figures_of_a_study(params: Params) -> None:
    def names(study: str, dataset: str) -> list[str]:
        return [figure.name for figure in figures_of(params, study, dataset)]

    assert names("ten", "esc10") == list(FIGURES)
    assert names("bare", "us8k") == [
        "figure4",
        "forest",
        "calibration",
        "confusion",
        "curves",
        "per_class",
    ]
    with_noise = {"figure5", "noise_snr", "representations"}
    assert with_noise < set(names("paper", "esc50"))
    assert with_noise < set(names("paper", "us8k"))
    assert "figure3" not in names("paper", "us8k")
    assert not with_noise & set(names("bare", "us8k"))


def test_without_runs_a_sentence_stands_in_the_figure(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = {}
    monkeypatch.setattr("soundclr.report.write.save", lambda figure, png: saved.setdefault(png.stem, figure))
    collection = collect(params, "empty", tmp_path)
    assert not any(shown.there for shown in write_figures(collection, tmp_path))
    assert set(saved) == {f"{name}-esc10" for name in FIGURES}
    for stem, figure in saved.items():
        title = figure_title(FIGURES[stem.removesuffix("-esc10")], "ESC-10")
        assert [text.get_text().replace("\n", " ") for text in texts(figure)] == [f"{title}: not enough runs yet"]


def test_one_run_alone_has_no_interval(drawn: Drawn) -> None:
    """Neither drawn nor spoken of, but for what its number of clips leaves open; claims resample its recordings."""
    for name in FIGURES.keys() - {"figure4", "forest", "budget_curve"}:
        figure, caption, _ = drawn("alone", name)
        assert "interval" not in caption, name
        for axes in figure.axes:
            assert all(math.isnan(half) for axis in (0, 1) for _, half, _ in bars(axes, axis))


@pytest.mark.slow
def test_a_scheme_has_one_look_in_the_figures_of_all_runs_and_of_some(repo: Path) -> None:
    """A figure without some runs, as without baselines, gives the others the colours that they have beside them."""
    collection = collect(load_checked(repo / "params.yaml"), "clar_quick_esc10", repo / "results")
    some = collection.only(takes_steps)
    assert len(some.every) < len(collection.every)
    for recipe in {recipe for choice in some.expected for recipe in some.recipes_of(choice)}:
        assert look(some, recipe) == look(collection, recipe)


def test_axes_are_placed_at_rounded_positions() -> None:
    """The layout's last digits differ from run to run; six decimals of a figure's width are the same each time."""
    figure = new_figure(COLUMN, 2.0)
    with styled():
        for axes in figure.subplots(1, 2):
            axes.set_ylabel("accuracy (%)")
        figure.set_layout_engine("constrained")
        lay_out(figure)
    assert figure.get_layout_engine() is None or isinstance(figure.get_layout_engine(), PlaceHolderLayoutEngine)
    for axes in figure.axes:
        bounds = axes.get_position(original=True).bounds
        assert bounds == pytest.approx([round(part, 6) for part in bounds], abs=1e-12)
        assert 0.05 < bounds[0] < 0.95 and bounds[2] > 0.2
