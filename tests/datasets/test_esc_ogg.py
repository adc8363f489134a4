"""ESC-10 and ESC-50 in their first releases: the real ones where they are at hand, and a small copy of ESC-50's."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import soundfile
import soxr
import yaml

from soundclr.audio.decode import read_audio, to_int16, trim
from soundclr.audio.features import Waveforms
from soundclr.commands import cli
from soundclr.datasets import esc, fetch_dataset, read_index
from soundclr.datasets.esc import ogg_row
from soundclr.datasets.manifest import read_manifest
from soundclr.errors import UserError
from soundclr.params import DatasetSettings, load, read_params
from soundclr.run import runs
from support import small_copies
from support.small_copies import ESC10_CLASSES, ESC50_OGG

ESC10 = {"adapter": "esc10", "title": "ESC-10", "classes": 10, "folds": 5, "sample_rate": 44100, "samples": 220500}
# The names of ESC-50's table, `category` in meta/esc50.csv, by target.
CATEGORIES = """
    dog rooster pig cow frog cat hen insects sheep crow rain sea_waves crackling_fire crickets chirping_birds
    water_drops wind pouring_water toilet_flush thunderstorm crying_baby sneezing clapping breathing coughing
    footsteps laughing brushing_teeth snoring drinking_sipping door_wood_knock mouse_click keyboard_typing
    door_wood_creaks can_opening washing_machine vacuum_cleaner clock_alarm clock_tick glass_breaking helicopter
    chainsaw siren car_horn engine train church_bells airplane fireworks hand_saw
"""


def test_the_row_of_a_clip_follows_from_its_path() -> None:
    row = ogg_row("010 - Fire crackling/3-12-B.ogg", "x")
    assert row == ("3-12-B", "x/010 - Fire crackling/3-12-B.ogg", 9, "fire_crackling", 3, "12")
    with pytest.raises(UserError, match=r"^3-12-B\.ogg is not named like"):
        ogg_row("3-12-B.ogg", "x")


@pytest.mark.parametrize("number, label", [("101", 0), ("110", 9), ("201", 10), ("510", 49), ("001", 0), ("010", 9)])
def test_labels_are_the_wav_release_s(number: str, label: int) -> None:
    assert ogg_row(f"{number} - Dog/1-2-A.ogg", "x").label == label


def test_the_packaged_manifest_has_the_classes_of_the_wav_release() -> None:
    rows = pd.DataFrame([ogg_row(path, "x") for path in read_manifest("esc50_ogg")])
    assert len(rows) == 2000 and rows["clip"].is_unique
    assert set(rows.groupby(["label", "fold"]).size()) == {8}
    assert dict(zip(rows["label"], rows["class_name"], strict=True)) == dict(enumerate(CATEGORIES.split()))
    assert {label: CATEGORIES.split()[label] for label in ESC10_CLASSES} == ESC10_CLASSES


def test_esc10_is_part_of_it_byte_for_byte() -> None:
    assert set(read_manifest("esc10").values()) < set(read_manifest("esc50_ogg").values())


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror with a small copy of ESC-50's first release, whose clips are taken for the real ones."""
    top = small_copies.make_esc50_ogg(tmp_path / "mirror")
    manifests = {"esc50_ogg": small_copies.manifest_of(top)}
    monkeypatch.setattr(esc, "read_manifest", manifests.__getitem__)
    return top.parent


def test_a_small_copy_is_decoded_as_the_wav_release_was_made(
    repo: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left and right are added and clipped, 48 kHz resampled, long clips cut; a mono clip stays as it is."""
    monkeypatch.chdir(tmp_path)
    content = read_params(repo / "params.yaml")
    real = content["datasets"]["esc50_ogg"]
    assert all(real[key] == ESC50_OGG[key] for key in ("adapter", "file", "classes", "sample_rate", "channels"))
    assert real["samples"] == real["longest"] == 220500
    content["datasets"]["esc50_ogg"] = {**real, **ESC50_OGG}
    content |= {"study": "esc50", "studies": {"esc50": content["studies"]["esc50"]}}  # others want more folds
    Path("params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert cli.main(["fetch", "esc50_ogg", "--mirror", str(small)]) == 0
    assert cli.main(["features", "esc50_ogg", "--threads", "1"]) == 0
    clips = Waveforms.load(runs.features_path(load(Path("params.yaml")), "esc50_ogg"))
    assert len(clips) == 100 and list(clips.classes) == CATEGORIES.split()
    index = read_index(Path("data/esc50_ogg/index.csv"))
    assert clips.clips == tuple(index["clip"]) and clips.labels.tolist() == index["label"].tolist()
    for number, file in enumerate(index["path"]):
        found = clips.samples[clips.offsets[number] : clips.offsets[number + 1]].numpy()
        np.testing.assert_allclose(found, as_wav(Path("data/esc50_ogg") / file, 4410), atol=1)
        assert len(found) == 4410


def as_wav(path: Path, longest: int) -> npt.NDArray[np.int16]:
    """A clip as in the WAV release, int16: left + right, at 44.1 kHz, cut; without the zeros at its ends."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    summed = samples.sum(axis=1)
    if rate != 44100:
        summed = soxr.resample(summed, rate, 44100)
    return trim(to_int16(summed.clip(-1, 1)[:longest]))


def test_a_clip_that_differs_from_the_manifest_is_named(small: Path, tmp_path: Path) -> None:
    clip = next(small.rglob("101 - Dog/1-*.ogg"))
    clip.write_bytes(clip.read_bytes() + b"x")
    with pytest.raises(UserError, match=r"dataset esc50_ogg: 101 - Dog/1-\S+\.ogg is corrupt .*; repair"):
        fetch_dataset("esc50_ogg", DatasetSettings.model_validate(ESC50_OGG), tmp_path / "data", small)


@pytest.fixture(scope="module")
def esc10_settings(mirror: Path) -> DatasetSettings:
    archive = next(mirror.glob("ESC-10-*.zip"))
    return DatasetSettings.model_validate({**ESC10, "file": archive.name})


@pytest.fixture(scope="module")
def esc10(mirror: Path, esc10_settings: DatasetSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real ESC-10's index."""
    return fetch_dataset("esc10", esc10_settings, tmp_path_factory.mktemp("data"), mirror)


def test_esc10_is_indexed(esc10: Path) -> None:
    index = read_index(esc10)
    assert len(index) == 400
    assert set(index.groupby(["label", "fold"]).size()) == {8}
    classes = "dog_bark rain sea_waves baby_cry clock_tick person_sneeze helicopter chainsaw rooster fire_crackling"
    assert dict(zip(index["label"], index["class"], strict=True)) == dict(enumerate(classes.split()))
    assert (index.groupby("source")["fold"].nunique() == 1).all()
    assert index["clip"].is_monotonic_increasing
    first = index.iloc[0]
    assert first["path"].endswith("/001 - Dog bark/1-100032-A.ogg") and first["source"] == "100032"


def test_esc10_once_unpacked_needs_no_archive(esc10: Path, esc10_settings: DatasetSettings) -> None:
    before = esc10.read_bytes()
    data = esc10.parents[1]
    archive = data / "downloads" / str(esc10_settings.file)
    kept = archive.rename(archive.with_suffix(".away"))
    assert fetch_dataset("esc10", esc10_settings, data, None).read_bytes() == before
    assert not archive.exists()
    kept.rename(archive)


def test_corrupt_esc10_stops_with_the_clip(esc10: Path, esc10_settings: DatasetSettings, tmp_path: Path) -> None:
    """A mirror's archive in which one clip differs by a byte, and one is gone."""
    archive = esc10.parents[1] / "downloads" / str(esc10_settings.file)
    (tmp_path / "mirror").mkdir()
    with (
        zipfile.ZipFile(archive) as whole,
        zipfile.ZipFile(tmp_path / "mirror" / archive.name, "w") as damaged,
    ):
        for name in whole.namelist():
            content = bytearray(whole.read(name))
            if name.endswith("/1-100032-A.ogg"):
                content[1000] ^= 1
            if not name.endswith("/009 - Rooster/1-26806-A.ogg"):
                damaged.writestr(name, bytes(content))
    with pytest.raises(UserError, match=r"dataset esc10: .*/1-100032-A\.ogg is corrupt.*, and 1 more of 400.*; delete"):
        fetch_dataset("esc10", esc10_settings, tmp_path, tmp_path / "mirror")
    assert not (tmp_path / "esc10" / "index.csv").exists()


def test_lost_esc10_clip_is_named(esc10: Path, esc10_settings: DatasetSettings, tmp_path: Path) -> None:
    shutil.copytree(esc10.parent, tmp_path / "esc10")
    next(tmp_path.rglob("5-*.ogg")).unlink()
    with pytest.raises(UserError, match=r"dataset esc10: \d.*/5-\S+\.ogg is missing .*; delete"):
        fetch_dataset("esc10", esc10_settings, tmp_path, None)


@pytest.fixture(scope="module")
def real_esc50(repo: Path, mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of ESC-50's real first release."""
    settings = load(repo / "params.yaml").datasets["esc50_ogg"]
    if not (mirror / str(settings.file)).is_file():
        pytest.skip(f"needs the real download: {settings.file} in the folder that SOUNDCLR_MIRROR names")
    return fetch_dataset("esc50_ogg", settings, tmp_path_factory.mktemp("data"), mirror)


def test_the_real_esc50(real_esc50: Path) -> None:
    index = read_index(real_esc50)
    assert len(index) == 2000 and set(index.groupby(["label", "fold"]).size()) == {8}
    kinds = [soundfile.info(real_esc50.parent / path) for path in index["path"]]
    assert sum(kind.channels == 2 for kind in kinds) == 91 and sum(kind.samplerate == 48000 for kind in kinds) == 41
    assert sum(kind.duration < 5 for kind in kinds) == 12


def test_unusual_clips_of_the_real_esc50_equal_those_of_the_wav_release(real_esc50: Path) -> None:
    """Stereo, stereo at 48 kHz, mono at 48 kHz, the longest and the shortest."""
    for clip in ("1-30039-A", "3-118487-A", "2-118624-A", "1-17808-B", "4-164661-B"):
        [path] = real_esc50.parent.rglob(f"{clip}.ogg")
        found = trim(to_int16(read_audio(path, 44100, "sum")[:220500])) / 32768
        wanted = as_wav(path, 220500) / 32768
        assert len(found) == len(wanted) <= 220500, clip
        assert ((found - wanted) ** 2).sum() < 1e-3 * (wanted**2).sum(), clip
