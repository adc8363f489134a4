"""Schemes at several budgets, and recipes with one change: what their figure and table take from which runs."""

from pathlib import Path

import pytest

from soundclr.params import Params
from soundclr.params.studies import Registration
from soundclr.report.captions import registration
from soundclr.report.collect import collect
from soundclr.report.papers.soundclr.figures import budget_curve, budgets
from soundclr.report.style import styled
from soundclr.run.runs import expand
from support.byhand import make, texts
from support.fabricate import fabricate, trial_params


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    changes = {
        "seeds": [0],
        "artefacts": {
            "budget_curve": {"recipes": ["cross_entropy_50", "supervised_contrastive_50", "hybrid_50"]},
            "variants": {"recipes": ["contrastive_on_h", "hybrid_temperature_01"]},
        },
    }
    return trial_params(repo, trial=changes)


@pytest.fixture(scope="module")
def results(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for run in expand(params, "trial"):
        if (run.recipe, run.fold) != ("cross_entropy_50", 5):
            fabricate(params, run, folder)
    return folder


def test_each_scheme_has_its_budgets_in_order(params: Params, results: Path) -> None:
    found = budgets(collect(params, "trial", results), "esc10")
    assert {scheme: {epochs: len(runs) for epochs, runs in lines.items()} for scheme, lines in found.items()} == {
        "cross_entropy": {6: 5},  # at 50 epochs a fold is missing
        "supervised_contrastive": {6: 5, 50: 5},
        "hybrid": {6: 5, 50: 5},
    }


def test_the_curve_has_the_schemes_and_their_differences(params: Params, results: Path) -> None:
    collection = collect(params, "trial", results)
    with styled():
        drawing = budget_curve(collection, "esc10")
    assert drawing is not None
    above, below = drawing.figure.axes
    assert "hybrid (SoundCLR) minus each other scheme" in drawing.caption
    lines = [line.get_ydata() for line in above.lines if len(line.get_xdata()) > 1]
    dotted = sorted(values[0] for values in lines if len(set(values)) == 1)
    assert [float(value) for value in dotted] == [99.0, 99.25, 99.6]  # the paper's Table III
    assert [len(one[0].get_xdata()) for one in below.containers] == [1, 2]
    assert "schemes that lack runs at a budget are left out there" in drawing.caption
    # Its intervals are the table's.
    line = next(row for row in make(collection, "budgets").records if row["claim"] == "hybrid_sc_50")
    ends = [(low, high) for (_, low), (_, high) in below.containers[1][2][0].get_segments()]
    assert pytest.approx((line["low"], line["high"])) in ends


def test_a_variant_is_compared_with_the_scheme_that_it_builds_on(params: Params, results: Path) -> None:
    collection = collect(params, "trial", results)
    records = {record["recipe"]: record for record in make(collection, "variants").records}
    assert {name: record["scheme"] for name, record in records.items()} == {
        "contrastive_on_h": "supervised_contrastive",
        "hybrid_temperature_01": "hybrid",
    }

    def mean(recipe: str) -> float:
        accuracies = [
            result.metrics.accuracy.last_epoch for result in collection.results if result.run.recipe == recipe
        ]
        return 100 * sum(map(float, filter(None, accuracies))) / len(accuracies)

    for name, record in records.items():
        assert record["difference_points"] == pytest.approx(mean(name) - mean(record["scheme"]))
        assert record["low_points"] < record["difference_points"] < record["high_points"]


def test_a_registered_studys_page_names_its_registration(params: Params, results: Path) -> None:
    registered = Registration(file="docs/mine.yaml", commit="0123456789" * 4, time="2026-01-01T00:00:00Z")
    study = params.studies["trial"].model_copy(update={"registered": registered})
    of_it = params.model_copy(update={"studies": {**params.studies, "trial": study}})
    collection = collect(of_it, "trial", results)
    (fact,) = registration(collection)
    assert fact.startswith(
        "Registered in docs/mine.yaml by commit 0123456 at 2026-01-01T00:00:00Z; the first run ended at "
    )
    assert "2026-01-02T03:04:05Z. Changed since: nothing. The analysis that is registered" in fact
    assert list(registration(collect(params, "trial", results))) == []


def test_seeds_are_named_where_a_table_has_fewer(params: Params, results: Path) -> None:
    whole = collect(params, "trial", results)
    assert whole.fewer_seeds("variants") == ""
    study = params.studies["trial"].model_copy(update={"seeds": (0, 1)})
    artefacts = {key: one.model_copy(update={"seeds": (0,)}) for key, one in study.artefacts.items()}
    some = params.model_copy(update={"studies": {"trial": study.model_copy(update={"artefacts": artefacts})}})
    assert collect(some, "trial", results).fewer_seeds("variants") == ", seed 0 only"


def test_a_scheme_with_fewer_runs_than_others_says_so(params: Params, tmp_path: Path) -> None:
    for run in expand(params, "trial"):
        if run.fold == 1 or run.recipe == "cross_entropy":
            fabricate(params, run, tmp_path)
    collection = collect(params, "trial", tmp_path)
    assert [collection.label(recipe, dataset="esc10") for recipe in collection.recipes] == [
        "cross-entropy",
        "supervised contrastive, 1 of 5 runs",
        "hybrid (SoundCLR), 1 of 5 runs",
    ]
    assert collection.label("hybrid_50", "budget_curve") == "hybrid, 50 epochs"  # all of them have fold 1 only


def test_a_scheme_is_above_baselines_of_its_own_folds(repo: Path, tmp_path: Path) -> None:
    params = trial_params(repo, trial={"seeds": [0], "artefacts": {"baselines": {"recipes": ["baseline_statistics"]}}})
    skills = {("baseline_statistics", 1): 0.95, ("hybrid", 1): 0.8}
    for run in expand(params, "trial"):
        skill = skills.get((run.recipe, run.fold), 0.3)
        if run.recipe in ("baseline_statistics", "cross_entropy") or (run.recipe, run.fold) in skills:
            fabricate(params, run, tmp_path, test_clips=200, skill=skill)
    table = make(collect(params, "trial", tmp_path), "overview")
    above = {record["recipe"]: record["above_baselines"] for record in table.records}
    accuracy = {record["recipe"]: record["last_epoch_percent"] for record in table.records}
    assert accuracy["hybrid"] > accuracy["baseline_statistics"]  # of five folds
    assert above["hybrid"] == "no"  # by fold 1 alone
    assert above["supervised_contrastive"] == ""
    shown = {row[1]: row[3] for row in texts(table)}
    assert shown["hybrid (SoundCLR)"].endswith(" † ‡") and "†" not in shown["cross-entropy"]
    assert "to be compared only on the same folds" in table.caption
