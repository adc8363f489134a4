"""ESC-50, ESC-10 out of it and UrbanSound8K: small faithful copies, packed and unpacked."""

import hashlib
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import soundfile
import yaml

from soundclr.audio.features import Waveforms
from soundclr.commands import cli
from soundclr.datasets import fetch_dataset, read_index
from soundclr.datasets.archive import unpack
from soundclr.machine.files import sha256_of_file
from soundclr.params import DatasetSettings, load, read_params
from soundclr.run import runs
from support.small_copies import (
    ESC10,
    ESC10_CLASSES,
    ESC50,
    ESC50_ARCHIVE,
    ESC50_AUDIO,
    ESC50_TABLE,
    US8K,
    US8K_CLASSES,
    US8K_TABLE,
    fetch,
    refusal,
    zipped,
)


def test_esc50(archives: Path, tmp_path: Path) -> None:
    index = fetch(ESC50, tmp_path, archives)
    assert len(index) == 100 and set(index.groupby(["label", "fold"]).size()) == {1}
    row = index[index["clip"] == "2-1212-A-12"].iloc[0]
    assert row.drop("sha256").to_dict() == {
        "clip": "2-1212-A-12",
        "path": "unpacked/ESC-50-master/audio/2-1212-A-12.wav",
        "label": 12,
        "class": "crackling_fire",
        "fold": 2,
        "source": "1212",
    }


def test_esc10_is_ten_classes_of_esc50_in_their_order(archives: Path, tmp_path: Path) -> None:
    index = fetch(ESC10, tmp_path, archives)
    assert len(index) == 20
    assert dict(zip(index["label"], index["class"], strict=True)) == dict(enumerate(ESC10_CLASSES.values()))
    assert (
        index["clip"].str.split("-").str[-1].astype(int) == index["label"].map(list(ESC10_CLASSES).__getitem__)
    ).all()


def test_us8k(archives: Path, tmp_path: Path) -> None:
    index = fetch(US8K, tmp_path, archives)
    assert len(index) == 100 and set(index.groupby(["label", "fold"]).size()) == {1}
    assert dict(zip(index["label"], index["class"], strict=True)) == dict(enumerate(US8K_CLASSES))
    row = index[index["clip"] == "10103-3-0-10"]
    assert list(row.iloc[0])[:-1] == [
        "10103-3-0-10",
        "unpacked/UrbanSound8K/audio/fold10/10103-3-0-10.wav",
        3,
        "dog_bark",
        10,
        "10103",
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_us8k_as_kaggle_packs_it(originals: Path, archives: Path, tmp_path: Path, packed: bool) -> None:
    """The folds and the table side by side: the same clips and the same bytes, at other paths."""
    expected = fetch(US8K, tmp_path / "release", archives)
    top = tmp_path / "kaggle" / "UrbanSound8K"
    shutil.copytree(originals / "UrbanSound8K" / "audio", top)
    shutil.copy(originals / US8K_TABLE, top)
    if packed:
        shutil.make_archive(str(tmp_path / "packed"), "gztar", top)
        shutil.move(tmp_path / "packed.tar.gz", tmp_path / "kaggle" / US8K["file"])
        shutil.rmtree(top)
    index = fetch(US8K, tmp_path / "data", tmp_path / "kaggle", md5=None)
    assert index.drop(columns="path").equals(expected.drop(columns="path"))
    if not packed:
        shutil.rmtree(top / "fold3")
        said = refusal(US8K, tmp_path / "data", tmp_path / "kaggle")
        assert "fold 3 is missing, all 10 clips" in said
        assert f"; repair {top}, the copy in use, or use a mirror without it, to fetch the archive" in said


@pytest.mark.parametrize("settings", [ESC50, US8K], ids=["esc50", "us8k"])
def test_an_unpacked_copy_is_used_where_it_lies(
    settings: dict[str, Any], archives: Path, originals: Path, tmp_path: Path
) -> None:
    """The folder beside the archives' place, the folder itself, a link to it; the index is the archive's."""
    fetch(settings, tmp_path / "a", archives)
    expected = (tmp_path / "a" / "set" / "index.csv").read_bytes()
    name = {"esc50": "ESC-50-master", "us8k": "UrbanSound8K"}[settings["adapter"]]
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / name).symlink_to(originals / name)
    for place in (originals, originals / name, tmp_path / "links"):
        data = tmp_path / "data" / place.name
        fetch(settings, data, place)
        assert (data / "set" / "index.csv").read_bytes() == expected
        assert not (data / "downloads").exists()
        own = {path.name for path in data.rglob("*") if path.is_file() and not path.is_symlink()}
        assert own == {"index.csv", ".made-of", ".set.lock"}  # no clip is copied
        fetch(settings, data, None)  # once found, it needs no mirror
        assert (originals / name).is_dir()


def test_datasets_share_what_an_archive_holds(archives: Path, tmp_path: Path) -> None:
    """Two of one archive, at another rate: unpacked once; each index is what it is alone, also where data moves."""
    data = tmp_path / "data"
    fetch(ESC50, data, archives)
    other = DatasetSettings.model_validate({**ESC50, "sample_rate": 16000})
    for _ in range(2):  # the second time it is there
        fetch_dataset("other", other, data, None)
    clips = [path for folder in data.iterdir() for path in folder.rglob("*.wav") if "audio" in path.parts]
    assert len(clips) == len({path.name for path in clips}) and all("downloads" in path.parts for path in clips)
    index = (data / "set" / "index.csv").read_bytes()
    assert (data / "other" / "index.csv").read_bytes() == index
    moved = data.rename(tmp_path / "moved")
    assert len(read_index(moved / "other" / "index.csv")) == 100
    assert len(fetch(ESC50, moved, None)) == 100


def test_a_dataset_that_was_unpacked_below_its_own_folder_is_left_there(archives: Path, tmp_path: Path) -> None:
    """As versions before have done."""
    data = tmp_path / "data"
    unpack(archives / ESC50_ARCHIVE, data / "set" / "unpacked", 10**9)
    assert len(fetch(ESC50, data, None)) == 100
    assert not (data / "downloads").exists()
    next((data / "set" / "unpacked").rglob("1-*.wav")).unlink()
    assert f"delete {data / 'set' / 'unpacked'} and {data / 'downloads' / ESC50_ARCHIVE}" in refusal(ESC50, data, None)


def test_a_copy_that_moved_is_found_again(copies: Path, tmp_path: Path) -> None:
    fetch(ESC50, tmp_path / "data", copies)
    moved = copies.rename(tmp_path / "moved")
    assert "no address to download from" in refusal(ESC50, tmp_path / "data", None)
    assert len(fetch(ESC50, tmp_path / "data", moved)) == 100


def test_a_broken_copy_can_be_repaired_or_left(copies: Path, archives: Path, tmp_path: Path) -> None:
    clip = copies / "ESC-50-master" / "audio" / "1-1105-A-5.wav"
    clip.rename(tmp_path / "away.wav")
    for _ in range(2):
        message = refusal(ESC50, tmp_path / "data", copies)
        assert "dataset set: audio/1-1105-A-5.wav is missing" in message
        assert f"repair {copies / 'ESC-50-master'}" in message
    assert len(fetch(ESC50, tmp_path / "data2", archives)) == 100
    (tmp_path / "away.wav").rename(clip)
    assert len(fetch(ESC50, tmp_path / "data", copies)) == 100


def test_a_table_that_a_spreadsheet_saved(copies: Path, originals: Path, tmp_path: Path) -> None:
    fetch(ESC10, tmp_path / "a", originals)
    edit_all(copies / ESC50_TABLE, {"True": "TRUE", "False": "FALSE", ",": ";"})
    fetch(ESC10, tmp_path / "b", copies)
    same = [(tmp_path / data / "set" / "index.csv").read_bytes() for data in "ab"]
    assert same[0] == same[1]


def edit_all(path: Path, changes: dict[str, str]) -> None:
    text = path.read_text()
    for old, new in changes.items():
        text = text.replace(old, new)
    path.write_text(text)


def test_an_archives_hash_is_recorded_once_its_clips_are_good(copies: Path, archives: Path, tmp_path: Path) -> None:
    """One that proved bad would otherwise keep the good one out."""
    next((copies / ESC50_AUDIO).glob("1-*.wav")).unlink()
    (tmp_path / "bad").mkdir()
    zipped(copies / "ESC-50-master", tmp_path / "bad" / ESC50_ARCHIVE)
    data = tmp_path / "data"
    refusal(ESC50, data, tmp_path / "bad")
    archive = data / "downloads" / ESC50_ARCHIVE
    note = archive.with_name(f"{archive.name}.sha256")
    assert archive.is_file() and not note.exists()
    archive.unlink()
    shutil.rmtree(archive.with_name(f"{archive.name}.unpacked"))
    fetch(ESC50, data, archives)
    assert note.read_text() == f"{sha256_of_file(archives / archive.name)}  {archive.name}\n"
    shutil.rmtree(archive.with_name(f"{archive.name}.unpacked"))
    archive.unlink()
    assert f"that {note} recorded (delete that if" in refusal(ESC50, data, tmp_path / "bad")
    assert not archive.exists()


def test_an_archive_that_unpacks_to_too_much(archives: Path, tmp_path: Path) -> None:
    size = (archives / ESC50_ARCHIVE).stat().st_size
    message = refusal(ESC50, tmp_path / "data", archives, max_bytes=size)
    assert f"take more than the {size:,} bytes that `max_bytes` in params.yaml allows" in message
    assert "replace that one first" in message
    assert not (tmp_path / "data" / "set").exists() and not list((tmp_path / "data" / "downloads").glob("*unpacked*"))
    message = refusal(ESC50, tmp_path / "data2", archives, max_bytes=1000)
    assert "larger than the 1,000 bytes that params.yaml allows" in message
    assert not list((tmp_path / "data2").rglob("E*.zip*"))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("settings", [ESC50, US8K], ids=["esc50", "us8k"])
def test_half_an_archive(archives: Path, tmp_path: Path, settings: dict[str, Any], share: float) -> None:
    archive = tmp_path / settings["file"]
    content = (archives / archive.name).read_bytes()
    md5 = hashlib.md5(content).hexdigest()
    archive.write_bytes(content[: int(share * len(content))])
    message = refusal(settings, tmp_path / "data", tmp_path)
    assert "truncated" in message and f"from the mirror's {archive}: replace that one first" in message
    message = refusal(settings, tmp_path / "verified", tmp_path, md5=md5)
    assert f"{archive} has the MD5 " in message and f"not the expected {md5}" in message
    archive.write_bytes(content)
    assert len(fetch(settings, tmp_path / "verified", tmp_path, md5=md5)) == 100


def test_datasets_may_share_an_archive(archives: Path, tmp_path: Path) -> None:
    for name, settings in (("esc50", ESC50), ("esc10_wav", ESC10)):
        fetch_dataset(name, DatasetSettings.model_validate(settings), tmp_path, archives)
    assert len(list((tmp_path / "downloads").glob("*.zip"))) == 1


@pytest.mark.slow
def test_the_command_line_fetches_and_decodes(
    repo: Path, archives: Path, originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`soundclr fetch` and `soundclr features`: the right clips, labels, folds and resampled lengths."""
    content = read_params(repo / "params.yaml")
    for name, small in (("esc50", ESC50), ("esc10_wav", ESC10), ("us8k", US8K)):
        real = content["datasets"][name]
        assert (real["adapter"], real["file"]) == (small["adapter"], small["file"])
        content["datasets"][name] = {**real, **small, "md5": None}
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    params = load(Path("params.yaml"))
    for name, place in (("esc50", originals), ("esc10_wav", archives), ("us8k", archives)):
        assert cli.main(["fetch", name, "--mirror", str(place)]) == 0
        assert cli.main(["features", name, "--threads", "1"]) == 0
        index = read_index(Path("data") / name / "index.csv")
        clips = Waveforms.load(runs.features_path(params, name))
        assert clips.clips == tuple(index["clip"]) and clips.sample_rate == 44100
        assert clips.labels.tolist() == index["label"].tolist() and clips.folds.tolist() == index["fold"].tolist()
        assert clips.classes == tuple(index.drop_duplicates("label").sort_values("label")["class"])
        for file, (begin, end) in zip(index["path"], clips.offsets.unfold(0, 2, 1).tolist(), strict=True):
            info = soundfile.info(Path("data") / name / file)
            whole = math.ceil(info.frames * 44100 / info.samplerate)
            if info.subtype.endswith("ADPCM"):  # comes in blocks, the last one filled up with about zeros
                assert 0 < end - begin <= whole, file
                continue
            assert end - begin == whole, file
            # The tone on 0.3 survives every other encoding, and every rate and number of channels.
            assert abs(clips.samples[begin:end].float().mean().item() / 32768 - 0.3) < 0.01, file
