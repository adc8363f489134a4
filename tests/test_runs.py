"""A run's hash is that of all that decides its numbers, and of nothing else; its path says what it is."""

import copy
from pathlib import Path

import pytest
import yaml

from soundclr import runs
from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.runs import Run, dataset_hash, expand, features_key, find_run, recipe_hash

REPO = Path(__file__).resolve().parents[1]
CONTENT = yaml.safe_load((REPO / "params.yaml").read_text(encoding="utf-8"))
PLACE = ("esc10", "esc10", "supervised_contrastive")  # two stages, and weights that exist for two encoders

OTHER = {
    "random": "centre",
    "centre": "random",
    "hann": "hamming",
    "zeros": "reflect",
    "resnet50": "resnet18",
    "imagenet_pqf": "imagenet1k_v1",
    "contrastive": "another",
    "classifier": "another",
    "accuracy": "loss",
    "loss": "accuracy",
    "last": "best",
    "float32": "bfloat16",
    "held_out": "inner",
}


def changed(**changes):
    """The real parameters with some blocks changed: ``changed(recipes={"hybrid": {...}})``."""
    content = copy.deepcopy(CONTENT)
    for block, entries in changes.items():
        if not isinstance(entries, dict):
            content[block] = entries
            continue
        for name, entry in entries.items():
            content[block][name] = {**content[block].get(name, {}), **entry}
    return Params.model_validate(content)


PARAMS = changed()
HASH = recipe_hash(PARAMS, *PLACE)
SETTINGS = PARAMS.resolve(*PLACE).model_dump(mode="json")


def leaves(value, path=()):
    """The paths of all values in nested mappings and lists; a list of plain values is one."""
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in leaves(part, (*path, key))]
    if isinstance(value, list) and isinstance(value[0], dict):
        return [leaf for key, part in enumerate(value) for leaf in leaves(part, (*path, key))]
    return [path]


def another(name, value):
    """A valid value beside ``value`` of the setting ``name``."""
    if isinstance(value, list):
        return [*value, *(part for part in ("encoder", "projection", "classifier") if part not in value)]
    if isinstance(value, str):
        return OTHER[value]
    if isinstance(value, int):
        return 1 if name == "channels" else value + 1
    return value * 0.8 or {"mask_value": -20.0, "alpha": 0.5}[name]


def with_settings(settings):
    """Parameters that resolve to ``settings`` at PLACE."""
    settings = copy.deepcopy(settings)
    audio = settings.pop("audio")
    return changed(datasets={"esc10": audio}, recipes={"supervised_contrastive": {"settings": settings}})


def test_all_settings_spelled_out_are_the_same_run():
    assert recipe_hash(with_settings(SETTINGS), *PLACE) == HASH


@pytest.mark.parametrize("leaf", leaves(SETTINGS), ids=lambda leaf: ".".join(map(str, leaf)))
def test_every_setting_changes_the_hash(leaf):
    settings = copy.deepcopy(SETTINGS)
    block = settings
    for key in leaf[:-1]:
        block = block[key]
    block[leaf[-1]] = another(leaf[-1], block[leaf[-1]])
    if leaf[-1] == "validation":  # is one for all stages
        for stage in settings["stages"]:
            stage["training"]["validation"] = block["validation"]
    params = with_settings(settings)
    assert params.resolve(*PLACE).model_dump(mode="json") == settings != SETTINGS  # the change arrived
    assert recipe_hash(params, *PLACE) != HASH


@pytest.mark.parametrize(
    "changes",
    [
        {"revision": PARAMS.revision + 1},
        {"datasets": {"esc10": {"adapter": "esc50"}}},
        {"datasets": {"esc10": {"classes": 11}}},
        {"datasets": {"esc10": {"folds": 6}}},
        {"datasets": {"esc10": {"sha256": "0" * 64}}},
        {"datasets": {"esc10": {"synthetic": {"clips_per_fold": 4, "seed": 1}}}},
        {
            "weights": {
                "imagenet_pqf": {"files": {"resnet50": {"file": "resnet50-imagenet-pqf.pth", "sha256": "0" * 64}}}
            }
        },
    ],
    ids=str,
)
def test_data_weights_and_revision_change_the_hash(changes):
    assert recipe_hash(changed(**changes), *PLACE) != HASH


def test_the_packaged_manifest_changes_the_hash(monkeypatch):
    before = features_key(PARAMS, "esc10")
    monkeypatch.setattr(runs, "manifest_text", lambda adapter: "clip,sha256\n")
    assert recipe_hash(PARAMS, *PLACE) != HASH
    assert features_key(PARAMS, "esc10") != before


@pytest.mark.parametrize(
    "changes",
    [
        {"study": "demo"},
        {"datasets": {"esc10": {"title": "?", "url": "https://example.org/x.zip", "file": "x.zip"}}},
        {"datasets": {"us8k": {"classes": 12}}},
        {"weights": {"imagenet_pqf": {"title": "?"}}},
        {"weights": {"imagenet1k_v1": {"files": {}}}},
        {"recipes": {"supervised_contrastive": {"title": "?"}}},
        {"recipes": {"hybrid": {"settings": {}}}},
        {"studies": {"esc10": {"title": "?", "note": "?", "seeds": [7], "folds": [2], "recipes": ["hybrid"]}}},
        {"studies": {"demo": {"settings": {}}}},
    ],
    ids=str,
)
def test_names_and_other_entries_do_not_change_the_hash(changes):
    assert recipe_hash(changed(**changes), *PLACE) == HASH


def test_equal_settings_under_other_names_have_one_hash():
    study, dataset, recipe = PLACE
    params = changed(
        recipes={"again": CONTENT["recipes"][recipe]},
        studies={"second": CONTENT["studies"][study]},
    )
    assert recipe_hash(params, study, dataset, "again") == HASH
    assert recipe_hash(params, "second", dataset, recipe) == HASH


def test_the_schemes_and_the_datasets_differ():
    for study in ("paper", "esc10", "demo"):
        groups = {(run.dataset, run.recipe, run.hash) for run in expand(PARAMS, study)}
        assert len({key for _, _, key in groups}) == len(groups)


def test_features_depend_on_the_dataset_and_not_on_how_it_is_trained():
    assert features_key(changed(recipes={"hybrid": {"settings": {}}}, revision=9), "esc10") == features_key(
        PARAMS, "esc10"
    )
    assert features_key(changed(datasets={"esc10": {"sample_rate": 22050}}), "esc10") != features_key(PARAMS, "esc10")
    assert dataset_hash(PARAMS, "esc10") != dataset_hash(PARAMS, "us8k")


@pytest.mark.parametrize(("study", "count"), [("paper", 595), ("esc10", 65), ("demo", 22)])
def test_a_study_expands_to_its_runs(study, count):
    expanded = list(expand(PARAMS, study))
    assert len(expanded) == len(set(expanded)) == count
    assert len({run.directory() for run in expanded}) == len({run.model() for run in expanded}) == count
    assert {run.study for run in expanded} == {study}
    for run in expanded[:: count // 5]:
        assert run == find_run(PARAMS, study, run.dataset, run.recipe, run.fold, run.seed)


def test_two_names_for_one_training_are_refused():
    twins = changed(recipes={"twin": {"title": "as hybrid", "settings": {"loss": {"alpha": 0.5}}}})
    study = twins.studies["demo"].model_copy(update={"recipes": ("hybrid", "twin")})
    with pytest.raises(UserError, match=r"demo: the recipes hybrid and twin are the same settings on demo"):
        list(expand(twins.model_copy(update={"studies": {"demo": study}}), "demo"))


def test_an_artefact_s_runs_are_among_the_study_s():
    runs_of_all = set(expand(PARAMS, "paper"))
    for artefact in PARAMS.studies["paper"].artefacts:
        of_it = list(expand(PARAMS, "paper", artefact))
        assert of_it
        assert set(of_it) <= runs_of_all
    alphas = {run.recipe for run in expand(PARAMS, "paper", "table2")}
    assert alphas == {"hybrid", "alpha_001", "alpha_025", "alpha_075", "alpha_099"}
    assert {run.seed for run in expand(PARAMS, "paper", "table2")} == {0}


def test_the_paper_has_its_folds_and_seeds():
    expanded = [run for run in expand(PARAMS, "paper") if run.recipe == "hybrid"]
    for dataset, folds in (("esc10", 5), ("esc50", 5), ("us8k", 10)):
        pairs = [(run.fold, run.seed) for run in expanded if run.dataset == dataset]
        assert pairs == [(fold, seed) for fold in range(1, folds + 1) for seed in range(5)]


def test_a_study_may_name_its_folds():
    params = changed(studies={"esc10": {"folds": [2, 5]}})
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
        (("papr", "esc10", "hybrid", 1, 0), "unknown study: 'papr'; did you mean 'paper'?"),
        (("paper", "esc11", "hybrid", 1, 0), "unknown dataset: 'esc11'; did you mean 'esc10'"),
        (("paper", "esc10", "hybird", 1, 0), "unknown recipe: 'hybird'; did you mean 'hybrid' or"),
        (("paper", "esc10", "hybrid", 6, 0), "unknown fold of esc10: 6; known: 1, 2, 3, 4, 5"),
        (("paper", "esc10", "hybrid", 0, 0), "unknown fold of esc10: 0; known: 1, 2, 3, 4, 5"),
        (("paper", "esc10", "hybrid", 1, -1), "seed"),
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
