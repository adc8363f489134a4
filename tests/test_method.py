"""Settings that each are valid and together are not: named when params.yaml is read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from soundclr.audio.augmentations import AUGMENTATIONS
from soundclr.audio.representations import REPRESENTATIONS
from soundclr.errors import UserError
from soundclr.losses import TERMS
from soundclr.method import REGISTRIES, check, load_checked, load_checked_run
from soundclr.models.encoders import ENCODERS
from soundclr.params import Params, merge
from soundclr.run.runs import find_run
from soundclr.training.optimizers import OPTIMIZERS
from soundclr.training.schedule import SCHEDULES
from soundclr.training.solvers import SOLVERS
from support import toy

PLACE = "toy/toy/hybrid"
RAW = {"representation": "waveform", "encoder": "small_1d", "augment": ["scale"]}


def resolve(repo, **settings):
    """The settings of the toy study's hybrid with differences, checked."""
    content = toy.content(repo)
    recipe = content["recipes"]["hybrid"]
    recipe["settings"] = merge(recipe["settings"], settings)
    resolved = Params.model_validate(content).resolve("toy", "toy", "hybrid")
    check(resolved, PLACE)
    return resolved


def stage(name="first", *, trains, **settings):
    return {"name": name, "trains": trains, **settings}


MISTAKES = {
    "encoder": ({"encoder": "smal"}, "unknown encoder in toy/toy/hybrid: 'smal'; did you mean 'small'"),
    "frozen blocks": (
        {"encoders": {"small": {"frozen": 5}}},
        f"{PLACE}: frozen is 5, but small has 4 blocks",
    ),
    "waveform for a 2-D encoder": (
        {"representation": "waveform", "augment": []},
        f"{PLACE}: waveform has 1 dimensions, but the encoder small needs 2",
    ),
    "spectrogram for a 1-D encoder": (
        {"encoder": "small_1d"},
        f"{PLACE}: log_mel has 2 dimensions, but the encoder small_1d needs 1",
    ),
    "masks of a waveform": (
        {**RAW, "augment": ["scale", "time_mask"]},
        f"{PLACE}: stage 'joint': augment masks a spectrogram, but waveform is not one",
    ),
    "clips that are too short for clar": (
        {"representation": "clar", "representations": {"clar": {"n_fft": 65536, "highest_hz": 2000}}},
        f"{PLACE}: representation clar: clips of 2048 samples cannot be reflected by half of n_fft: 65536; lower it",
    ),
    "clips that are too short to be reflected": (
        {"representations": {"log_mel": {"padding": "reflect", "n_fft": 4096}}},
        f"{PLACE}: representation log_mel: clips of 2048 samples cannot be reflected by half of n_fft: 4096; lower it",
    ),
    "frequencies above half the rate": (
        {"representation": "clar"},
        f"{PLACE}: representation clar: highest_hz is 8000, more than half the sample rate 4000; lower it",
    ),
    "masks before a fade": (
        {"augment": ["frequency_mask", "fade"]},
        f"{PLACE}: stage 'joint': augment must name augmentations of clips first",
    ),
    "masks before the clip": (
        {"augment": ["time_mask", "scale"]},
        f"{PLACE}: stage 'joint': augment must name augmentations of clips first",
    ),
    "an augmentation twice": (
        {"augment": ["scale", "scale"]},
        f"{PLACE}: stage 'joint': augment names scale more than once",
    ),
    "a projection without its loss": (
        {"loss": {"cross_entropy": 1, "supcon": 0}, "stages": [stage(trains=["projection"])]},
        f"{PLACE}: stage 'first' trains projection, which learn nothing from cross_entropy: ",
    ),
    "a classifier without its loss": (
        {"loss": {"cross_entropy": 0}, "stages": [stage(trains=["classifier"], training={"monitor": "loss"})]},
        f"{PLACE}: stage 'first' trains classifier, which learn nothing from supcon: ",
    ),
    "an encoder that is frozen": (
        {"encoders": {"small": {"frozen": 4}}, "stages": [stage(trains=["encoder"])]},
        f"{PLACE}: stage 'first' trains encoder, which learn nothing from cross_entropy and supcon: ",
    ),
    "one view for NT-Xent": (
        {"loss": {"nt_xent": 0.5}},
        f"{PLACE}: stage 'joint': nt_xent needs views: 2, found 1",
    ),
    "views of which none is random": (
        {"views": 2, "augment": [], "crop": {"train": "centre"}},
        f"{PLACE}: stage 'joint': views is 2, but nothing is random, so all views would be the same",
    ),
    "views that both begin where the clip does": (
        {"views": 2, "augment": [], "crop": {"train": "start"}},
        f"{PLACE}: stage 'joint': views is 2, but nothing is random, so all views would be the same",
    ),
    "accuracy of no classifier": (
        {"loss": {"cross_entropy": 0}},
        f"{PLACE}: stage 'joint': training.monitor is accuracy, but supcon does not train the classifier; monitor loss",
    ),
    "two ways to choose the epoch": (
        {"stages": [
            stage(trains=["encoder"], training={"validation": "inner"}), stage("second", trains=["classifier"])
        ]},
        f"{PLACE}: training.validation is held_out and inner; all stages must have the same",
    ),
    "two stages of one name": (
        {"stages": [stage("same", trains=["classifier"]), stage("same", trains=["encoder"])]},
        f"{PLACE}: stages has the name 'same' twice",
    ),
    "a batch of many frames": (
        {"training": {"batch_size": 65536}, "representations": {"log_mel": {"hop_length": 1}}},
        f"{PLACE}: a batch of stage 'joint' is {65536 * 2049 * 65} numbers, more than 1073741824: ",
    ),
    "a batch of many bands": (
        {
            "training": {"batch_size": 16384},
            "representations": {"log_mel": {"n_fft": 8190, "hop_length": 1, "n_mels": 4096}},
        },
        f"{PLACE}: a batch of stage 'joint' is {16384 * 2049 * 4096} numbers, more than",
    ),
    "a batch of many views": (
        {"training": {"batch_size": 65536}, "views": 100},
        f"{PLACE}: a batch of stage 'joint' is {65536 * 100 * 65 * 33} numbers, more than",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "message"), MISTAKES.values(), ids=list(MISTAKES))
def test_what_cannot_train_is_named(repo, settings, message):
    with pytest.raises(UserError) as error:
        resolve(repo, **settings)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"encoders": {"small": {"frozen": 4}}, "stages": [stage(trains=["projection", "classifier"])]},
        {"loss": {"cross_entropy": 0}, "stages": [stage(trains=["projection"], training={"monitor": "loss"})]},
        # a classifier on the projection teaches the projection too
        {
            "loss": {"supcon": 0},
            "classifier": {"input": "projection"},
            "stages": [stage(trains=["projection", "classifier"])],
        },
        {"loss": {"cross_entropy": 0.5, "supcon": 0, "nt_xent": 0.5}, "views": 2},
        {
            "representation": "clar",
            "representations": {"clar": {"highest_hz": 2000}},
            "augment": ["fade", "waveform_mask"],
        },
        {"representation": "windows", "augment": ["pitch_and_stretch", "time_mask"]},
        {"views": 2, "augment": []},  # the place of a clip is random
        RAW,
    ],
)
def test_methods_that_can_train_pass(repo, settings):
    assert resolve(repo, **settings)


def test_an_inner_fold_takes_three_folds(repo):
    content = toy.content(repo)
    content["datasets"]["toy"]["folds"] = 2
    params = Params.model_validate(content)
    params.resolve("toy", "toy", "hybrid")
    with pytest.raises(UserError, match="is inner, which needs 3 folds, but the dataset has 2"):
        params.resolve("toy", "toy", "hybrid_inner")


def test_every_entry_has_its_line_in_the_defaults(repo):
    defaults = toy.content(repo)["defaults"]
    rooms = (REPRESENTATIONS, AUGMENTATIONS, ENCODERS, TERMS, {**OPTIMIZERS, **SOLVERS}, SCHEDULES)
    assert [registry for registry, _ in REGISTRIES.values()] == list(rooms)
    for plural, (registry, _) in REGISTRIES.items():
        assert set(defaults[plural]) == set(registry), plural


def test_checking_needs_no_torch(repo: Path):
    """Which takes seconds; nor what reads tables and draws. Precision `auto` asks only when a run is resolved."""
    code = (
        "import sys, pathlib; from soundclr.method import load_checked; load_checked(pathlib.Path('params.yaml'));"
        "print(*{'torch', 'pandas', 'matplotlib', 'scipy', 'sklearn'} & set(sys.modules))"
    )
    asks = {name: value for name, value in os.environ.items() if name != "SOUNDCLR_PRECISION"}
    done = subprocess.run([sys.executable, "-c", code], cwd=repo, env=asks, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""


def test_a_job_of_one_run_resolves_that_run_alone(repo, tmp_path, monkeypatch):
    """Another study's mistake is not its own; its own is the same line as a plan's. Its paths are the same."""
    content = toy.content(repo)
    content["recipes"]["probe"] = {
        "title": "probe",
        "settings": {
            "start": {"weights": "none", "run": "hybrid"},
            "stages": [{"name": "x", "trains": ["classifier"]}],
        },
    }
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(content))
    whole = load_checked(file)
    written, resolved = Params.written, set()
    monkeypatch.setattr(Params, "written", lambda self, *place: resolved.add(place) or written(self, *place))
    params, study = load_checked_run(file, None, "toy", "probe")
    assert study == "toy" and resolved == {("toy", "toy", "probe"), ("toy", "toy", "hybrid")}
    assert find_run(params, study, "toy", "probe", 1, 0) == find_run(whole, study, "toy", "probe", 1, 0)

    content["studies"]["demo"]["settings"]["encoder"] = "resnet19"
    file.write_text(yaml.safe_dump(content))
    load_checked_run(file, "toy", "toy", "probe")
    lines = []
    for call in (lambda: load_checked(file), lambda: load_checked_run(file, "demo", "demo", "cross_entropy")):
        with pytest.raises(UserError) as error:
            call()
        lines.append(str(error.value))
    assert lines[0] == lines[1] and "resnet19" in lines[0]
