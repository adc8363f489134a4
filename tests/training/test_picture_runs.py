"""Runs on pictures: SimCLR and a probe, and a run on sounds that starts from them."""

from pathlib import Path

import pytest
import torch

from soundclr.errors import UserError
from soundclr.evaluation.classifier import Classifier
from soundclr.machine.files import read_json
from soundclr.params import Params
from soundclr.run.runs import expand, features_path, find_run, started_from
from soundclr.training.job import Paths, run_job
from support import toy

CPU = torch.device("cpu")


def params_of(repo: Path) -> Params:
    """A study of toy sounds whose networks start from toy pictures without labels."""
    content = toy.content(repo)
    pictures = {key: value for key, value in toy.DATASET.items() if key not in ("sample_rate", "samples")}
    content["datasets"]["tiny"] = {**pictures, "pixels": 16, "held_out": [1]}
    for stage in content["recipes"]["pictures_without_labels"]["settings"]["stages"]:
        stage["training"] = {**stage.get("training", {}), "epochs": 30, "patience": 30, "batch_size": 18}
    start = {"weights": "none", "run": "pictures_without_labels", "dataset": "tiny", "fold": 1}
    content["recipes"]["from_pictures"] = {"title": "x", "base": "cross_entropy", "settings": {"start": start}}
    content["studies"]["toy"]["settings"]["representations"]["log_mel"]["channels"] = 3
    content["studies"]["toy"]["recipes"] = ["from_pictures"]
    return Params.model_validate(content)


def test_sounds_are_learnt_from_what_pictures_taught(repo, tmp_path):
    params = params_of(repo)
    planned = list(expand(params, "toy"))
    assert sum(run.dataset == "tiny" for run in planned) == 1
    run = find_run(params, "toy", "toy", "from_pictures", 3, 0)
    other = started_from(params, run)
    assert other in planned and (other.dataset, other.fold) == ("tiny", 1)
    features = {
        "toy": toy.write_features(features_path(params, "toy", tmp_path)),
        "tiny": toy.write_features(features_path(params, "tiny", tmp_path), toy.pictures()),
    }
    metrics = read_json(run_job(other, params, Paths(features["tiny"], None, tmp_path), CPU))
    assert metrics["settings"]["audio"] == {"sample_rate": 0, "samples": 3 * 16**2}
    assert metrics["accuracy"]["last_epoch"] >= 0.6
    history = (other.directory(tmp_path) / "history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in history].count("pretraining") == 30
    assert read_json(run_job(run, params, Paths(features["toy"], None, tmp_path), CPU))["start"] == {
        "name": f"{other.group}/fold1-seed0",
        "sha256": metrics["model_sha256"],
    }
    with pytest.raises(UserError, match="was trained on pictures; name a run that was trained on sounds"):
        Classifier(other.directory(tmp_path))
