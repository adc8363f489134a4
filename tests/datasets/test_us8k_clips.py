"""UrbanSound8K clip by clip: the release against its list of hashes, and the public copy of three folds."""

import re
from pathlib import Path
from typing import Any

import pytest
import soundfile

from soundclr.datasets.manifest import read_manifest
from soundclr.datasets.us8k import CLIPS, THREE_FOLDS
from support.small_copies import US8K, US8K_AUDIO, fetch, manifest_of, refusal, write_clip, zipped

THREE: dict[str, Any] = {
    "adapter": "us8k_three_folds",
    "title": "three folds",
    "file": "AC-II.zip",
    "classes": 10,
    "folds": 3,
    "sample_rate": 22050,
    "samples": 2205,
}


def test_a_clip_that_is_not_the_releases_is_refused(copies: Path, tmp_path: Path) -> None:
    clip = next((copies / US8K_AUDIO / "fold3").glob("*.wav"))
    samples, rate = soundfile.read(clip, always_2d=True)
    soundfile.write(clip, samples[::-1], rate, subtype=soundfile.info(clip).subtype)
    said = refusal(US8K, tmp_path / "data", copies)
    assert f"fold3/{clip.name} is corrupt (its SHA-256 differs from the manifest's)" in said


def test_the_lists_agree_with_one_another() -> None:
    release, three = read_manifest(CLIPS), read_manifest("us8k_three_folds")
    assert (len(release), len(three)) == (8732, 2598)
    assert set(three) == {path for path in release if path.split("/")[0] in THREE_FOLDS}
    assert not set(three.values()) & set(release.values())  # resampled, each of them
    assert all(re.fullmatch(r"fold\d+/\d+-\d-\d+-\d+\.wav", path) for path in release)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A small copy of the three folds, and of a part of another, as the public repository has it."""
    top = tmp_path / "mirror" / "AC-II" / "UrbanSound8K" / "audio"
    for number, fold in enumerate((1, 2, 10)):
        for label in range(10):
            write_clip(top / f"fold{fold}" / f"{100 * (number + 1) + label}-{label}-0-0.wav", 400 + label, 22050)
    write_clip(top / "fold3" / "7-7-0-0.wav", 400, 22050)
    return top


@pytest.fixture
def _its_list(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = {path: sha256 for path, sha256 in manifest_of(copy).items() if not path.startswith("fold3/")}
    monkeypatch.setattr("soundclr.datasets.us8k.read_manifest", lambda name: clips)


@pytest.mark.usefixtures("_its_list")
def test_three_folds_are_numbered_from_1(copy: Path, tmp_path: Path) -> None:
    mirror = copy.parents[2]
    zipped(mirror / "AC-II", mirror / "AC-II.zip")
    for data, place in (("packed", mirror), ("unpacked", mirror / "AC-II")):
        index = fetch(THREE, tmp_path / data, place)
        assert index.groupby("fold").size().to_dict() == {1: 10, 2: 10, 3: 10}
        row = index[index["clip"] == "303-3-0-0"].iloc[0]
        assert [row["class"], row["fold"], row["source"]] == ["dog_bark", 3, "303"]
        assert row["path"] == "unpacked/AC-II/UrbanSound8K/audio/fold10/303-3-0-0.wav"


@pytest.mark.usefixtures("_its_list")
def test_a_partial_copy_is_refused(copy: Path, tmp_path: Path) -> None:
    for clip in (copy / "fold10").iterdir():
        clip.unlink()
    said = refusal(THREE, tmp_path / "data", copy.parents[2])
    assert "fold10/300-0-0-0.wav is missing, and 9 more of 30 clips are wrong" in said


@pytest.mark.slow
def test_the_real_copy_has_no_source_in_two_folds(mirror: Path, tmp_path: Path) -> None:
    file = "AC-II-8f8b8f279a1f8b240a3b3019191229c225793e7a.zip"
    if not (mirror / file).is_file():
        pytest.skip(f"needs the public copy of UrbanSound8K's three folds: {file} in SOUNDCLR_MIRROR")
    index = fetch({**THREE, "file": file, "samples": 88200}, tmp_path, mirror)
    assert index.groupby("fold").size().to_dict() == {1: 873, 2: 888, 3: 837}
    assert index.groupby("source")["fold"].nunique().max() == 1
    assert {len(index), index["source"].nunique()} == {2598, 392}
