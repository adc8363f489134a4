"""A run that starts from another run's model waits for it, and all that start from one share it."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from soundclr.machine.files import sha256_of_file
from soundclr.params import read_params
from support import toy
from support.projects import copy_of, run_in

RECIPES = {
    "pretrained": {
        "title": "NT-Xent on two views",
        "settings": {
            "loss": {"cross_entropy": 0, "nt_xent": 1},
            "views": 2,
            "training": {"monitor": "loss"},
            "stages": [{"name": "pretraining", "trains": ["encoder", "projection"]}],
        },
    },
    "probe": {
        "title": "probe",
        "settings": {
            "start": {"weights": "none", "run": "pretrained"},
            "stages": [{"name": "probe", "trains": ["classifier"]}],
        },
    },
    "probe_half": {"title": "probe with half the labels", "base": "probe", "settings": {"labels": 0.5}},
}


@pytest.fixture(scope="module")
def trained(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy study as two probes of one pre-training that it does not name."""
    folder = copy_of(repo, tmp_path_factory.mktemp("start") / "project")
    toy.project(repo, folder)
    params = read_params(folder / "params.yaml")
    params["recipes"].update(RECIPES)
    params["studies"]["toy"].update(folds=[1], recipes=["probe", "probe_half"])
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    run_in(folder, "snakemake", "runs", "--cores", "2")
    return folder


def planned(folder: Path) -> int:
    """How many trainings are to come."""
    plan = run_in(folder, "snakemake", "runs", "--dry-run", "--cores", "1").stdout
    found = re.search(r"^train +(\d+)$", plan, re.MULTILINE)
    return int(found[1]) if found else 0


def the_run(folder: Path, recipe: str) -> Path:
    """The folder of a recipe's only run."""
    (found,) = folder.glob(f"results/toy/runs/toy/{recipe}-*/fold1-seed0")
    return found


def the_model(folder: Path, recipe: str) -> Path:
    """The model of a recipe's only run."""
    (found,) = folder.glob(f"results/toy/models/toy/{recipe}-*/fold1-seed0.pt")
    return found


def copied(trained: Path, tmp_path: Path) -> Path:
    """A copy of the project with its files' times, without what Snakemake remembers."""
    folder = shutil.copytree(trained, tmp_path / "project")
    shutil.rmtree(folder / ".snakemake")
    return folder


def test_one_pre_training_serves_both_probes(trained: Path) -> None:
    assert len(list(trained.glob("results/toy/runs/toy/*/*/metrics.json"))) == 3
    assert planned(trained) == 0
    start = torch.load(the_model(trained, "pretrained"))
    for recipe in ("probe", "probe_half"):
        record = json.loads((the_run(trained, recipe) / "metrics.json").read_text())
        assert record["start"]["sha256"] == sha256_of_file(the_model(trained, "pretrained"))
        assert record["start"]["name"].startswith("toy/pretrained-")
        model = torch.load(the_model(trained, recipe))
        assert all(torch.equal(model[key], start[key]) for key in start if key.startswith("encoder."))
        assert not torch.equal(model["classifier.1.weight"], start["classifier.1.weight"])


@pytest.mark.parametrize(
    ("runs", "models", "trainings"),
    [
        (["probe"], [], 1),  # the pre-training is there
        ([], ["pretrained", "probe", "probe_half"], 0),  # a clone has no models, and needs none
        (["probe"], ["pretrained"], 2),  # its model is needed, so it is trained again
        (["pretrained"], ["pretrained"], 1),  # the probes are there
        (["probe", "probe_half", "pretrained"], [], 3),
    ],
)
def test_what_is_missing_is_trained(
    trained: Path, tmp_path: Path, runs: list[str], models: list[str], trainings: int
) -> None:
    folder = copied(trained, tmp_path)
    for recipe in runs:
        shutil.rmtree(the_run(folder, recipe))
    for recipe in models:
        the_model(folder, recipe).unlink()
    assert planned(folder) == trainings


def test_another_pre_training_is_another_start(trained: Path, tmp_path: Path) -> None:
    folder = copied(trained, tmp_path)
    text = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(text.replace("views: 2", "views: 3"))
    assert planned(folder) == 3


def test_by_hand_the_other_run_is_named(trained: Path, tmp_path: Path) -> None:
    folder = copied(trained, tmp_path)
    shutil.rmtree(the_run(folder, "probe"))
    train = ["soundclr", "train", "--dataset", "toy", "--recipe", "probe", "--fold", "1"]
    command = "soundclr train --study toy --dataset toy --recipe pretrained --fold 1 --seed 0"
    the_model(folder, "pretrained").unlink()
    done = run_in(folder, *train, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"make it with `{command} --force`, or pull the model" in done.stderr
    shutil.rmtree(the_run(folder, "pretrained"))
    done = run_in(folder, *train, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"metrics.json: is missing; make it with `{command}`" in done.stderr
    run_in(folder, *command.split())
    run_in(folder, *train)
    assert planned(folder) == 0
