"""CLAR's table and figures: what a run is in its terms, and the numbers that they show, from made-up runs."""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from soundclr.params import Params, load
from soundclr.report.catalogue import ARTEFACTS
from soundclr.report.claims.of_study import claims_of, sides_of
from soundclr.report.collect import Collection, collect
from soundclr.report.intervals import INTERVALS, OF_CLIPS, interval
from soundclr.report.papers.clar.reading import LINEAR, MLP, OWN_HEAD, Method, method_of, methods, of_all_labels
from soundclr.report.style import styled
from soundclr.report.write import drawn as named
from soundclr.run.runs import expand
from support.byhand import make, near, rows, texts
from support.drawing import bars
from support.fabricate import fabricate, trial_params

SKILL = {"clar_supervised": 0.5, "clar_supervised_10": 0.4, "clar": 0.7, "clar_10": 0.65, "clar_probe": 0.9}
PROBES = ["clar_probe", "clar_probe_10", "linear_probe", "linear_probe_10"]
GRID = {"one": ["scale"], "other": ["time_mask"], "both": ["scale", "time_mask"]}


@pytest.fixture(scope="module")
def collection(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    settings: dict[str, Any] = {
        "encoder": "small",
        "encoders": {"resnet18_1d": {"width": 16}},
        "start": {"weights": "none"},
        "crop": {"train": "centre"},
        "training": {"epochs": 5, "patience": 5},
    }
    artefacts = {
        "clar_schemes": {"recipes": ["clar_supervised", "clar", "clar_probe", "clar_1d", "mlp_probe", "cross_entropy"]},
        "label_fractions": {"recipes": ["clar_supervised_10", "clar_supervised", "clar", "clar_10", *PROBES]},
        "convergence": {"recipes": ["clar_self_supervised", "clar", "cross_entropy"]},
        "augmentation_grid": {"recipes": list(GRID)},
    }
    study = {
        "paper": "clar",
        "recipes": ["clar"],
        "folds": [1, 2, 3],
        "seeds": [0],
        "settings": settings,
        "artefacts": artefacts,
    }
    params = trial_params(repo, clar=study)
    content = params.model_dump(mode="json")
    for name, augment in GRID.items():
        content["recipes"][name] = {"title": name, "base": "cross_entropy", "settings": {"augment": augment}}
    params = Params.model_validate(content)
    folder = tmp_path_factory.mktemp("clar")
    for run in expand(params, "clar"):
        fabricate(params, run, folder, test_clips=40, skill=SKILL.get(run.recipe, 0.6))
    return collect(params, "clar", folder)


@pytest.fixture(scope="module")
def results(collection: Collection) -> Callable[[str], list[float]]:
    """``results(recipe)``: accuracies after the last epoch, a fold each, in percent."""
    return lambda recipe: [
        100 * (result.metrics.accuracy.last_epoch or 0) for result in collection.results if result.run.recipe == recipe
    ]


def drawn(collection: Collection, name: str) -> Any:
    (artefact,) = (one for one in ARTEFACTS if one.name == name)
    with styled():
        return named(artefact, collection, "esc10")


@pytest.fixture(scope="module")
def quick(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """The real study of both papers' schemes, without runs."""
    return collect(load(repo / "params.yaml"), "clar_quick", tmp_path_factory.mktemp("quick"))


def test_shares_of_labels_are_one_scheme(quick: Collection) -> None:
    found = methods(quick, "words10", "clar_schemes")
    for recipe, title in (("hybrid", "hybrid (SoundCLR)"), ("cross_entropy", "cross-entropy")):
        assert [found[name] for name in (recipe, f"{recipe}_10")] == [
            Method(title, "2-D", OWN_HEAD, share) for share in (1.0, 0.1)
        ]
    assert of_all_labels(quick, "words10", "label_fractions")["clar_probe_10"] == "clar_probe"


def test_what_the_paper_does_not_claim_is_asked_without_a_verdict(quick: Collection) -> None:
    """SoundCLR's losses from random weights are our question here."""
    found = {line["claim"]: line for line in rows(quick, "claims")}
    assert {"joint", "few_labels_10", "hybrid_ce"} <= found.keys()
    assert found["hybrid_ce"]["kind"] == "also asked"
    assert found["hybrid_ce"]["verdict"] == "no verdict"
    assert "augmentations" not in found  # its grid is another study's


@pytest.mark.parametrize(
    ("recipe", "method"),
    [
        ("clar_supervised_10", Method("supervised", "2-D", OWN_HEAD, 0.1)),
        ("clar", Method("joint", "2-D", OWN_HEAD, 1.0)),
        ("clar_1d", Method("joint", "1-D, width 16", OWN_HEAD, 1.0)),
        ("clar_probe_1", Method("joint", "2-D", LINEAR, 0.01)),
        ("linear_probe_1d", Method("self-supervised", "1-D, width 16", LINEAR, 1.0)),
        ("mlp_probe", Method("self-supervised", "2-D", MLP, 1.0)),
        ("supervised_contrastive", Method("supervised contrastive", "2-D", LINEAR, 1.0)),
    ],
)
def test_a_run_in_clars_terms(collection: Collection, recipe: str, method: Method) -> None:
    assert method_of(collection, "esc10", recipe) == method


def half_by_hand(folds: list[float]) -> float:
    """Half of the 95 % interval of three folds: Student's t with two degrees of freedom is 4.3027."""
    return 4.3027 * statistics.stdev(folds) / 3**0.5


def cell(folds: list[float]) -> str:
    mean, half = statistics.fmean(folds), half_by_hand(folds)
    return f"{mean:.2f} [{mean - half:.1f}, {mean + half:.1f}]"


def test_schemes_by_encoder(collection: Collection, results: Callable[[str], list[float]]) -> None:
    by_recipe = {line["recipe"]: line for line in rows(collection, "clar_schemes")}
    for recipe, line in by_recipe.items():
        assert float(line["last_epoch_percent"]) == near(statistics.fmean(results(recipe)))
    table = make(collection, "clar_schemes")
    assert [column.group for column in table.page][3:] == ["2-D", "2-D", "1-D, width 16", "2-D"]
    page = {row[1]: row[2:] for row in texts(table)}
    joint = [cell(results(recipe)) for recipe in ("clar", "clar_probe", "clar_1d")]
    assert page["joint"] == ["100 %", *joint, "–"]
    # The same in CLAR's terms as its own supervised scheme: told apart by its title.
    assert page["cross-entropy"][1] == cell(results("cross_entropy"))
    lowest = statistics.fmean(results("clar")) - half_by_hand(results("clar"))
    assert float(by_recipe["clar"]["last_epoch_low_percent"]) == near(lowest)
    assert "18 of 18 runs" in table.caption


def test_shares_of_labels(collection: Collection, results: Callable[[str], list[float]]) -> None:
    """A panel a share, a row a scheme: the mean of its folds with their interval."""
    drawing = drawn(collection, "label_fractions")
    panels = drawing.figure.axes
    schemes = ("clar_supervised", "clar", "clar_probe", "linear_probe")
    assert [axes.get_title() for axes in panels] == ["10 % of the labels", "100 % of the labels"]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == list(map(collection.scheme, schemes))
    for axes, suffix in zip(panels, ("_10", ""), strict=True):
        for recipe, (value, half, _) in zip(schemes, bars(axes, 0), strict=True):
            folds = results(f"{recipe}{suffix}")
            assert (value, half) == pytest.approx((statistics.fmean(folds), half_by_hand(folds)), rel=1e-3)
    assert "chance is 10 %" in drawing.caption
    assert "single run" not in drawing.caption


def test_the_interval_of_a_single_run_is_of_its_clips(collection: Collection) -> None:
    """Wilson's interval by its formula: (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)."""
    runs = collection.finished("esc10", "clar", "label_fractions")
    clips = runs[0].metrics.clips.test
    right, z = runs[0].metrics.accuracy.last_epoch or 0, 1.959964
    middle = (right + z**2 / (2 * clips)) / (1 + z**2 / clips)
    half = z * (right * (1 - right) / clips + z**2 / (4 * clips**2)) ** 0.5 / (1 + z**2 / clips)
    rows = collection.done("esc10", "clar", "label_fractions")
    ends = interval(rows[:1], "last_epoch")
    assert ends.kind == OF_CLIPS
    assert (ends.low, ends.high) == pytest.approx((100 * (middle - half), 100 * (middle + half)), abs=1e-3)
    assert interval(rows, "last_epoch").kind == INTERVALS
    assert interval(rows[:2], "last_epoch").kind == ""


def test_convergence_is_of_those_that_were_probed(collection: Collection) -> None:
    drawing = drawn(collection, "convergence")
    axes = drawing.figure.axes[0]
    found = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines if len(line.get_xdata())]
    *found, (_, chance) = found
    assert chance == [10, 10]
    assert [epochs for epochs, _ in found] == [[2, 4], [2, 4]]
    skills = (0.6, 0.7)
    for (_, values), skill in zip(found, skills, strict=True):
        assert values == pytest.approx([100 * skill * (1 - 0.6**epoch) for epoch in (2, 4)], abs=1e-3)
    assert "mean and range over runs" in drawing.caption


def test_who_converges_faster_and_who_better(collection: Collection) -> None:
    """Both reach their own end as soon; CLAR's probe ends at 0.7 of what epoch 4 gives, the other's at 0.6."""
    found = {row["claim"]: row for row in rows(collection, "claims")}
    assert float(found["converges_faster"]["difference"]) == 0
    end = 100 * (1 - 0.6**4)
    better = found["converges_better"]
    assert float(better["ahead_mean"]) == pytest.approx(0.7 * end, abs=0.01)
    assert float(better["behind_mean"]) == pytest.approx(0.6 * end, abs=0.01)


def test_the_grid_of_augmentations(collection: Collection, results: Callable[[str], list[float]]) -> None:
    axes = drawn(collection, "augmentation_grid").figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["scale", "time mask"]
    shown = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}
    means = {recipe: f"{statistics.fmean(results(recipe)):.1f}" for recipe in GRID}
    assert shown == {(0, 0): means["one"], (1, 1): means["other"], (1, 0): means["both"]}  # column, row
    bold = [text.get_text() for text in axes.texts if text.get_weight() == "bold"]
    assert bold == [max(means.values(), key=float)] * len(bold)


def test_nothing_is_drawn_of_nothing(collection: Collection, tmp_path: Path) -> None:
    empty = collect(collection.params, "clar", tmp_path)
    assert [drawn(empty, name) for name in ("label_fractions", "convergence", "augmentation_grid")] == [None] * 3
    assert all("–" in row for row in texts(make(empty, "clar_schemes")))


def test_what_it_claims_is_held_against_its_studies(repo: Path) -> None:
    """Each of its claims has both sides in one of the studies."""
    params = load(repo / "params.yaml")
    having: dict[str, set[str]] = {}
    for study in ("clar", "clar_quick", "clar_quick_esc10", "clar_quick_augmentations"):
        paper, _ = claims_of(params, study)
        datasets = params.studies[study].datasets
        having[study] = {
            claim.id for claim in paper.claims if any(sides_of(params, study, name, claim) for name in datasets)
        }
    assert set().union(*having.values()) == {claim.id for claim in paper.claims}
    assert having["clar_quick_esc10"] == {"joint", "few_labels_10", "converges_faster", "converges_better"}
    assert having["clar_quick_augmentations"] == {"augmentations"}
