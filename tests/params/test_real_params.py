"""The real params.yaml loads, and differences are laid over each other in order."""

import pytest

from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.training.schedule import Exponential
from support.real_params import CONTENT, changed


def test_the_real_file(repo):
    params = load_checked(repo / "params.yaml")
    assert {"paper", "esc10", "demo"} <= set(params.studies)
    assert params.get_study() == params.studies[params.study]
    settings = params.resolve("paper", "esc50", "hybrid")
    stage = settings.stages[0]
    assert [s.name for s in settings.stages] == ["joint"]
    assert weights(stage) == {"cross_entropy": 0.5, "supcon": 0.5}
    assert stage.loss[1].parameters == {"temperature": 0.05}
    assert (stage.training.epochs, stage.training.patience, stage.training.batch_size) == (800, 300, 128)
    assert (stage.training.lr, stage.optimizer.name, stage.optimizer.parameters) == (
        5e-4,
        "adamw",
        {"weight_decay": 1e-3},
    )
    assert (settings.audio.sample_rate, settings.audio.samples) == (44100, 220500)
    assert (settings.encoder.name, settings.start.weights) == ("resnet50", "imagenet1k_v1")
    assert settings.representation.parameters["channels"] == 3
    assert params.resolve("paper", "us8k", "hybrid").stages[0].training.lr == 1e-4
    assert weights(params.resolve("paper", "us8k", "cross_entropy").stages[0]) == {"cross_entropy": 1}
    contrastive, classifier = params.resolve("paper", "esc50", "supervised_contrastive").stages
    assert contrastive.trains == ("encoder", "projection") and weights(contrastive) == {"supcon": 1}
    assert contrastive.training.monitor == "loss"
    assert classifier.trains == ("classifier",) and weights(classifier) == {"cross_entropy": 1}
    assert classifier.training.monitor == "accuracy"


@pytest.mark.parametrize(("number", "decay"), [(0, 0.98), (1, 0.995)])
def test_the_learning_rate_falls_as_in_the_paper(repo, number, decay):
    """By the same factor in each epoch after ten of warm-up."""
    params = load_checked(repo / "params.yaml")
    schedule = params.resolve("paper", "esc50", "supervised_contrastive").stages[number].schedule
    factors = [Exponential(**schedule.parameters).factor(epoch, 800) for epoch in range(800)]
    assert factors[:10] == pytest.approx([0.1 + 0.09 * (epoch + 1) for epoch in range(10)])
    assert factors[10:] == pytest.approx([decay**epoch for epoch in range(790)], rel=1e-3)


def weights(stage):
    """The weight of each of a stage's losses."""
    return {term.name: term.weight for term in stage.loss}


def test_settings_cannot_be_changed_after_loading(repo):
    settings = load_checked(repo / "params.yaml").resolve("demo", "demo", "hybrid")
    with pytest.raises(ValueError):
        settings.encoder.name = "resnet18"


LAYERS = [
    ("defaults", "defaults.training.lr"),
    ("base on a dataset", "recipes.cross_entropy.datasets.esc10.training.lr"),
    ("recipe on a dataset", "recipes.hybrid.datasets.esc10.training.lr"),
    ("study", "studies.paper.settings.training.lr"),
    ("base", "recipes.cross_entropy.settings.training.lr"),
    ("recipe", "recipes.hybrid.settings.training.lr"),
    ("stage", "recipes.hybrid.settings.stages.0.training.lr"),
]


@pytest.mark.parametrize("winner", range(len(LAYERS)), ids=[name for name, _ in LAYERS])
def test_the_later_layer_wins(loaded, winner):
    stages = (
        "recipes.hybrid.settings.stages",
        [{"name": "joint", "trains": ["encoder", "projection", "classifier"], "training": {}}],
    )
    layers = [(path, (place + 1) / 1000) for place, (_, path) in enumerate(LAYERS[: winner + 1])]
    params = loaded(changed(stages, *layers))
    assert params.resolve("paper", "esc10", "hybrid").stages[0].training.lr == (winner + 1) / 1000


def test_a_difference_leaves_its_neighbours_alone(loaded):
    params = loaded(changed(("recipes.hybrid.settings.representations", {"log_mel": {"window": "hamming"}})))
    before = loaded(CONTENT).resolve("esc10", "esc10", "hybrid").representation
    assert before.parameters["window"] == "hann"
    after = params.resolve("esc10", "esc10", "hybrid").representation
    assert after.parameters == {**before.parameters, "window": "hamming"}
    assert params.resolve("esc10", "esc10", "cross_entropy").representation == before
    assert params.defaults == CONTENT["defaults"]


def test_folds_of_a_study(loaded):
    params = loaded(changed(("studies.esc10.folds", [2, 4])))
    assert params.folds("esc10", "esc10") == (2, 4)
    assert params.folds("paper", "us8k") == tuple(range(1, 11))
    assert params.folds("paper", "esc10") == (1, 2, 3, 4, 5)


def test_a_publishers_split_holds_out_its_test_part(loaded):
    split = [("datasets.esc10.folds", 3), ("datasets.esc10.held_out", [1])]
    assert loaded(changed(*split)).folds("esc10", "esc10") == (1,)
    with pytest.raises(UserError, match=r"unknown fold of esc10 in .*params.yaml: studies.esc10.folds: 2; known: 1$"):
        loaded(changed(*split, ("studies.esc10.folds", [2])))


def test_an_unknown_study_is_named_with_those_near_it(repo):
    with pytest.raises(UserError, match=r"unknown study: 'dmo'; did you mean 'demo'\?"):
        load_checked(repo / "params.yaml").get_study("dmo")
