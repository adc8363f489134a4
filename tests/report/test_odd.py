"""Few clips, few runs, names that mean something to pandas, matplotlib, LaTeX or a page; and damaged files."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.report import letters
from soundclr.report.collect import collect
from soundclr.report.style import class_title, new_figure, styled
from soundclr.report.write import write_report
from soundclr.run.runs import Run, evaluated, expand
from support.fabricate import edit, fabricate, fabricate_evaluation, trial_params

NAMES = ("class", "stage", "epochs", r"$\foo$", "_x", "1", "nan", "# 1. -", "a & b", "x" * 300)
"""Names of classes."""

TITLE = r"$\foo$ <script> .. include:: /etc/passwd & _x_ [1] 50 % #1"


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    """``few`` has two folds, two schemes and every figure, of a dataset and recipes with odd titles."""
    content = trial_params(
        repo,
        few={
            "title": TITLE,
            "note": TITLE,
            "folds": [1, 2],
            "seeds": [0],
            "recipes": ["cross_entropy", "hybrid"],
            "evaluate": {},
            "artefacts": {
                "table1": {"recipes": ["cross_entropy", "masks_f0_t0"]},
                "table2": {"recipes": ["alpha_001", "hybrid"]},
                "figure3": {"recipes": ["masks_f0_t0", "cross_entropy"]},
                "protocols": {"recipes": ["cross_entropy_inner"]},
            },
        },
    ).model_dump(mode="json")
    content["datasets"]["esc10"]["title"] = content["recipes"]["hybrid"]["title"] = TITLE
    content["recipes"]["cross_entropy"]["title"] = r"_x $\foo$"
    return Params.model_validate(content)


def few(params: Params, results: Path, wanted: Callable[[Run], bool] = lambda run: True, **made: Any) -> None:
    """The runs of ``few``, and their evaluations, whose distances are not defined."""
    heard = set(evaluated(params, "few"))
    for run in filter(wanted, expand(params, "few")):
        fabricate(params, run, results, **made)
        if run in heard:
            folder = fabricate_evaluation(params, run, results)
            if made.get("test_clips", 20) <= 10:
                edit(folder, name="evaluation.json", distances=dict.fromkeys(("intra", "inter", "ratio", "silhouette")))


@pytest.fixture
def report(params: Params, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write the report of ``few`` into a folder, without a warning, its figures laid out but not saved; its page."""

    def save(figure: Figure, png: Path) -> None:
        figure.draw_without_rendering()

    def write(folder: Path, params: Params = params) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            paths = write_report(params, "few", folder / "results", folder / "figures")
        assert all(path.stat().st_size for path in paths if path.suffix in (".md", ".tex", ".html", ".json", ".rst"))
        return (folder / "results/few/README.md").read_text()

    monkeypatch.setattr("soundclr.report.write.save", save)
    return write


@pytest.mark.slow
@pytest.mark.parametrize(
    ("runs", "made"),
    [
        (lambda run: False, {}),
        (lambda run: (run.recipe, run.fold) == ("hybrid", 2), {}),
        (lambda run: run.recipe == "cross_entropy_inner", {}),
        (lambda run: True, {"test_clips": 10}),
        (lambda run: True, {"test_clips": 1, "skill": 1.1}),
        (lambda run: True, {"skill": 0.0}),
    ],
    ids=["nothing", "one run", "only an inner fold", "one clip a class", "one clip", "all wrong"],
)
def test_a_report_of_few_or_poor_runs(
    params: Params,
    report: Callable[[Path], str],
    tmp_path: Path,
    runs: Callable[[Run], bool],
    made: dict[str, Any],
) -> None:
    few(params, tmp_path / "results", runs, **made)
    page = report(tmp_path)
    assert f"{sum(map(runs, expand(params, 'few')))} of {len(list(expand(params, 'few')))} runs" in page


def test_classes_may_have_any_name(params: Params, report: Callable[[Path], str], tmp_path: Path) -> None:
    few(params, tmp_path / "results", classes=NAMES)
    found = collect(params, "few", tmp_path / "results")
    for result in found.results:
        assert list(result.predictions.columns[4:]) == list(NAMES)
        assert all(pd.api.types.is_float_dtype(kind) for kind in result.predictions.dtypes[4:])
    report(tmp_path)


SCRIPTS = (
    "鳥",
    "犬",
    "개",
    "क",
    "ก",
    "🐶 dog",
    "Кот",
    "é",
    "鳥の鳴き声が遠くから聞こえる朝",
    "鳥の鳴き声が遠くから聞こえる夜",
)
"""Names of classes in letters that DejaVu Sans lacks, but for two."""


@pytest.fixture
def in_scripts(params: Params) -> Params:
    """``few`` with a dataset, recipes and a study called so."""
    content = params.model_dump(mode="json")
    content["datasets"]["esc10"]["title"] = content["studies"]["few"]["title"] = "環境音"
    content["recipes"]["hybrid"]["title"] = "नमस्ते hybrid"
    return Params.model_validate(content)


def test_letters_that_no_font_has_are_numbers_that_the_page_explains(
    in_scripts: Params, report: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No box is drawn, which would be a warning; equal for a recipe's title and for classes, each told apart."""
    monkeypatch.setattr(letters, "font_with", lambda letter: None)
    few(in_scripts, tmp_path / "results", classes=SCRIPTS)
    page = report(tmp_path, in_scripts)
    assert "鳥 (U+9CE5 in the figure), 犬 (U+72AC in the figure), " in page
    assert "🐶 dog (U+1F436 dog in the figure)" in page and "नमस्ते hybrid (U+0928…" in page
    assert "Кот (" not in page and "![Confusion matrices, 環境音; some names are numbers of letters]" in page
    with styled():
        long = {class_title(name) for name in SCRIPTS[-2:]}
    assert len(long) == 2 and all(len(name) == 11 and name.startswith("U+9CE5…") for name in long)


def test_another_font_that_has_the_letters_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was installed after matplotlib last looked; the figures' own stays the first, and alone if it does."""
    monkeypatch.setattr("matplotlib.font_manager.fontManager.ttflist", list(fontManager.ttflist))
    monkeypatch.setattr(letters, "findSystemFonts", lambda: [str(write_font(tmp_path / "x.ttf", "鳥"))])
    for function in (letters.font_with, letters.installed):
        function.cache_clear()
    try:
        with styled(), warnings.catch_warnings():
            warnings.simplefilter("error")
            assert class_title("dog") == "dog" and matplotlib.rcParams["font.family"] == ["DejaVu Sans"]
            assert class_title("鳥_犬") == "鳥 U+72AC"
            assert matplotlib.rcParams["font.family"] == ["DejaVu Sans", "A Test Font"]
            figure = new_figure(1, 1)
            figure.text(0, 0, class_title("a 鳥"))
            figure.draw_without_rendering()
    finally:
        for function in (letters.font_with, letters.installed):
            function.cache_clear()


def write_font(path: Path, letter: str) -> Path:
    """A font that has one letter, as a square."""
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(letter): "square"})
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 700), (700, 700), (700, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "square": (1000, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "A Test Font", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


DAMAGES: dict[str, Callable[[Path], object]] = {
    "metrics.json cut short": lambda folder: (folder / "metrics.json").write_text('{"format"'),
    "metrics.json empty": lambda folder: (folder / "metrics.json").write_bytes(b""),
    "metrics.json edited": lambda folder: edit(folder, seal=False, epochs=2),
    "metrics.json of another version": lambda folder: edit(folder, format=99),
    "metrics.json lacks a field": lambda folder: edit(folder, device=None),
    "metrics.json of other clips": lambda folder: edit(folder, clips={"train": 80, "test": 21}),
    "predictions.csv missing": lambda folder: (folder / "predictions.csv").unlink(),
    "history.csv empty": lambda folder: (folder / "history.csv").write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_says_what_to_do(params: Params, tmp_path: Path, damage: str) -> None:
    run = next(expand(params, "few"))
    DAMAGES[damage](fabricate(params, run, tmp_path))
    with pytest.raises(
        UserError, match=r"[a-z]: .*; restore the run folder from git or delete it and train the run again$"
    ):
        collect(params, "few", tmp_path)


@pytest.mark.parametrize("changes", [{"format": 99}, {"clips": 3}, {"accuracy": []}, {"device": None}, {"key": "x"}])
def test_a_damaged_evaluation_says_what_to_do(params: Params, tmp_path: Path, changes: dict[str, Any]) -> None:
    run = evaluated(params, "few")[0]
    fabricate(params, run, tmp_path)
    edit(fabricate_evaluation(params, run, tmp_path), name="evaluation.json", **changes)
    with pytest.raises(UserError, match=r"; restore the folder from git or delete it and evaluate the run again$"):
        collect(params, "few", tmp_path)
