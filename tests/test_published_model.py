"""The model that comes with the repository: what a fresh clone classifies with, before any training."""

import csv
import lzma
import shutil
import subprocess

import numpy as np
import pytest
import soundfile
import torch

from soundclr.commands import cli
from soundclr.commands.named_run import PUBLISHED
from soundclr.errors import UserError
from soundclr.models import load
from soundclr.models.load import PACKED, load_run

MOST_BYTES = 12_000_000


@pytest.fixture(scope="module")
def published(repo):
    (folder,) = repo.glob(PUBLISHED)
    return folder


@pytest.fixture
def copied(published, repo, tmp_path):
    """A copy of the run and params.yaml elsewhere, without its model."""
    folder = tmp_path / published.relative_to(repo)
    shutil.copytree(published, folder)
    shutil.copy(repo / "params.yaml", tmp_path)
    shutil.copytree(repo / "params", tmp_path / "params")
    return folder


def test_it_is_in_git_and_small(repo, published):
    listed = subprocess.run(["git", "ls-files", str(published)], cwd=repo, capture_output=True, text=True, check=True)
    assert PACKED in listed.stdout
    assert (published / PACKED).stat().st_size < MOST_BYTES


def test_it_classifies_without_a_name(copied, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0).normal(size=44100 * 7) * 0.1
    soundfile.write("noise.wav", noise, 44100)
    assert cli.main(["classify", "noise.wav", "--csv", "--windows"]) == 0
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(out.splitlines()))
    assert f"by {copied.relative_to(tmp_path)}, the model that comes with the repository" in err
    assert len({row["class"] for row in rows}) == 50
    assert len(rows) == 2 * 50  # two windows, half overlapping
    assert sum(float(row["probability"]) for row in rows) == pytest.approx(2, abs=1e-3)


def test_its_classifier_is_on_yamnets_encoder(repo, copied):
    _, settings, network = load_run(copied)
    assert settings.start.weights == "yamnet_audioset"
    with lzma.open(repo / "src/soundclr/datasets/weights/yamnet-audioset.pth.xz") as file:
        weights = torch.load(file, weights_only=True)
    encoder = network.encoder.state_dict()
    assert len(encoder) == 54  # 27 convolutions
    for ours, theirs in zip(encoder.values(), weights.values(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("damage", ["cut", "text", "other", "bomb"])
def test_a_damaged_model_is_one_line(copied, damage, monkeypatch):
    path, content = copied / PACKED, (copied / PACKED).read_bytes()
    damaged = {"cut": content[:-1000], "text": b"no archive", "other": lzma.compress(b"another model")}
    path.write_bytes(damaged.get(damage, content))
    if damage == "bomb":
        monkeypatch.setattr(load, "MOST_UNPACKED", 1000)
    says = {"other": "is damaged or belongs to another run", "bomb": "unpacks to more than"}.get(
        damage, "cannot be unpacked"
    )
    with pytest.raises(UserError, match=says):
        load_run(copied)


def test_without_it_a_run_must_be_named(copied, tmp_path, monkeypatch, capsys):
    shutil.rmtree(copied)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["classify", "x.wav"]) == 2
    assert "is not here; run the command in the repository's folder" in capsys.readouterr().err
