"""params.yaml: the real one loads, differences are laid over each other in order, mistakes are one line each."""

import copy
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

import soundclr.params.file
from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.runs import evaluated, expand, recipe_hash
from soundclr.training.schedule import Exponential

REPO = Path(__file__).resolve().parents[1]
TEXT = (REPO / "params.yaml").read_text(encoding="utf-8")
CONTENT = yaml.safe_load(TEXT)


def put(content, path, value):
    """``content`` with the value at a dotted path set; a number in the path is a place in a list."""
    block = content
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in parents:
        block = block[key] if isinstance(block, list) else block.setdefault(key, {})
    block[last] = value


def changed(*changes):
    """The real content with (dotted path, value) pairs put in."""
    content = copy.deepcopy(CONTENT)
    for path, value in changes:
        put(content, path, value)
    return content


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    """Load content without the detour through YAML text, which takes most of the time."""

    def load_content(content):
        monkeypatch.setattr(soundclr.params.file, "read_yaml", lambda _: content)
        return load_checked(tmp_path / "params.yaml")

    return load_content


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
def test_the_papers_learning_rate_falls_as_it_says(repo, number, decay):
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
        [{"name": "joint", "trains": ["encoder", "classifier"], "training": {}}],
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
    with pytest.raises(UserError, match=r"unknown fold of esc10 in studies.esc10.folds: 2; known: 1$"):
        loaded(changed(*split, ("studies.esc10.folds", [2])))


MASKS = "augmentations.frequency_mask"
STAGE = {"name": "joint", "trains": ["encoder", "classifier"]}
PRETRAIN = {"name": "pretrain", "trains": ["encoder", "projection"], "training": {"monitor": "loss"}}
GRID = {
    "name": "g_{a}",
    "title": "grid {a}",
    "values": {"x": {"title": "X", "settings": {}}},
    "products": [{"a": ["x"]}],
}
MISTAKES = {
    # mistyped keys: the key, and the one that was meant
    "top level": ("recipies", {}, "recipies", "recipes"),
    "defaults": ("defaults.training.epoch", 3, "params.yaml: defaults.training.epoch: 'epoch'", "epochs"),
    "defaults block": ("defaults.augmnt", [], "params.yaml: defaults.augmnt: 'augmnt'", "augment"),
    "defaults entries": ("defaults.encodrs", {}, "params.yaml: defaults.encodrs: 'encodrs'", "encoders"),
    "defaults value": ("defaults.loss.supcon", -2, "params.yaml: defaults.", "found -2"),
    "defaults stage": ("defaults.stages.0.los", {"supcon": 1}, "params.yaml: defaults.stages.0.los: ", "loss"),
    "defaults encoder": ("defaults.encoder", "resnet5", "params.yaml: defaults: 'resnet5'", "resnet50"),
    "defaults weights": ("defaults.start.weights", "imagenet", "weights in ", "params.yaml: defaults"),
    "dataset": ("datasets.esc10.clases", 10, "clases", "classes"),
    "dataset of a key's name": ("datasets.settings", CONTENT["datasets"]["demo"] | {"clases": 10}, "clases", "classes"),
    "weights": ("weights.imagenet_pqf.titel", "x", "titel", "title"),
    "weights file": ("weights.imagenet_pqf.files.resnet50.sha", "0" * 64, "sha", "sha256"),
    "recipe": ("recipes.hybrid.setings", {}, "setings", "settings"),
    "recipe settings": ("recipes.hybrid.settings.loss.supcn", 0.5, "recipes.hybrid.settings.loss: 'supcn'", "supcon"),
    "recipe block": ("recipes.hybrid.settings.los", {}, "los", "loss"),
    "recipe on a dataset": ("recipes.hybrid.datasets.esc10", {"trainig": {}}, "trainig", "training"),
    "study": ("studies.esc10.recipies", ["hybrid"], "recipies", "recipes"),
    "study settings": ("studies.esc10.settings.encoders.resnet18", {"freeze": 3}, "freeze", "frozen"),
    "stage": ("recipes.hybrid.settings.stages", [{**STAGE, "trainning": {}}], "trainning", "training"),
    "stage loss": ("recipes.hybrid.settings.stages", [{**STAGE, "loss": {"supcn": 1}}], "supcn", "supcon"),
    "stage training": ("defaults.stages", [{**STAGE, "training": {"epoch": 1}}], "epoch", "epochs"),
    "a run's key in a stage": (
        "defaults.stages",
        [{**STAGE, "encoder": "small"}],
        "stages.0.encoder: 'encoder'",
        "known: ",
    ),
    "synthetic": ("datasets.demo.synthetic.clip_per_fold", 4, "clip_per_fold", "clips_per_fold"),
    "start": ("recipes.hybrid.settings.start", {"weight": "none"}, "weight", "weights"),
    "head": ("defaults.classifier.layer", [], "defaults.classifier.layer: 'layer'", "layers"),
    # unknown names
    "default study": ("study", "papr", "papr", "paper"),
    "study's recipe": ("studies.esc10.recipes", ["hybird"], "hybird", "hybrid"),
    "study's dataset": ("studies.esc10.datasets", ["esc01"], "esc01", "esc10"),
    "recipe's dataset": (
        "recipes.hybrid.datasets",
        {"esc01": {}},
        "dataset in recipes.hybrid.datasets: 'esc01'",
        "esc10",
    ),
    "weights of a recipe": (
        "recipes.hybrid.settings.start",
        {"weights": "imagenet_pfq"},
        "imagenet_pfq",
        "imagenet_pqf",
    ),
    "encoder that the weights lack": (
        "studies.esc10.settings.encoder",
        "small",
        "encoder with weights 'imagenet_pqf' in esc10/esc10/cross_entropy: 'small'",
        "resnet18",
    ),
    "fold": ("studies.esc10.folds", [5, 6], "6", "1, 2, 3, 4, 5"),
    # entries: unknown, and parameters that do not fit, wherever they stand
    "augmentation": ("defaults.augment", ["scale", "time_msk"], "time_msk", "time_mask"),
    "augmentation of a study": ("studies.esc10.settings.augment", ["scle"], "augment in esc10/esc10/", "scale"),
    "augmentation of a recipe": ("recipes.hybrid.settings.augment", ["scle"], "hybrid: stage 'joint': 'scle'", "scale"),
    "augmentation of a stage": ("defaults.stages", [{**STAGE, "augment": ["scle"]}], "stage 'joint': 'scle'", "scale"),
    "augmentation that does not exist": ("defaults.augmentations.noise", {}, "augmentation in ", "'noise'"),
    "mistyped parameter that a study changes": (
        "defaults.representations.log_mel",
        {"hop_lenght": 512},
        "params.yaml: defaults.representations.log_mel.hop_lenght",
        "hop_length",
    ),
    "entry without parameters": ("defaults.encoders.small", None, "defaults.encoders.small.frozen", "required"),
    "representation": ("defaults.representation", "log_mell", "log_mell", "log_mel"),
    "representation that does not exist": ("defaults.representations.mfcc", {}, "representation in ", "'mfcc'"),
    "loss": ("defaults.loss.suppcon", 1, "suppcon", "supcon"),
    "loss that does not exist": ("defaults.losses.triplet", {}, "loss in ", "'triplet'"),
    "optimizer": ("defaults.optimizer", "adamv", "adamv", "adamw"),
    "schedule": ("defaults.schedule", "cosin", "cosin", "cosine"),
    "parameter of the defaults": (f"defaults.{MASKS}.count", -1, "defaults.augmentations.frequency_mask.count", "-1"),
    "parameter of a study": (f"studies.esc10.settings.{MASKS}", {"widt": 3}, "widt", "width"),
    "parameter of a recipe": (f"recipes.cross_entropy.settings.{MASKS}.width", -1, "frequency_mask: width", "-1"),
    "parameter of a stage": (
        "recipes.hybrid.settings.stages",
        [{**STAGE, "losses": {"supcon": {"temperature": 0}}}],
        "stage 'joint': loss supcon: temperature",
        "0",
    ),
    "parameter of a stage's schedule": (
        "defaults.stages",
        [{**STAGE, "schedules": {"exponential": {"warmup": 1}}}],
        "stage 'joint': schedule exponential: warmup",
        "1",
    ),
    "parameter of no entry": (
        "defaults.stages",
        [{**STAGE, "losses": {"supcon": {"temprature": 1}}}],
        "temprature",
        "temperature",
    ),
    "list for a mapping": (
        "recipes.hybrid.settings.augmentations",
        ["scale"],
        "recipes.hybrid.settings.augmentations",
        "['scale']",
    ),
    "list for a stage's mapping": (
        "defaults.stages",
        [{**STAGE, "augmentations": ["scale"]}],
        "augmentations",
        "['scale']",
    ),
    "list for an entry": ("recipes.hybrid.settings.representations", {"log_mel": []}, "representations.log_mel", "[]"),
    "list for the entries": ("defaults.losses", ["supcon"], "defaults.losses", "['supcon']"),
    "mapping for a list": ("recipes.hybrid.settings.augment", {"scale": 1}, "augment", "scale"),
    "mapping for a name": ("recipes.hybrid.settings.encoder", {"name": "resnet18"}, "encoder", "resnet18"),
    "name for a mapping": ("recipes.hybrid.settings.loss", "supcon", "recipes.hybrid.settings.loss", "'supcon'"),
    "weight that is text": (
        "recipes.hybrid.settings.loss",
        {"supcon": "much"},
        "hybrid: stages.0.loss.1.weight",
        "'much'",
    ),
    "no loss": ("recipes.hybrid.settings.loss", {"cross_entropy": 0, "supcon": 0}, "hybrid: stages.0.loss", "[]"),
    # heads
    "head's layer": ("defaults.classifier.layers", ["normalize", {"linear": "classes"}], "normalize", "normalise"),
    "head's size": ("defaults.projection.layers", [{"linear": 0}], "projection: linear wants", "0"),
    "head's size in words": (
        "defaults.projection.layers",
        [{"linear": "clases"}],
        "projection: linear wants",
        "'clases'",
    ),
    "head's layer without a size": ("defaults.projection.layers", ["linear"], "projection: linear wants", "None"),
    "head's layer with a size": (
        "defaults.projection.layers",
        [{"relu": 3}],
        "projection: relu takes no argument",
        "3",
    ),
    "head's dropout": ("defaults.projection.layers", [{"dropout": 1}], "projection: dropout wants a share", "1"),
    "head's layer of two": (
        "defaults.projection.layers",
        [{"linear": 1, "relu": 2}],
        "projection.layers.0",
        "a layer's name",
    ),
    "head that is a list": ("defaults.projection", ["relu"], "projection", "['relu']"),
    "head's input": ("defaults.classifier.input", "decoder", "classifier.input", "decoder"),
    "projection on itself": (
        "defaults.projection.input",
        "projection",
        "projection.input must be encoder",
        "classifier",
    ),
    "classifier that has no classes": (
        "defaults.classifier.layers",
        ["normalise", {"linear": 64}],
        "classifier",
        "classes",
    ),
    # values that do not fit: the place, and the value
    "text for a number": ("defaults.training.epochs", "many", "training.epochs", "many"),
    "fraction for a number": ("defaults.training.epochs", 1.5, "training.epochs", "1.5"),
    "number for a block": ("recipes.hybrid.settings.loss", 0.5, "recipes.hybrid.settings.loss", "0.5"),
    "number for a list": ("studies.esc10.seeds", 0, "studies.esc10.seeds", "0"),
    "list for a block": ("studies.esc10", [1], "studies.esc10", "[1]"),
    "truth value for a number": ("defaults.training.epochs", True, "training.epochs", "True"),
    "truth value for a fraction": ("defaults.optimizers.adamw.weight_decay", False, "adamw.weight_decay", "False"),
    "truth value for a choice": ("defaults.representations.log_mel.channels", True, "log_mel.channels", "True"),
    "truth value in a list": ("studies.esc10.seeds", [0, True], "studies.esc10.seeds", "True"),
    "nothing": ("defaults.representations.log_mel.hop_length", None, "log_mel.hop_length", "None"),
    "too large": ("recipes.hybrid.settings.labels", 1.5, "hybrid: labels", "1.5"),
    "too small": ("defaults.training.batch_size", 1, "training.batch_size", "1"),
    "zero": ("defaults.losses.supcon.temperature", 0, "losses.supcon.temperature", "0"),
    "no labels": ("defaults.labels", 0, "defaults.labels", "0"),
    "no views": ("defaults.views", 0, "views", "0"),
    "negative": ("defaults.encoders.resnet50.frozen", -1, "encoders.resnet50.frozen", "-1"),
    "negative seed": ("studies.esc10.seeds", [0, -1], "studies.esc10.seeds.1", "-1"),
    "not a number": ("defaults.training.lr", float("nan"), "training.lr", "nan"),
    "infinite": ("defaults.training.head_factor", float("inf"), "training.head_factor", "inf"),
    "unknown choice": ("defaults.representations.log_mel.window", "hanning", "log_mel.window", "hanning"),
    "unknown precision": ("defaults.training.precision", "half", "training.precision", "half"),
    "unknown part": ("defaults.stages", [{**STAGE, "trains": ["decoder"]}], "trains.0", "decoder"),
    "no stages": ("defaults.stages", [], "stages", "[]"),
    "no recipes": ("studies.esc10.recipes", [], "studies.esc10.recipes", "[]"),
    "a title of two lines": ("datasets.esc10.title", "ESC-10\n\n.. include:: /etc/passwd", "esc10.title", "one line"),
    "a title that does not print": ("studies.esc10.title", "a\x1b[31mb", "esc10.title", "one line"),
    "a note of spaces": ("studies.esc10.note", "  \n", "esc10.note", "one line"),
    "a name with a dash": ("recipes", {"hy-brid": {"title": "x"}}, "recipes", "hy-brid"),
    "a weights hash that is none": (
        "weights.imagenet_pqf.files.resnet50",
        {"file": "x", "sha256": "xyz"},
        "weights.imagenet_pqf.files.resnet50.sha256",
        "xyz",
    ),
    "stages that are no list": ("defaults.stages", 5, "stages", "5"),
    "a stage that is no block": ("defaults.stages", ["joint"], "stages.0", "joint"),
    "a stage's loss that is no block": ("defaults.stages", [{**STAGE, "loss": 5}], "stage 'joint'.loss", "5"),
    "more folds than can be listed": (
        "datasets.demo.folds",
        10**30,
        "datasets.demo.folds",
        "less than or equal to 1000",
    ),
    # what a run starts from
    "start with weights and a run": (
        "recipes.hybrid.settings.start",
        {"run": "cross_entropy"},
        "start names weights and a run",
        "one of them",
    ),
    "start from an unknown run": (
        "recipes.hybrid.settings.start",
        {"weights": "none", "run": "cros_entropy"},
        "recipe in ",
        "did you mean 'cross_entropy'",
    ),
    "start on an unknown dataset": (
        "recipes.hybrid.settings.start",
        {"weights": "none", "run": "cross_entropy", "dataset": "esc01"},
        "esc01",
        "esc10",
    ),
    "start's dataset without a run": (
        "recipes.hybrid.settings.start",
        {"dataset": "esc50"},
        "start.dataset",
        "start.run",
    ),
    "start from itself": (
        "recipes.hybrid.settings.start",
        {"weights": "none", "run": "hybrid"},
        "starts from its own run",
        "hybrid",
    ),
    "start from a run that lacks the fold": (
        "recipes.hybrid.datasets.us8k.start",
        {"weights": "none", "run": "cross_entropy", "dataset": "esc50"},
        "fold",
        "1, 2, 3, 4, 5",
    ),
    "start from another encoder": (
        "recipes",
        {
            **CONTENT["recipes"],
            "hybrid": {"title": "x", "settings": {"start": {"weights": "none", "run": "alpha_001"}}},
            "alpha_001": {"title": "y", "settings": {"encoder": "small", "start": {"weights": "none"}}},
        },
        "starts from",
        "encoder small",
    ),
    # recipes and grids
    "base that does not exist": (
        "recipes.hybrid.base",
        "cros_entropy",
        "recipe in recipes.hybrid.base",
        "cross_entropy",
    ),
    "base of itself": ("recipes.hybrid.base", "hybrid", "recipes.hybrid: builds on itself", "hybrid"),
    "bases in a circle": ("recipes.cross_entropy.base", "hybrid", "builds on itself, by way of ", "hybrid"),
    "base that is a grid": ("recipes.hybrid.base", "masks", "recipe in recipes.hybrid.base", "masks"),
    "grid's key": ("grids.masks.product", [], "product", "products"),
    "grid's value": ("grids.masks.products", [{"bands": ["f9"], "frames": ["t0"]}], "value in grids.masks: 'f9'", "f"),
    "grid's name without a place": ("grids.masks.name", "masks_{bands}", "grids.masks", "a place for each axis"),
    "grid's title without a place": ("grids.masks.title", "masks", "grids.masks", "a place for each axis"),
    "grid's place without an axis": (
        "grids.masks.name",
        "masks_{bands}_{frams}",
        "grids.masks",
        "a place for each axis",
    ),
    "grid's broken place": ("grids.masks.name", "masks_{bands_{frames}", "grids.masks", "a place for each axis"),
    "grid's place with a format": (
        "grids.masks.name",
        "masks_{bands.real}_{frames}",
        "grids.masks",
        "a place for each axis",
    ),
    "grid's name that is no name": ("grids.masks.name", "Masks {bands} {frames}", "grids.masks", "Masks f0 t0"),
    "grid's name that is taken": (
        "grids.g",
        {**GRID, "name": "hybri{a}", "values": {"d": {"title": "d", "settings": {}}}, "products": [{"a": ["d"]}]},
        "grids.g: hybrid",
        "another recipe's name",
    ),
    "grid that is called as a recipe": ("grids.hybrid", GRID, "grids.hybrid: hybrid", "another recipe's name"),
    "grid's base": ("grids.masks.base", "cros_entropy", "recipe in ", "cross_entropy"),
    "grid's setting": ("grids.masks.values.f0.settings", {"augmentation": {}}, "augmentation", "augmentations"),
    "grid's setting no mapping": ("grids.masks.values.f0.settings", [1], "grids.masks.values.f0.settings", "[1]"),
    "grid without products": ("grids.masks.products", [], "grids.masks.products", "[]"),
    "grid with an empty product": ("grids.masks.products", [{}], "grids.masks.products.0", "at least 1"),
    "grid with an empty list": (
        "grids.masks.products",
        [{"bands": [], "frames": ["t0"]}],
        "grids.masks.products.0.bands",
        "at least 1",
    ),
    "grid's equal that it has not": ("grids.masks.equals", {"masks_f9_t9": "hybrid"}, "grids.masks.equals", "masks_f"),
    "grid's equal that is no recipe": ("grids.masks.equals", {"masks_f0_t0": "hybird"}, "grids.masks.equals", "hybrid"),
    "grid's equal that is another": (
        "grids.masks.equals",
        {"masks_f0_t0": "cross_entropy"},
        "grids.masks.equals",
        "masks_f0_t0",
    ),
    # numbers that would overflow, fill the disk or take all memory
    **{
        f"too large {path}": (path, value, path.removeprefix("defaults."), "less than or equal to")
        for path, value in {
            "defaults.training.batch_size": 10**30,
            "defaults.training.epochs": 10**30,
            "defaults.training.patience": 10**30,
            "defaults.views": 10**30,
            "defaults.representations.log_mel.n_fft": 10**12,
            "defaults.representations.log_mel.hop_length": 10**30,
            "defaults.representations.log_mel.n_mels": 10**9,
            "defaults.representations.log_mel.channels": 10**9,
            "defaults.encoders.resnet50.frozen": 10**30,
            "defaults.augmentations.frequency_mask.count": 10**9,
            "defaults.augmentations.time_mask.count": 10**9,
            "defaults.augmentations.frequency_mask.width": 10**30,
            "defaults.augmentations.time_mask.width": 10**30,
            "defaults.augmentations.scale.factor": 10**30,
            "datasets.demo.sample_rate": 2**31 - 1,
            "datasets.demo.samples": 10**12,
            "datasets.demo.clips": 10**30,
            "datasets.demo.classes": 10**9,
            "datasets.demo.synthetic.clips_per_fold": 10**9,
            "datasets.demo.synthetic.seed": 10**30,
            "evaluation.seed": 10**30,
            "revision": 10**30,
        }.items()
    },
    "a head too large": ("defaults.projection.layers", [{"linear": 10**12}], "projection: linear wants", str(10**12)),
    "a seed too large": ("studies.esc10.seeds", [10**30], "studies.esc10.seeds.0", "less than or equal to"),
    "a rate too small": ("datasets.demo.sample_rate", 3, "datasets.demo.sample_rate", "greater than or equal to 1000"),
    "a held-out fold that is none": ("datasets.esc10.held_out", [1, 6], "datasets.esc10.held_out", "from 1 to 5"),
    "no held-out fold": ("datasets.esc10.held_out", [], "datasets.esc10.held_out", "[]"),
    "a held-out fold twice": ("datasets.esc10.held_out", [1, 1], "datasets.esc10.held_out", "each once"),
    # artefacts of a study, and evaluation
    "artefact's key": ("studies.paper.artefacts.table1.recipies", ["hybrid"], "recipies", "recipes"),
    "artefact's recipe": (
        "studies.paper.artefacts.table1.recipes",
        ["hybird"],
        "studies.paper.artefacts.table1.recipes",
        "hybrid",
    ),
    "artefact's dataset that the study has not": (
        "studies.demo.artefacts.table2.datasets",
        ["esc50"],
        "studies.demo.artefacts.table2.datasets",
        "demo",
    ),
    "artefact's fold": ("studies.demo.artefacts.table2.folds", [6], "artefacts.table2.folds", "1, 2, 3, 4, 5"),
    "artefact's seed": ("studies.demo.artefacts.table2.seeds", [-1], "artefacts.table2.seeds.0", "-1"),
    "artefact's seed twice": (
        "studies.demo.artefacts.table2.seeds",
        [1, 1],
        "artefacts.table2.seeds",
        "more than once",
    ),
    "artefact that is no block": ("studies.demo.artefacts.table2", ["hybrid"], "artefacts.table2", "['hybrid']"),
    "what is evaluated": (
        "studies.esc10.evaluate",
        {"recipes": ["hybird"]},
        "studies.esc10.evaluate.recipes",
        "hybrid",
    ),
    "evaluate's key": ("studies.esc10.evaluate", {"recipies": ["hybrid"]}, "recipies", "recipes"),
    "evaluation's key": ("evaluation.sigma", [0.1], "sigma", "sigmas"),
    "no noise": ("evaluation.noises", [], "evaluation.noises", "[]"),
    "noise of another colour": ("evaluation.noises", ["brown"], "evaluation.noises.0", "brown"),
    "noise past full scale": ("evaluation.sigmas", [0.1, 2], "evaluation.sigmas.1", "2"),
    "an infinite ratio": ("evaluation.snr", [float("inf")], "evaluation.snr.0", "inf"),
    "a ratio twice": ("evaluation.snr", [10, 5, 5.0], "evaluation.snr: 5", "stands there more than once"),
    "a deviation twice": ("evaluation.sigmas", [0, 0.0], "evaluation.sigmas: 0", "stands there more than once"),
    "a colour twice": ("evaluation.noises", ["pink", "pink"], "evaluation.noises: pink", "more than once"),
    "evaluation's negative seed": ("evaluation.seed", -1, "evaluation.seed", "-1"),
    "a block that is no block": ("defaults.training", 5, "training", "5"),
}


@pytest.mark.parametrize(("path", "value", "what", "hint"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_one_line_that_names_it(loaded, path, value, what, hint):
    with pytest.raises(UserError) as error:
        loaded(changed((path, value)))
    message = str(error.value)
    assert "\n" not in message
    assert what in message and hint in message, message


@pytest.mark.parametrize(
    "path",
    [
        "study",
        "revision",
        "defaults",
        "studies",
        "studies.esc10.title",
        "defaults.training",
        "defaults.encoders",
        "defaults.loss",
    ],
)
def test_a_missing_key_is_named(loaded, path):
    content = changed()
    block = content
    *parents, last = path.split(".")
    for key in parents:
        block = block[key]
    del block[last]
    with pytest.raises(UserError, match=last) as error:
        loaded(content)
    assert "\n" not in str(error.value)


def test_what_no_study_uses_is_refused_when_it_is_used(loaded):
    params = loaded(changed(("recipes.spare", {"title": "x", "settings": {"start": {"weights": "imagenet"}}})))
    with pytest.raises(UserError, match="'imagenet'; did you mean"):
        params.resolve("esc10", "esc10", "spare")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping"),
        ("- a\n- b\n", "expected a mapping"),
        ("just words", "expected a mapping"),
        ("a: [1, 2", "not valid YAML"),
        ("a: 1\n\tb: 2", "not valid YAML"),
        ("a: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("a: *nowhere", "not valid YAML"),
        ("a: \x00", "not valid YAML"),
        ("? [a]\n: 1", "not valid YAML"),
        ("a: 2026-13-45", "not valid YAML"),
        ("a: " + "9" * 5000, "not valid YAML"),
        ("a: " + "[" * 400, "not valid YAML"),
        ("a: &a [*a]", ""),
        ("1: 2", ""),
        (TEXT + "\nstudy: demo\n", "duplicate key 'study'"),
        (TEXT.replace("supcon: 0.5}", "supcon: 0.5, supcon: 0.25}"), "duplicate key 'supcon'"),
        (TEXT + "\nrecipes: {}\n", "duplicate key 'recipes'"),
    ],
)
def test_text_that_is_no_parameters(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        load_checked(path)
    assert str(path) in str(error.value) and message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_fifo_is_not_waited_for(tmp_path):
    path = tmp_path / "params.yaml"
    os.mkfifo(path)
    with pytest.raises(UserError, match=r"params\.yaml: cannot be read \(.*Is not a regular file"):
        load_checked(path)


def levels(number, line):
    """YAML text of ``number`` levels; each holds the one before ten times."""
    return "a0: &a0 {b: 1}\n" + "".join(line(n) for n in range(1, number + 1))


@pytest.mark.parametrize(
    "text",
    [
        levels(9, lambda n: f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n"),
        levels(400, lambda n: f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n"),
        levels(9, lambda n: f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n"),
        "a: &a {b: [*a]}\n",
    ],
)
def test_a_flood_of_aliases_is_refused_at_once(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text + TEXT, encoding="utf-8")
    began = time.monotonic()
    with pytest.raises(UserError, match="more than 100000 values, counting an alias as what it stands for") as error:
        load_checked(path)
    assert "\n" not in str(error.value)
    assert time.monotonic() - began < 20


def test_a_file_too_large_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: " + "x" * 1_000_000, encoding="utf-8")
    with pytest.raises(UserError, match="is too large for a file of parameters"):
        load_checked(path)


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(UserError, match=r"is not there; run the command in the repository's folder, or .* --params"):
        load_checked(tmp_path / "params.yaml")


@pytest.mark.parametrize("kind", ["folder", "bytes"])
def test_a_file_that_cannot_be_read(tmp_path, kind):
    path = tmp_path / "params.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "bytes":
        path.write_bytes(b"\xff\xfe\x00study")
    with pytest.raises(UserError, match=r"params\.yaml: cannot be read") as error:
        load_checked(path)
    assert "\n" not in str(error.value)


def test_merge_keys_of_yaml_are_no_duplicates(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        TEXT.replace("  demo:\n    title: the", "  demo: &demo\n    title: the") + "  third: {<<: *demo, seeds: [3]}\n"
    )
    assert load_checked(path).get_study("third").seeds == (3,)


def test_an_unknown_study_is_named_with_those_near_it(repo):
    with pytest.raises(UserError, match=r"unknown study: 'dmo'; did you mean 'demo'\?"):
        load_checked(repo / "params.yaml").get_study("dmo")


VALUES = [
    None,
    True,
    0,
    1,
    -1,
    2.5,
    1e400,
    float("nan"),
    "",
    "x",
    "none",
    "resnet18",
    [],
    [1],
    ["encoder"],
    {},
    {"x": 1},
]
VALUES += [{1: 2}, {None: {}}, [[]], [{}], "\n", 10**30]


def nodes(value):
    """All mappings and lists in a value, with their parents."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(node for part in inner for node in nodes(part))] if inner else []


def mutated(content, dice):
    """A copy of ``content`` with one to three entries replaced, deleted, renamed, or copied elsewhere."""
    content = copy.deepcopy(content)
    for _ in range(dice.randint(1, 3)):
        block = dice.choice(nodes(content))
        key = dice.choice(list(block) if isinstance(block, dict) else range(len(block)))
        action = dice.choice(["replace", "replace", "delete", "rename", "copy"])
        if action == "delete":
            del block[key]
        elif action == "rename" and isinstance(block, dict):
            block[dice.choice(["x", 1, None, "trains", f"{key}s"])] = block.pop(key)
        elif action == "copy":
            block[key] = copy.deepcopy(dice.choice(nodes(content)))
        else:
            block[key] = copy.deepcopy(dice.choice(VALUES))
        if not nodes(content):
            break
    return content


def loads_or_says_why(attempt):
    """True for content that loads, and whose studies expand; False for a UserError of one line."""
    try:
        params = attempt()
        for study in params.studies:
            list(expand(params, study))
            evaluated(params, study)
    except UserError as error:
        assert str(error) and "\n" not in str(error)
        return False
    return True


@pytest.mark.slow
def test_mutilated_content_never_ends_in_another_error(loaded):
    dice = random.Random(0)
    small = copy.deepcopy(CONTENT)
    for gone in ("paper", "shin", "own"):  # two are large, the third's sounds are not there
        del small["studies"][gone]
    del small["datasets"]["us8k"], small["datasets"]["esc50"], small["recipes"]["cross_entropy"]["datasets"]
    small["study"] = "esc10"
    small["recipes"]["probe"] = {"title": "probe", "base": "hybrid", "settings": {
        "start": {"weights": "none", "run": "hybrid"}, "stages": [{"name": "probe", "trains": ["classifier"]}]
    }}  # fmt: skip
    small["grids"]["g"] = GRID
    small["studies"]["esc10"] |= {"recipes": ["hybrid", "probe", "g"], "artefacts": {"table": {"recipes": ["probe"]}}}
    results = [loads_or_says_why(lambda: loaded(mutated(small, dice))) for _ in range(400)]
    assert 20 < sum(results) < 380  # both sides of the fence were tried


@pytest.mark.slow
def test_mutilated_text_never_ends_in_another_error(tmp_path):
    dice = random.Random(0)
    path = tmp_path / "params.yaml"
    for _ in range(40):
        text = list(TEXT)
        for _ in range(dice.randint(1, 4)):
            place = dice.randrange(len(text))
            text[place : place + dice.choice([0, 0, 1, 5, 200])] = dice.choice(
                ["", "\n", ":", "{", "]", "&a ", "*a", "'", "- ", "\t", "é", "9"]
            )
        path.write_text("".join(text), encoding="utf-8")
        loads_or_says_why(lambda: load_checked(path))


@pytest.mark.parametrize("key", ["seeds: [0]", "recipes: [cross_entropy,"])
def test_what_stands_twice_in_a_study_is_named(repo, tmp_path, key):
    """Twice the same seed would be the same run planned twice."""
    name, first = key.rstrip(",").split(": [")
    text = (repo / "params.yaml").read_text()
    twice = f"{name}: [{first.rstrip(']')}, {first.rstrip(']')}" + ("]" if key.endswith("]") else ",")
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(key, twice, 1))
    with pytest.raises(UserError, match=rf"{name}: .*{first.rstrip(']')}.* stands there more than once"):
        load_checked(path)


@pytest.mark.parametrize(("capabilities", "name"), [({}, "float32"), ({"amx_bf16": True}, "bfloat16")])
def test_an_automatic_precision_is_the_planning_machines(loaded, monkeypatch, capabilities, name):
    """One name in settings and hash, that of the setting spelled out; jobs inherit it, whatever they run on."""
    monkeypatch.setenv("SOUNDCLR_PRECISION", "")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    auto, spelled = (loaded(changed(("defaults.training.precision", setting))) for setting in ("auto", name))
    place = ("esc10", "esc10", "supervised_contrastive")
    assert auto.resolve(*place).precision == name
    assert recipe_hash(auto, *place) == recipe_hash(spelled, *place)
    assert os.environ["SOUNDCLR_PRECISION"] == name
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {} if capabilities else {"amx_bf16": True})
    assert recipe_hash(auto, *place) == recipe_hash(spelled, *place)


def test_what_automatic_means_can_be_said(loaded, monkeypatch):
    params = loaded(changed(("defaults.training.precision", "auto")))
    other = loaded(changed(("recipes.hybrid.settings.training", {"precision": "float32"})))
    monkeypatch.setenv("SOUNDCLR_PRECISION", "bfloat16")
    assert params.resolve("esc10", "esc10", "hybrid").precision == "bfloat16"
    assert other.resolve("esc10", "esc10", "hybrid").precision == "float32"
    monkeypatch.setenv("SOUNDCLR_PRECISION", "half")
    with pytest.raises(UserError, match="SOUNDCLR_PRECISION: is 'half'; set it to float32 or bfloat16"):
        params.resolve("esc10", "esc10", "hybrid")


def test_stages_may_differ_in_precision(loaded):
    names = ("bfloat16", "float32", "bfloat16")
    stages = [{**STAGE, "name": f"s{n}", "training": {"precision": name}} for n, name in enumerate(names)]
    params = loaded(changed(("recipes.hybrid.settings.stages", stages)))
    assert params.resolve("esc10", "esc10", "hybrid").precision == "bfloat16, float32"


def test_only_an_automatic_precision_waits_for_torch(repo):
    """Which takes seconds, and planning needs no more of it."""
    code = "import sys, pathlib; from soundclr.params import load; load(pathlib.Path('params.yaml'))"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'torch' not in sys.modules"], cwd=repo, check=True)
