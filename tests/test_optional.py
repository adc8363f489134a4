"""Weights that a study does without: which runs are left out, and what brings them back."""

import pytest
import yaml

from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.params import Params
from soundclr.planning.status.jobs import Places, Study
from soundclr.run import optional
from soundclr.run.runs import expand, weights_path
from support import toy

RECIPES = {
    "vanilla": {"start": {"weights": "none"}},
    "from_v1": {"start": {"weights": "simclr_v1"}},
    "probed": {"start": {"weights": "none", "run": "from_v1"}},
}


def content(repo):
    """The toy study of three recipes on two folds, two of which go back to SimCLR's weights of a ResNet-50."""
    plain = toy.content(repo)
    plain["recipes"] |= {name: {"title": name, "settings": settings} for name, settings in RECIPES.items()}
    plain["studies"]["toy"] |= {"recipes": list(RECIPES), "folds": [1, 2], "optional_weights": ["simclr_v1"]}
    plain["studies"]["toy"]["evaluate"] = {"folds": [1]}
    plain["studies"]["toy"]["settings"]["encoder"] = "resnet50"
    return plain


@pytest.fixture(scope="module")
def params(repo):
    return Params.model_validate(content(repo))


def recipes_left_out(params, folder, mirror=None):
    found = optional.left_out(params, "toy", folder / "results", folder / "data", mirror)
    assert set(found.values()) <= {("simclr_v1", "resnet50")}
    return sorted((run.recipe, run.fold) for run in found)


EVERY = [("from_v1", 1), ("from_v1", 2), ("probed", 1), ("probed", 2)]


def test_without_the_file_what_goes_back_to_it_is_left_out(params, tmp_path, monkeypatch):
    monkeypatch.delenv("SOUNDCLR_MIRROR", raising=False)
    assert recipes_left_out(params, tmp_path) == EVERY
    assert recipes_left_out(params, tmp_path, mirror=tmp_path) == EVERY
    (line,) = optional.lines(params, optional.left_out(params, "toy", data=tmp_path))
    assert line.startswith("4 runs are left out: the weights simclr_v1 are missing")
    assert "resnet50-1x.pth" in line and "`soundclr weights simclr_v1 resnet50`" in line


@pytest.mark.parametrize("place", ["mirror", "environment", "data"])
def test_the_file_brings_them_back(params, tmp_path, monkeypatch, place):
    monkeypatch.delenv("SOUNDCLR_MIRROR", raising=False)
    if place == "data":
        file = weights_path("simclr_v1", "resnet50", tmp_path / "data")
        file.parent.mkdir(parents=True)
    else:
        file = tmp_path / "resnet50-1x.pth"
    file.touch()
    if place == "environment":
        monkeypatch.setenv("SOUNDCLR_MIRROR", str(tmp_path))
    assert recipes_left_out(params, tmp_path, tmp_path if place == "mirror" else None) == []


def test_a_run_that_is_there_is_not_left_out(params, tmp_path, monkeypatch):
    monkeypatch.delenv("SOUNDCLR_MIRROR", raising=False)
    run = next(run for run in expand(params, "toy") if (run.recipe, run.fold) == ("from_v1", 2))
    folder = run.directory(tmp_path / "results")
    folder.mkdir(parents=True)
    (folder / "metrics.json").touch()
    assert recipes_left_out(params, tmp_path) == [place for place in EVERY if place != ("from_v1", 2)]


def test_weights_that_are_not_optional_are_waited_for(repo, tmp_path):
    plain = content(repo)
    del plain["studies"]["toy"]["optional_weights"]
    assert recipes_left_out(Params.model_validate(plain), tmp_path) == []


def test_optional_weights_that_there_are_not_are_one_line(repo, tmp_path):
    plain = content(repo)
    plain["studies"]["toy"]["optional_weights"] = ["simclr_1"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(plain))
    with pytest.raises(UserError, match=r"studies\.toy\.optional_weights: 'simclr_1'; did you mean 'simclr_v1'"):
        load_checked(tmp_path / "params.yaml")


def test_the_status_counts_what_is_to_be_trained(params, tmp_path, monkeypatch):
    monkeypatch.delenv("SOUNDCLR_MIRROR", raising=False)
    study = Study.from_params(params, "toy", Places(results=tmp_path / "results", data=tmp_path / "data"))
    assert sorted((run.recipe, run.fold) for run in study.runs) == [("vanilla", 1), ("vanilla", 2)]
    assert study.evaluated == tuple(run for run in study.runs if run.fold == 1)
