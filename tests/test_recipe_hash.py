"""A run's hash is that of all that decides its numbers, and of nothing else."""

import copy
import subprocess
from pathlib import Path

import pytest

from soundclr.machine.files import sha256_of_json
from soundclr.method import REGISTRIES, check
from soundclr.params import MappingSettings, Params, WeightsFile, read_params
from soundclr.params.resolving import CHOICES, OF_A_RUN, UNITS
from soundclr.run import runs
from soundclr.run.runs import Run, dataset_hash, expand, features_key, recipe_hash, weights_identity
from support.real_params import CONTENT, REPO, changed_params

PLACE = ("esc10", "esc10", "supervised_contrastive")  # two stages, and weights that exist for two encoders

OTHER = {
    "random": "centre",
    "centre": "random",
    "hann": "hamming",
    "zeros": "reflect",
    "resnet18": "resnet50",
    "imagenet_pqf": "imagenet1k_v1",
    "contrastive": "another",
    "classifier": "another",
    "encoder": "projection",
    "accuracy": "loss",
    "loss": "accuracy",
    "last": "best",
    "float32": "bfloat16",
    "held_out": "inner",
    "mean": "mean_max",
    "adamw": "adam",
    "exponential": "cosine",
}


PARAMS = changed_params()
HASH = recipe_hash(PARAMS, *PLACE)
SETTINGS = PARAMS.resolve(*PLACE).model_dump(mode="json")
ENTRIES = {**OF_A_RUN, **CHOICES}
NAMES = {"representation": "waveform", "augment": ["time_mask"], "optimizer": "adam", "schedule": "cosine"}


def leaves(value, path=()):
    """The paths of all values in nested mappings and lists; a list of plain values is one."""
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in leaves(part, (*path, key))]
    if isinstance(value, list) and isinstance(value[0], dict):
        return [leaf for key, part in enumerate(value) for leaf in leaves(part, (*path, key))]
    return [path]


def at(block, path):
    """The value at a path."""
    for key in path:
        block = block[key]
    return block


def another(name, value):
    """A valid value beside ``value`` of the setting ``name``."""
    if name == "layers":
        return [*value, "relu"]
    if isinstance(value, list):
        return [*value, *(part for part in ("encoder", "projection", "classifier") if part not in value)]
    if isinstance(value, str):
        return OTHER[value]
    return value + 1 if isinstance(value, int) else value * 0.8


def difference(leaf):
    """Where params.yaml has what a run's settings have at ``leaf``, and another value there."""
    value = another(leaf[-1], at(SETTINGS, leaf)) if leaf[-1] != "name" or len(leaf) == 3 else None
    above = leaf[:2] if leaf[0] == "stages" else ()
    key, *inside = leaf[len(above) :]
    if key not in ENTRIES:
        return leaf, value
    choice = at(SETTINGS, (*above, key, *inside[:-1])) if inside[-1] in ("name", "weight") else None
    if inside[-1] == "weight":
        return (*above, key, choice["name"]), value
    if inside[-1] == "name" and key == "loss":
        return (*above, key), {choice["name"]: 0, "nt_xent": 1}
    if inside[-1] == "name":
        return (*above, key), NAMES.get(key) or OTHER[choice["name"]]
    choice = at(SETTINGS, (*above, key, *inside[:-2]))
    return (*above, ENTRIES[key], choice["name"], inside[-1]), value


def put(content, path, value):
    """Lay a value at a path over ``content``, whose other values stay."""
    *parents, last = path
    block = content
    for key in parents:
        block = block[key] if isinstance(block, list) else block.setdefault(key, {})
    block[last] = {**block[last], **value} if isinstance(block.get(last), dict) else value


CHANGEABLE = [leaf for leaf in leaves(SETTINGS) if at(SETTINGS, leaf) is not None and leaf != ("projection", "input")]


@pytest.mark.parametrize("leaf", CHANGEABLE, ids=lambda leaf: ".".join(map(str, leaf)))
def test_every_setting_changes_the_hash(leaf):
    content = copy.deepcopy(CONTENT)
    path, value = difference(leaf)
    if path[0] == "audio":
        content["datasets"]["esc10"][path[1]] = value
    else:
        put(content["recipes"]["supervised_contrastive"]["settings"], path, value)
    if leaf[-1] == "validation":  # is one for all stages
        for stage in content["recipes"]["supervised_contrastive"]["settings"]["stages"]:
            put(stage, path[2:], value)
    params = Params.model_validate(content)
    after = params.resolve(*PLACE).model_dump(mode="json")
    assert after != SETTINGS  # the change arrived
    if isinstance(value, int | float):
        assert at(after, leaf) == value
    assert recipe_hash(params, *PLACE) != HASH


@pytest.mark.parametrize(
    "path",
    [
        ("representations", "waveform", "channels"),
        ("encoders", "resnet50", "frozen"),
        ("augmentations", "time_mask", "width"),
        ("losses", "nt_xent", "temperature"),
        ("optimizers", "adam", "weight_decay"),
        ("schedules", "cosine", "warmup"),
    ],
    ids=".".join,
)
def test_what_is_not_chosen_does_not_change_the_hash(path):
    content = copy.deepcopy(CONTENT)
    put(content["defaults"], path, at(CONTENT["defaults"], path) + 1)
    assert recipe_hash(Params.model_validate(content), *PLACE) == HASH


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("representations", "log_mel", "fmin_hz"), 50.0),
        (("representations", "log_mel", "fmax_hz"), 14000.0),
        (("representations", "log_mel", "reference_power"), 1.0),
    ],
    ids=lambda part: ".".join(part) if isinstance(part, tuple) else "",
)
def test_a_parameter_that_is_null_counts_only_where_it_is_given(path, value):
    """Without it, as params.yaml was before the parameter came, the hash is the same."""
    content = copy.deepcopy(CONTENT)
    assert at(content["defaults"], path) is None
    del at(content["defaults"], path[:-1])[path[-1]]
    assert recipe_hash(Params.model_validate(content), *PLACE) == HASH
    content = copy.deepcopy(CONTENT)
    put(content["recipes"]["supervised_contrastive"]["settings"], path, value)
    assert recipe_hash(Params.model_validate(content), *PLACE) != HASH


def test_names_with_units_are_the_entries_own_aliases():
    for entries, (registry, _) in REGISTRIES.items():
        for name, kind in registry.items():
            aliases = {field: info.alias for field, info in kind.model_fields.items() if info.alias}
            assert aliases == UNITS.get(entries, {}).get(name, {}), name


@pytest.mark.parametrize(
    ("augmentation", "names"),
    [
        ("pitch_shift", {"lowest_semitones": -3, "highest_semitones": 3}),
        ("white_noise", {"lowest_db": 1.0, "highest_db": 2.0}),
        ("time_shift", {"most_share": 0.1}),
    ],
)
def test_a_name_with_its_unit_is_the_same_run_as_without(augmentation, names):
    """A params.yaml from before the units came has the same paths; its numbers count."""
    content = copy.deepcopy(CONTENT)
    old = {UNITS["augmentations"][augmentation][key]: value for key, value in names.items()}
    hashes = []
    for parameters in (names, old):
        others = {k: v for k, v in CONTENT["defaults"]["augmentations"][augmentation].items() if k not in names}
        content["defaults"]["augmentations"][augmentation] = others | parameters
        content["recipes"]["supervised_contrastive"]["settings"]["augment"] = [augmentation]
        params = Params.model_validate(content)
        check(params.resolve(*PLACE), "here")
        hashes.append(recipe_hash(params, *PLACE))
        last = content["defaults"]["augmentations"][augmentation]
        last[next(iter(parameters))] *= 2 if augmentation != "white_noise" else 1.5
        assert recipe_hash(Params.model_validate(content), *PLACE) != hashes[-1]
    assert hashes[0] == hashes[1]


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
                "imagenet_pqf": {"files": {"resnet18": {"file": "resnet18-imagenet-pqf.pth", "sha256": "0" * 64}}}
            }
        },
    ],
    ids=str,
)
def test_data_weights_and_revision_change_the_hash(changes):
    assert recipe_hash(changed_params(**changes), *PLACE) != HASH


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
        {"datasets": {"esc10": {"licence": "?", "max_bytes": 9, "held_out": [1]}}},
        {"datasets": {"us8k": {"classes": 12}}},
        {"weights": {"imagenet_pqf": {"title": "?"}}},
        {"weights": {"imagenet1k_v1": {"files": {}}}},
        {"grids": {"masks": {"title": "{bands}? {frames}?"}}},
        {"recipes": {"supervised_contrastive": {"title": "?"}}},
        {"recipes": {"supervised_contrastive": {"datasets": {"us8k": {"training": {"lr": 1.0}}}}}},
        {"recipes": {"hybrid": {"settings": {}}}},
        {"studies": {"esc10": {"title": "?", "note": "?", "seeds": [7], "folds": [2], "recipes": ["hybrid"]}}},
        {"studies": {"demo": {"settings": {}}}},
    ],
    ids=str,
)
def test_names_and_other_entries_do_not_change_the_hash(changes):
    assert recipe_hash(changed_params(**changes), *PLACE) == HASH


def test_the_committed_runs_keep_their_paths():
    """A new version must give the same hashes, unless it raises the revision and trains the runs again."""
    if not (REPO / ".git").exists():
        pytest.skip("needs the repository's history: this is a copy of its files without .git")
    command = ["git", "ls-files", "results/*/runs/*/metrics.json"]
    listed = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True).stdout.splitlines()
    found = (Run.from_directory((REPO / path).parent, REPO / "results") for path in listed)
    hashes = {(run.study, run.dataset, run.recipe): run.hash for run in found if run is not None}
    assert hashes
    assert {place: recipe_hash(PARAMS, *place) for place in hashes} == hashes


def test_equal_settings_under_other_names_have_one_hash():
    study, dataset, recipe = PLACE
    params = changed_params(
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
    assert features_key(changed_params(recipes={"hybrid": {"settings": {}}}, revision=9), "esc10") == features_key(
        PARAMS, "esc10"
    )
    assert features_key(changed_params(datasets={"esc10": {"sample_rate": 22050}}), "esc10") != features_key(
        PARAMS, "esc10"
    )
    assert dataset_hash(PARAMS, "esc10") != dataset_hash(PARAMS, "us8k")


def test_weights_without_a_hash_are_known_by_name_address_and_mapping(repo: Path) -> None:
    """A path cannot wait for the hash of a file that is still to come; where it is known, no address counts."""
    plain = read_params(repo / "params.yaml")
    file = WeightsFile.model_validate(plain["weights"]["simclr_v1"]["files"]["resnet50"])
    known = weights_identity(file)
    mapping = {"take": ["state_dict"], "drop": ["fc."], "rescale": "kaiming"}  # what has a default does not count
    assert known == sha256_of_json({"file": file.file, "url": file.url, "mapping": mapping})
    for changes in ({"file": "other.pth"}, {"url": None}, {"mapping": MappingSettings(take=("state_dict",))}):
        assert weights_identity(file.model_copy(update=changes)) != known
    assert weights_identity(file.model_copy(update={"max_bytes": 5})) == known
    hashed = file.model_copy(update={"sha256": "0" * 64})
    assert weights_identity(hashed) == weights_identity(hashed.model_copy(update={"url": None, "file": "a"})) != known
    assert weights_identity(hashed.model_copy(update={"mapping": MappingSettings()})) == "0" * 64


def test_the_key_of_an_evaluation_depends_on_its_settings_and_the_revision():
    asked = PARAMS.model_copy(update={"evaluation": PARAMS.evaluation.model_copy(update={"seed": 9})})
    keys = [runs.evaluation_key(params) for params in (PARAMS, changed_params(revision=9), asked)]
    assert len(set(keys)) == 3
    assert runs.evaluation_key(changed_params(study="esc10")) == keys[0]
