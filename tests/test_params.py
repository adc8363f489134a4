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

import soundclr.params
from soundclr.errors import UserError
from soundclr.params import load
from soundclr.runs import expand, recipe_hash

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
        monkeypatch.setattr(soundclr.params, "read_yaml", lambda _: content)
        return load(tmp_path / "params.yaml")

    return load_content


def test_the_real_file(repo):
    params = load(repo / "params.yaml")
    assert {"paper", "esc10", "demo"} <= set(params.studies)
    assert params.get_study() == params.studies[params.study]
    settings = params.resolve("paper", "esc50", "hybrid")
    stage = settings.stages[0]
    assert [s.name for s in settings.stages] == ["joint"]
    assert (stage.loss.alpha, stage.loss.temperature) == (0.5, 0.05)
    assert (stage.training.epochs, stage.training.patience, stage.training.batch_size) == (800, 300, 128)
    assert (stage.training.learning_rate, stage.training.weight_decay, stage.training.decay) == (5e-4, 1e-3, 0.98)
    assert (settings.audio.sample_rate, settings.audio.samples) == (44100, 220500)
    assert (settings.encoder.name, settings.encoder.weights, settings.encoder.channels) == (
        "resnet50",
        "imagenet1k_v1",
        3,
    )
    assert params.resolve("paper", "us8k", "hybrid").stages[0].training.learning_rate == 1e-4
    assert params.resolve("paper", "us8k", "cross_entropy").stages[0].loss.alpha == 0
    contrastive, classifier = params.resolve("paper", "esc50", "supervised_contrastive").stages
    assert contrastive.trains == ("encoder", "projection") and contrastive.loss.alpha == 1
    assert contrastive.training.monitor == "loss" and contrastive.training.decay == 0.98
    assert classifier.trains == ("classifier",) and classifier.loss.alpha == 0
    assert classifier.training.monitor == "accuracy" and classifier.training.decay == 0.995


def test_settings_cannot_be_changed_after_loading(repo):
    settings = load(repo / "params.yaml").resolve("demo", "demo", "hybrid")
    with pytest.raises(ValueError):
        settings.encoder.frozen = 1


LAYERS = [
    ("defaults", "defaults.training.learning_rate"),
    ("dataset", "datasets.esc10.settings.training.learning_rate"),
    ("study", "studies.esc10.settings.training.learning_rate"),
    ("recipe", "recipes.hybrid.settings.training.learning_rate"),
    ("stage", "recipes.hybrid.settings.stages.0.training.learning_rate"),
]


@pytest.mark.parametrize("winner", range(len(LAYERS)), ids=[name for name, _ in LAYERS])
def test_the_later_layer_wins(loaded, winner):
    stages = (
        "recipes.hybrid.settings.stages",
        [{"name": "joint", "trains": ["encoder", "classifier"], "training": {}}],
    )
    layers = [(path, (place + 1) / 1000) for place, (_, path) in enumerate(LAYERS[: winner + 1])]
    params = loaded(changed(stages, *layers))
    assert params.resolve("esc10", "esc10", "hybrid").stages[0].training.learning_rate == (winner + 1) / 1000


def test_a_difference_leaves_its_neighbours_alone(loaded):
    params = loaded(changed(("recipes.hybrid.settings.encoder", {"frozen": 1})))
    before = loaded(CONTENT).resolve("esc10", "esc10", "hybrid").encoder
    assert params.resolve("esc10", "esc10", "hybrid").encoder == before.model_copy(update={"frozen": 1})
    assert params.resolve("esc10", "esc10", "cross_entropy").encoder == before
    assert params.defaults == CONTENT["defaults"]


def test_folds_of_a_study(loaded):
    params = loaded(changed(("studies.esc10.folds", [2, 4])))
    assert params.folds("esc10", "esc10") == (2, 4)
    assert params.folds("paper", "us8k") == tuple(range(1, 11))
    assert params.folds("paper", "esc10") == (1, 2, 3, 4, 5)


STAGE = {"name": "joint", "trains": ["encoder", "classifier"]}
MISTAKES = {
    # mistyped keys: the key, and the one that was meant
    "top level": ("recipies", {}, "recipies", "recipes"),
    "defaults": ("defaults.training.epoch", 3, "params.yaml: defaults.training.epoch: 'epoch'", "epochs"),
    "defaults block": ("defaults.augmnt", {}, "params.yaml: defaults.augmnt: 'augmnt'", "augment"),
    "defaults value": ("defaults.loss.alpha", 2, "params.yaml: defaults.loss.alpha: ", "found 2"),
    "defaults stage": ("defaults.stages.0.loss", {"alpa": 1}, "params.yaml: defaults.stages.0.loss.alpa: ", "alpha"),
    "defaults encoder": ("defaults.encoder.name", "resnet5", "encoder", "resnet50"),
    "defaults weights": ("defaults.encoder.weights", "imagenet", "weights in ", "params.yaml: defaults"),
    "dataset": ("datasets.esc10.clases", 10, "clases", "classes"),
    "dataset settings": ("datasets.esc10.settings.logmel.hopp", 3, "hopp", "hop"),
    "dataset of a key's name": ("datasets.settings", CONTENT["datasets"]["demo"] | {"clases": 10}, "clases", "classes"),
    "weights": ("weights.imagenet_pqf.titel", "x", "titel", "title"),
    "weights file": ("weights.imagenet_pqf.files.resnet50.sha", "0" * 64, "sha", "sha256"),
    "recipe": ("recipes.hybrid.setings", {}, "setings", "settings"),
    "recipe settings": ("recipes.hybrid.settings.loss.alhpa", 0.5, "alhpa", "alpha"),
    "recipe block": ("recipes.hybrid.settings.los", {}, "los", "loss"),
    "study": ("studies.esc10.recipies", ["hybrid"], "recipies", "recipes"),
    "study settings": ("studies.esc10.settings.encoder.freeze", 3, "freeze", "frozen"),
    "stage": ("recipes.hybrid.settings.stages", [{**STAGE, "trainning": {}}], "trainning", "training"),
    "stage loss": ("recipes.hybrid.settings.stages", [{**STAGE, "loss": {"alpa": 1}}], "alpa", "alpha"),
    "stage training": ("defaults.stages", [{**STAGE, "training": {"decai": 1}}], "decai", "decay"),
    "synthetic": ("datasets.demo.synthetic.clip_per_fold", 4, "clip_per_fold", "clips_per_fold"),
    # unknown names
    "default study": ("study", "papr", "papr", "paper"),
    "study's recipe": ("studies.esc10.recipes", ["hybird"], "hybird", "hybrid"),
    "study's dataset": ("studies.esc10.datasets", ["esc01"], "esc01", "esc10"),
    "weights of a recipe": (
        "recipes.hybrid.settings.encoder",
        {"weights": "imagenet_pfq"},
        "imagenet_pfq",
        "imagenet_pqf",
    ),
    "encoder that the weights lack": ("studies.esc10.settings.encoder.name", "resnet51", "resnet51", "resnet50"),
    "fold": ("studies.esc10.folds", [5, 6], "6", "1, 2, 3, 4, 5"),
    # values that do not fit: the place, and the value
    "text for a number": ("defaults.training.epochs", "many", "training.epochs", "many"),
    "fraction for a number": ("defaults.training.epochs", 1.5, "training.epochs", "1.5"),
    "number for a block": ("recipes.hybrid.settings.loss", 0.5, "recipes.hybrid.settings.loss", "0.5"),
    "number for a list": ("studies.esc10.seeds", 0, "studies.esc10.seeds", "0"),
    "list for a block": ("studies.esc10", [1], "studies.esc10", "[1]"),
    "truth value for a number": ("defaults.training.epochs", True, "training.epochs", "True"),
    "truth value for a fraction": ("defaults.training.weight_decay", False, "training.weight_decay", "False"),
    "truth value for a choice": ("defaults.encoder.channels", True, "encoder.channels", "True"),
    "truth value in a list": ("studies.esc10.seeds", [0, True], "studies.esc10.seeds", "True"),
    "nothing": ("defaults.logmel.hop", None, "logmel.hop", "None"),
    "too large": ("recipes.hybrid.settings.loss", {"alpha": 1.5}, "loss.alpha", "1.5"),
    "too small": ("defaults.training.batch_size", 1, "training.batch_size", "1"),
    "zero": ("defaults.loss.temperature", 0, "loss.temperature", "0"),
    "negative": ("defaults.encoder.frozen", -1, "encoder.frozen", "-1"),
    "negative seed": ("studies.esc10.seeds", [0, -1], "studies.esc10.seeds.1", "-1"),
    "not a number": ("defaults.training.learning_rate", float("nan"), "training.learning_rate", "nan"),
    "infinite": ("defaults.training.head_factor", float("inf"), "training.head_factor", "inf"),
    "unknown choice": ("defaults.logmel.window", "hanning", "logmel.window", "hanning"),
    "unknown precision": ("defaults.training.precision", "half", "training.precision", "half"),
    "unknown part": ("defaults.stages", [{**STAGE, "trains": ["decoder"]}], "trains.0", "decoder"),
    "two channels": ("defaults.encoder.channels", 2, "encoder.channels", "2"),
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
    "a stage's loss that is no block": ("defaults.stages", [{**STAGE, "loss": 5}], "stages.0.loss", "5"),
    "more folds than can be listed": (
        "datasets.demo.folds",
        10**30,
        "datasets.demo.folds",
        "less than or equal to 1000",
    ),
    # numbers that would overflow, fill the disk or take all memory
    **{
        f"too large {path}": (path, value, path.removeprefix("defaults."), "less than or equal to")
        for path, value in {
            "defaults.training.batch_size": 10**30,
            "defaults.training.epochs": 10**30,
            "defaults.training.patience": 10**30,
            "defaults.training.warmup_epochs": 10**30,
            "defaults.projection.size": 10**12,
            "defaults.logmel.fft": 10**12,
            "defaults.logmel.hop": 10**30,
            "defaults.logmel.bands": 10**9,
            "defaults.encoder.frozen": 10**30,
            "defaults.augment.frequency_masks": 10**9,
            "defaults.augment.time_masks": 10**9,
            "defaults.augment.frequency_width": 10**30,
            "defaults.augment.time_width": 10**30,
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
    "a seed too large": ("studies.esc10.seeds", [10**30], "studies.esc10.seeds.0", "less than or equal to"),
    "a rate too small": ("datasets.demo.sample_rate", 3, "datasets.demo.sample_rate", "greater than or equal to 1000"),
    # artefacts of a study, and evaluation
    "unknown artefact": ("studies.paper.artefacts", {"tabel1": {}}, "tabel1", "table1"),
    "artefact's key": ("studies.paper.artefacts.table1.recipies", ["hybrid"], "recipies", "recipes"),
    "artefact's recipe": ("studies.paper.artefacts.table1.recipes", ["hybird"], "artefacts.table1.recipes", "hybrid"),
    "artefact's dataset that the study has not": (
        "studies.esc10.artefacts.table2.datasets",
        ["esc50"],
        "studies.esc10.artefacts.table2.datasets",
        "esc10",
    ),
    "artefact's fold": ("studies.esc10.artefacts.table2.folds", [6], "artefacts.table2.folds", "1, 2, 3, 4, 5"),
    "artefact's seed": ("studies.esc10.artefacts.table2.seeds", [-1], "artefacts.table2.seeds.0", "-1"),
    "artefact's seed twice": (
        "studies.esc10.artefacts.table2.seeds",
        [1, 1],
        "artefacts.table2.seeds",
        "more than once",
    ),
    "artefact that is no block": ("studies.esc10.artefacts.table2", ["hybrid"], "artefacts.table2", "['hybrid']"),
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
    "path", ["study", "revision", "defaults", "studies", "studies.esc10.title", "defaults.training"]
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
    params = loaded(changed(("recipes.spare", {"title": "x", "settings": {"encoder": {"weights": "imagenet"}}})))
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
        (TEXT.replace("alpha: 0.5", "alpha: 0.5, alpha: 0.25"), "duplicate key 'alpha'"),
        (TEXT + "\nrecipes: {}\n", "duplicate key 'recipes'"),
    ],
)
def test_text_that_is_no_parameters(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        load(path)
    assert str(path) in str(error.value) and message in str(error.value)
    assert "\n" not in str(error.value)


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
        load(path)
    assert "\n" not in str(error.value)
    assert time.monotonic() - began < 20


def test_a_file_too_large_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("a: " + "x" * 1_000_000, encoding="utf-8")
    with pytest.raises(UserError, match="is too large for a file of parameters"):
        load(path)


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(UserError, match=r"is not there; run the command in the repository's folder, or .* --params"):
        load(tmp_path / "params.yaml")


@pytest.mark.parametrize("kind", ["folder", "bytes"])
def test_a_file_that_cannot_be_read(tmp_path, kind):
    path = tmp_path / "params.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "bytes":
        path.write_bytes(b"\xff\xfe\x00study")
    with pytest.raises(UserError, match=r"params\.yaml: cannot be read") as error:
        load(path)
    assert "\n" not in str(error.value)


def test_merge_keys_of_yaml_are_no_duplicates(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        TEXT.replace("  demo:\n    title: the", "  demo: &demo\n    title: the") + "  third: {<<: *demo, seeds: [3]}\n"
    )
    assert load(path).get_study("third").seeds == (3,)


def test_an_unknown_study_is_named_with_those_near_it(repo):
    with pytest.raises(UserError, match=r"unknown study: 'dmo'; did you mean 'demo'\?"):
        load(repo / "params.yaml").get_study("dmo")


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
    except UserError as error:
        assert str(error) and "\n" not in str(error)
        return False
    return True


def test_mutilated_content_never_ends_in_another_error(loaded):
    dice = random.Random(0)
    small = copy.deepcopy(CONTENT)
    for gone in ("paper", "own"):  # the one is large, the other's sounds are not there
        del small["studies"][gone]
    del small["datasets"]["us8k"], small["datasets"]["esc50"]
    small["study"] = "esc10"
    results = [loads_or_says_why(lambda: loaded(mutated(small, dice))) for _ in range(400)]
    assert 20 < sum(results) < 380  # both sides of the fence were tried


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
        loads_or_says_why(lambda: load(path))


@pytest.mark.parametrize("key", ["seeds: [0]", "recipes: [cross_entropy,"])
def test_what_stands_twice_in_a_study_is_named(repo, tmp_path, key):
    """Twice the same seed would be the same run planned twice."""
    name, first = key.rstrip(",").split(": [")
    text = (repo / "params.yaml").read_text()
    twice = f"{name}: [{first.rstrip(']')}, {first.rstrip(']')}" + ("]" if key.endswith("]") else ",")
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(key, twice, 1))
    with pytest.raises(UserError, match=rf"{name}: .*{first.rstrip(']')}.* stands there more than once"):
        load(path)


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
