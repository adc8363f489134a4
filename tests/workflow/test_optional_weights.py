"""A file of weights that a user puts into the mirror gives the rows that start from it, with no other change."""

import json
import re
from pathlib import Path

import pytest
import torch
import torchvision
import yaml

from soundclr.machine.files import sha256_of_file
from soundclr.params import read_params
from support import toy
from support.projects import copy_of, run_in


@pytest.fixture(scope="module")
def project(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy study of linear evaluations, of random weights and of SimCLR's, which are not here."""
    folder = copy_of(repo, tmp_path_factory.mktemp("optional") / "project")
    toy.project(repo, folder)
    params = read_params(folder / "params.yaml")
    study = params["studies"]["toy"]
    study |= {"folds": [1], "optional_weights": ["simclr_v1"], "recipes": ["linear_random", "linear_self_supervised"]}
    log_mel = study["settings"]["representations"]["log_mel"] | {"channels": 3}
    study["settings"] |= {"encoder": "resnet50", "representations": {"log_mel": log_mel}}
    for recipe in ("supervised", "linear_supervised"):
        params["recipes"][recipe]["settings"]["representation"] = "log_mel"
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    return folder


@pytest.fixture(scope="module")
def mirror_of_random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ResNet-50 of random weights in the layout of SimCLR v1's file."""
    folder = tmp_path_factory.mktemp("mirror")
    torch.manual_seed(1)
    content = {"state_dict": torchvision.models.resnet50(weights=None).state_dict()}
    torch.save(content, folder / "resnet50-1x.pth")
    return folder


def planned(folder: Path, *config: str) -> list[str]:
    """The recipes that would be trained."""
    said = run_in(folder, "snakemake", "runs", "--dry-run", "--cores", "1", "--config", "study=toy", *config).stdout
    return sorted(re.findall(r"train (\w+) on toy, fold 1", said))


def test_the_file_in_the_mirror_is_all_it_takes(project: Path, mirror_of_random_weights: Path) -> None:
    mirror = f"mirror={mirror_of_random_weights}"
    assert planned(project) == ["linear_random"]
    assert planned(project, mirror) == ["linear_random", "linear_self_supervised"]
    alone = run_in(project, "snakemake", "runs", "--cores", "1", "--config", "study=toy")
    assert "1 run is left out: the weights simclr_v1 are missing" in alone.stderr
    run_in(project, "snakemake", "runs", "--cores", "1", "--config", "study=toy", mirror)
    records = {path.parent.parent.name.split("-")[0]: path for path in project.glob("results/toy/**/metrics.json")}
    assert set(records) == {"linear_random", "linear_self_supervised"}
    start = json.loads(records["linear_self_supervised"].read_text())["start"]
    file = mirror_of_random_weights / "resnet50-1x.pth"
    assert start == {"name": "simclr_v1", "sha256": sha256_of_file(file)}
    assert planned(project) == []  # what is trained is there, with or without the mirror
