"""Which runs a study has, and how a run is known by its path and by its name."""

from itertools import product
from pathlib import Path

import pytest

from soundclr.errors import UserError
from soundclr.params import Selection
from soundclr.run.runs import Run, evaluated, expand, find_run, select
from support.real_params import changed_params

SCHEMES = ["cross_entropy", "supervised_contrastive", "hybrid"]
PARAMS = changed_params()


@pytest.mark.parametrize(("study", "count"), [("paper", 640), ("esc10", 205), ("clar_quick", 106), ("demo", 26)])
def test_a_study_expands_to_its_runs(study, count):
    expanded = list(expand(PARAMS, study))
    assert len(expanded) == len(set(expanded)) == count
    assert len({run.directory() for run in expanded}) == len({run.model() for run in expanded}) == count
    assert {run.study for run in expanded} == {study}
    for run in expanded[:: count // 5]:
        assert run == find_run(PARAMS, study, run.dataset, run.recipe, run.fold, run.seed)


def test_two_names_for_one_training_are_refused():
    twins = changed_params(recipes={"twin": {"title": "as hybrid", "base": "hybrid"}})
    study = twins.studies["demo"].model_copy(update={"recipes": ("hybrid", "twin")})
    with pytest.raises(UserError, match=r"demo: the recipes hybrid and twin have the same settings on demo"):
        list(expand(twins.model_copy(update={"studies": {"demo": study}}), "demo"))


def test_the_runs_of_an_artefact_are_among_those_of_the_study():
    runs_of_all = set(expand(PARAMS, "paper"))
    for chosen in PARAMS.studies["paper"].artefacts.values():
        of_it = list(select(PARAMS, "paper", chosen))
        assert of_it
        assert set(of_it) <= runs_of_all
    alphas = list(select(PARAMS, "paper", PARAMS.studies["paper"].artefacts["table2"]))
    assert {run.recipe for run in alphas} == {"hybrid", "alpha_001", "alpha_025", "alpha_075", "alpha_099"}
    assert {run.seed for run in alphas} == {0}


def test_evaluated_are_the_three_schemes_on_all_data():
    models = evaluated(PARAMS, "paper")
    assert len(models) == 300
    assert {(run.dataset, run.recipe) for run in models} == set(product(("esc10", "esc50", "us8k"), SCHEMES))
    assert set(models) <= set(expand(PARAMS, "paper"))
    assert evaluated(changed_params(studies={"esc10": {"evaluate": None}}), "esc10") == []


def test_evaluated_are_the_runs_of_every_choice_once():
    choices = [{"recipes": ["hybrid"], "seeds": [0]}, {"folds": [1], "seeds": [0, 1]}]
    models = evaluated(changed_params(studies={"esc10": {"evaluate": choices}}), "esc10")
    assert [(run.recipe, run.fold, run.seed) for run in models] == [
        *(("hybrid", fold, 0) for fold in range(1, 6)),
        *((recipe, 1, seed) for recipe in SCHEMES for seed in (0, 1) if (recipe, seed) != ("hybrid", 0)),
    ]


def test_each_choice_that_a_selection_leaves_out_is_the_study_s():
    all_of_it = list(select(PARAMS, "demo", Selection()))
    assert [(run.recipe, run.fold) for run in all_of_it] == [
        (recipe, fold) for recipe in SCHEMES for fold in range(1, 6)
    ]
    assert list(select(PARAMS, "demo", Selection(folds=(2,), recipes=("hybrid",)))) == [all_of_it[11]]


def test_the_paper_has_its_folds_and_seeds():
    expanded = [run for run in expand(PARAMS, "paper") if run.recipe == "hybrid"]
    for dataset, folds in (("esc10", 5), ("esc50", 5), ("us8k", 10)):
        pairs = [(run.fold, run.seed) for run in expanded if run.dataset == dataset]
        assert pairs == [(fold, seed) for fold in range(1, folds + 1) for seed in range(5)]


def test_a_study_may_name_its_folds():
    params = changed_params(studies={"esc10": {"folds": [2, 5]}})
    assert sorted({run.fold for run in expand(params, "esc10")}) == [2, 5]


@pytest.mark.parametrize("results", [Path("results"), Path("/somewhere/else")])
def test_a_run_is_known_by_its_path(results):
    run = Run("paper", "us8k", "supervised_contrastive", "0123456789ab", 10, 4)
    folder = run.directory(results)
    assert folder == results / "paper/runs/us8k/supervised_contrastive-0123456789ab/fold10-seed4"
    assert run.model(results) == results / "paper/models/us8k/supervised_contrastive-0123456789ab/fold10-seed4.pt"
    assert Run.from_directory(folder, results) == run


@pytest.mark.parametrize(
    "path",
    [
        "paper/runs/us8k/hybrid-0123456789ab/fold1-seed0/metrics.json",
        "paper/runs/us8k/hybrid-0123456789ab",
        "paper/models/us8k/hybrid-0123456789ab/fold1-seed0",
        "paper/runs/us8k/hybrid-0123456789/fold1-seed0",
        "paper/runs/us8k/hybrid-0123456789AB/fold1-seed0",
        "paper/runs/us8k/hybrid/fold1-seed0",
        "paper/runs/us8k/hybrid-0123456789ab/fold1-seed-1",
        "paper/runs/us8k/hybrid-0123456789ab/fold1",
        "runs/us8k/hybrid-0123456789ab/fold1-seed0",
        "",
    ],
)
def test_other_paths_are_no_runs(path):
    assert Run.from_directory(Path("results") / path, Path("results")) is None


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("papr", "esc10", "hybrid", 1, 0), "unknown study: 'papr'; did you mean 'paper'"),
        (("paper", "esc11", "hybrid", 1, 0), "unknown dataset: 'esc11'; did you mean 'esc10'"),
        (("paper", "esc10", "hybird", 1, 0), "unknown recipe: 'hybird'; did you mean 'hybrid' or"),
        (("paper", "esc10", "hybrid", 6, 0), "unknown fold of esc10: 6; known: 1, 2, 3, 4, 5"),
        (("paper", "esc10", "hybrid", 0, 0), "unknown fold of esc10: 0; known: 1, 2, 3, 4, 5"),
        (("paper", "esc10", "hybrid", 1, -1), "seed -1: must be from 0 to 1,000,000,000"),
        (("paper", "esc10", "hybrid", 1, 10**9 + 1), "seed 1000000001: must be from 0 to 1,000,000,000"),
    ],
)
def test_an_unknown_run_is_named(place, message):
    with pytest.raises(UserError) as error:
        find_run(PARAMS, *place)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_find_run_does_not_ask_that_the_study_has_the_run():
    run = find_run(PARAMS, "demo", "esc10", "hybrid", 3, 99)
    assert (run.study, run.dataset, run.fold, run.seed) == ("demo", "esc10", 3, 99)
