"""Whole datasets and weights: the synthetic one, and what they stop at."""

import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from soundclr import datasets
from soundclr.datasets import download, fetch_dataset, fetch_weights, read_index
from soundclr.datasets.synthetic import SOUNDS
from soundclr.errors import UserError
from soundclr.machine.files import recorded_sha256, sha256_of_file
from soundclr.models.encoders import ENCODERS
from soundclr.models.network import Encoder
from soundclr.params import DatasetSettings, MappingSettings, WeightsFile, load
from soundclr.params.schema import SyntheticSettings


def synthetic(**changes: object) -> DatasetSettings:
    settings = {
        "adapter": "synthetic",
        "title": "demo",
        "classes": 10,
        "folds": 2,
        "sample_rate": 8000,
        "samples": 4000,
        "synthetic": SyntheticSettings(clips_per_fold=3, seed=0),
    }
    return DatasetSettings.model_validate({**settings, **changes})


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of_file(path) for path in folder.rglob("*.wav")}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The synthetic dataset's index, with the int16 samples of each clip in a column of that name."""
    path = fetch_dataset("demo", synthetic(), tmp_path_factory.mktemp("data"), None)
    index = read_index(path)
    index["samples"] = [soundfile.read(path.parent / file, dtype="int16")[0] for file in index["path"]]
    return index


def test_synthetic_clips_are_all_there(demo: pd.DataFrame) -> None:
    assert len(demo) == 10 * 2 * 3
    assert set(demo.groupby(["label", "fold"]).size()) == {3}
    assert dict(zip(demo["label"], demo["class"], strict=True)) == dict(enumerate(SOUNDS))
    assert demo["source"].is_unique
    assert (demo["clip"] == demo["fold"].astype(str) + "-" + demo["source"] + "-A-" + demo["label"].astype(str)).all()


def test_synthetic_clips_have_the_promised_lengths_and_silence(demo: pd.DataFrame) -> None:
    ends = [np.flatnonzero(samples)[[0, -1]] for samples in demo["samples"]]
    sounding = np.array([last + 1 - first for first, last in ends])
    assert sounding.min() >= 0.5 * 4000 and sounding.max() <= 1.3 * 4000
    assert (sounding < 4000).sum() > 10 and (sounding > 4000).sum() > 10
    silent = [first >= 80 and len(s) - 1 - last >= 80 for (first, last), s in zip(ends, demo["samples"], strict=True)]
    assert 0.25 < np.mean(silent) < 0.75
    peaks = np.array([np.abs(samples.astype(int)).max() for samples in demo["samples"]])
    assert peaks.min() > 1500 and peaks.max() < 32767


def test_synthetic_classes_differ_but_not_trivially(demo: pd.DataFrame) -> None:
    """The nearest mean spectrum, blind to what happens when, does better than chance and far from all."""
    spectra = []
    for samples in demo["samples"]:
        frames = np.lib.stride_tricks.sliding_window_view(np.trim_zeros(samples) / 32768, 256)[::128]
        spectrum = np.abs(np.fft.rfft(frames * np.hanning(256)))[:, :128].mean(0)
        decibels = 20 * np.log10(spectrum.reshape(32, 4).mean(1))
        spectra.append(decibels - decibels.max())
    features, label, fold = np.stack(spectra), demo["label"].to_numpy(), demo["fold"].to_numpy()
    correct = []
    for held_out in (1, 2):
        means = np.stack([features[(fold != held_out) & (label == c)].mean(0) for c in range(10)])
        distance = ((features[fold == held_out][:, None] - means) ** 2).sum(-1)
        correct.extend(distance.argmin(1) == label[fold == held_out])
    assert 0.3 < np.mean(correct) < 0.9  # chance is 0.1


def test_synthetic_bytes_follow_from_the_seed(tmp_path: Path) -> None:
    settings = synthetic(classes=4)
    first = hashes(fetch_dataset("a", settings, tmp_path, None).parent)
    assert hashes(fetch_dataset("b", settings, tmp_path, None).parent) == first
    reseeded = synthetic(classes=4, synthetic=SyntheticSettings(clips_per_fold=3, seed=1))
    other = hashes(fetch_dataset("a", reseeded, tmp_path, None).parent)
    assert other.keys() == first.keys() and not set(other.values()) & set(first.values())


def test_synthetic_settings_that_changed_leave_no_clip_behind(tmp_path: Path) -> None:
    fetch_dataset("demo", synthetic(), tmp_path, None)
    path = fetch_dataset("demo", synthetic(classes=2), tmp_path, None)
    assert len(list(path.parent.rglob("*.wav"))) == len(read_index(path)) == 2 * 2 * 3


@pytest.mark.parametrize("changes", [{"classes": 11}, {"synthetic": None}])
def test_synthetic_limits(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(UserError, match="demo: a synthetic dataset has at most 10 classes"):
        fetch_dataset("demo", synthetic(**changes), tmp_path, None)


@pytest.mark.parametrize(
    "made, wanted, message",
    [
        ({"folds": 2}, {"folds": 3}, "no clip has fold 3; its settings have folds 1 to 3"),
        ({"folds": 3}, {"folds": 2}, r"clip 3-1\S+ has fold 3; its settings have folds 1 to 2"),
        ({"classes": 4}, {"classes": 5}, "no clip has label 4; its settings have labels 0 to 4"),
    ],
)
def test_index_of_another_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: dict, wanted: dict, message: str
) -> None:
    make: Callable = datasets.ADAPTERS["synthetic"]
    monkeypatch.setitem(
        datasets.ADAPTERS, "synthetic", lambda name, settings, *rest: make(name, synthetic(**made), *rest)
    )
    with pytest.raises(UserError, match=f"dataset demo: {message}"):
        fetch_dataset("demo", synthetic(**wanted), tmp_path, None)
    assert not (tmp_path / "demo" / "index.csv").exists()


def test_adapter_of_another_version(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"adapter in datasets.nsynth.adapter: 'nsynth'; did you mean .*'nsynth_pitch'"):
        fetch_dataset("nsynth", synthetic(adapter="nsynth"), tmp_path, None)


def test_dataset_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"dataset esc10: its settings have no `file`"):
        fetch_dataset("esc10", synthetic(adapter="esc10"), tmp_path, None)


def test_an_archive_in_another_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"`file` must be the archive's name without a folder, found '../x.zip'"):
        fetch_dataset("esc10", synthetic(adapter="esc10", file="../x.zip"), tmp_path, None)


def test_weights_are_named_by_name_and_encoder(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"weights")
    sha256 = sha256_of_file(tmp_path / "net.pth")
    settings = WeightsFile(file="net.pth", sha256=sha256[:8])
    path = fetch_weights("imagenet", "resnet18", settings, tmp_path / "data", tmp_path)
    assert path == tmp_path / "data" / "weights" / "imagenet-resnet18.pth"
    assert path.read_bytes() == b"weights"
    with pytest.raises(UserError, match=r"net\.pth has no address.*SOUNDCLR_MIRROR"):
        fetch_weights("imagenet", "resnet50", settings, tmp_path / "data", None)


@pytest.mark.parametrize(
    ("name", "encoder", "channels"), [("imagenet_pqf", "resnet18", 3), ("yamnet_audioset", "yamnet", 1)]
)
def test_weights_that_come_with_the_package_need_no_mirror(
    repo: Path, tmp_path: Path, name: str, encoder: str, channels: int
) -> None:
    settings = load(repo / "params.yaml").weights[name].files[encoder]
    assert settings.url is None
    path = fetch_weights(name, encoder, settings, tmp_path, None)
    assert sha256_of_file(path) == settings.sha256
    assert list((tmp_path / "weights").iterdir()) == [path]
    Encoder(ENCODERS[encoder](frozen=0), channels, path)
    readme = (repo / "src/soundclr/datasets/weights/README.md").read_text()
    assert settings.sha256 in readme


@pytest.mark.parametrize("fault", ["absent", "cut off", "another file's"])
def test_packed_weights_that_are_spoilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    folder = tmp_path / "package" / "weights"
    folder.mkdir(parents=True)
    monkeypatch.setattr(download.resources, "files", lambda _: folder.parent)
    content = lzma.compress(b"weights" * 1000)
    if fault != "absent":
        (folder / "net.pth.xz").write_bytes(content[:-20] if fault == "cut off" else content)
    settings = WeightsFile(file="net.pth", sha256="0" * 64, packed="net.pth.xz")
    said = "has the SHA-256 .* not the expected 0" if fault == "another file's" else "is missing or damaged; install"
    with pytest.raises(UserError, match=rf"the package's .*net\.pth\.xz {said}"):
        fetch_weights("imagenet", "resnet18", settings, tmp_path / "data", None)
    assert not list((tmp_path / "data").rglob("*.pth*"))


def test_all_weights_are_known_by_all_of_their_hash(repo: Path) -> None:
    """Except files whose publisher gives no hash; the first copy's is recorded."""
    for name, settings in load(repo / "params.yaml").weights.items():
        for file in settings.files.values():
            if name.startswith("simclr_"):
                assert file.sha256 is None and file.url
                continue
            assert len(file.sha256) == 64
            if file.url:  # its publisher writes the first digits into the name
                assert file.sha256.startswith(Path(file.file).stem.split("-")[-1])


def test_less_than_all_of_a_hash_is_made_up_for_by_a_record(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"weights")
    sha256 = sha256_of_file(tmp_path / "net.pth")
    settings = WeightsFile(file="net.pth", sha256=sha256[:8])
    path = fetch_weights("imagenet", "resnet18", settings, tmp_path / "data", tmp_path)
    assert path.with_name("imagenet-resnet18.pth.sha256").read_text() == f"{sha256}  {path.name}\n"


def test_weights_without_a_hash_are_held_to_the_first_copys(tmp_path: Path) -> None:
    settings = WeightsFile(file="net.pth", mapping=MappingSettings(take=("state_dict",)))
    torch.save({"state_dict": {"conv1.weight": torch.zeros(3)}}, tmp_path / "net.pth")
    path = fetch_weights("simclr", "resnet50", settings, tmp_path / "data", tmp_path)
    assert path.read_bytes() == (tmp_path / "net.pth").read_bytes()  # as published: its hash is its publisher's file's
    assert recorded_sha256(path) == sha256_of_file(path)
    path.unlink()
    torch.save({"state_dict": {"conv1.weight": torch.ones(3)}}, tmp_path / "net.pth")
    with pytest.raises(UserError, match=r"not the [0-9a-f]{64} that .*simclr-resnet50\.pth\.sha256 recorded"):
        fetch_weights("simclr", "resnet50", settings, tmp_path / "data", tmp_path)


def test_what_is_no_weights_is_not_recorded_as_them(tmp_path: Path) -> None:
    settings = WeightsFile(file="net.pth", mapping=MappingSettings(take=("state_dict",)))
    (tmp_path / "net.pth").write_text("<html>sign in</html>")
    with pytest.raises(UserError, match=r"simclr-resnet50\.pth: cannot be read"):
        fetch_weights("simclr", "resnet50", settings, tmp_path / "data", tmp_path)
    assert list((tmp_path / "data" / "weights").iterdir()) == []


@pytest.mark.slow
def test_two_fetches_of_one_dataset_at_once_both_end_well(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]; from pathlib import Path; from test_fetch import *; "
        "fetch_dataset('demo', synthetic(), Path(sys.argv[1]), None)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "data"), *map(str, Path(__file__).parents[:2])]
    both = [subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [(one.communicate()[1], one.returncode) for one in both] == [("", 0)] * 3
    assert len(read_index(tmp_path / "data/demo/index.csv")) == 60
