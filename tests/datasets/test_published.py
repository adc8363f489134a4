"""ESC-50, ESC-10 out of it and UrbanSound8K: small faithful copies, whole and broken."""

import hashlib
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import small_copies
import soundfile
import yaml
from small_copies import ESC10, ESC10_CLASSES, ESC50, US8K, US8K_CLASSES

from soundclr import cli, runs
from soundclr.audio.features import Waveforms
from soundclr.datasets import fetch_dataset, read_index
from soundclr.errors import UserError
from soundclr.files import sha256_of_file
from soundclr.params import DatasetSettings, load


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both releases, unpacked; not to be changed."""
    folder = tmp_path_factory.mktemp("originals")
    small_copies.make_esc50(folder)
    small_copies.make_us8k(folder)
    return folder


@pytest.fixture(scope="module")
def archives(originals: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both releases' archives; not to be changed."""
    folder = tmp_path_factory.mktemp("archives")
    small_copies.zipped(originals / "ESC-50-master", folder / small_copies.ESC50_ARCHIVE)
    small_copies.tarred(originals / "UrbanSound8K", folder / small_copies.US8K_ARCHIVE)
    return folder


@pytest.fixture
def mirror(originals: Path, tmp_path: Path) -> Path:
    """A copy of both unpacked releases, to be broken."""
    return Path(shutil.copytree(originals, tmp_path / "mirror"))


def fetch(settings: dict[str, Any], data: Path, mirror: Path | None, **changes: Any) -> pd.DataFrame:
    return read_index(fetch_dataset("set", DatasetSettings.model_validate({**settings, **changes}), data, mirror))


def refusal(settings: dict[str, Any], data: Path, mirror: Path | None, **changes: Any) -> str:
    with pytest.raises(UserError) as caught:
        fetch(settings, data, mirror, **changes)
    assert "\n" not in str(caught.value)
    assert not (data / "set" / "index.csv").exists()
    return str(caught.value)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_bytes().decode()
    assert text.count(old) >= 1
    path.write_bytes(text.replace(old, new, 1).encode())


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
        assert own == {"index.csv", ".made-of"}  # no clip is copied
        fetch(settings, data, None)  # once found, it needs no mirror
        assert (originals / name).is_dir()


def test_a_copy_that_moved_is_found_again(mirror: Path, tmp_path: Path) -> None:
    fetch(ESC50, tmp_path / "data", mirror)
    moved = mirror.rename(tmp_path / "moved")
    assert "no address to download from" in refusal(ESC50, tmp_path / "data", None)
    assert len(fetch(ESC50, tmp_path / "data", moved)) == 100


def test_a_broken_copy_can_be_mended_or_left(mirror: Path, archives: Path, tmp_path: Path) -> None:
    clip = mirror / "ESC-50-master" / "audio" / "1-1105-A-5.wav"
    clip.rename(tmp_path / "away.wav")
    for _ in range(2):
        message = refusal(ESC50, tmp_path / "data", mirror)
        assert "dataset set: audio/1-1105-A-5.wav is missing" in message
        assert f"mend {mirror / 'ESC-50-master'}" in message
    assert len(fetch(ESC50, tmp_path / "data2", archives)) == 100
    (tmp_path / "away.wav").rename(clip)
    assert len(fetch(ESC50, tmp_path / "data", mirror)) == 100


def test_a_table_that_a_spreadsheet_saved(mirror: Path, originals: Path, tmp_path: Path) -> None:
    fetch(ESC10, tmp_path / "a", originals)
    edit_all(mirror / ESC50_TABLE, {"True": "TRUE", "False": "FALSE", ",": ";"})
    fetch(ESC10, tmp_path / "b", mirror)
    same = [(tmp_path / data / "set" / "index.csv").read_bytes() for data in "ab"]
    assert same[0] == same[1]


def edit_all(path: Path, changes: dict[str, str]) -> None:
    text = path.read_text()
    for old, new in changes.items():
        text = text.replace(old, new)
    path.write_text(text)


def test_an_archives_hash_is_recorded_once_its_clips_are_good(mirror: Path, archives: Path, tmp_path: Path) -> None:
    """One that proved bad would otherwise keep the good one out."""
    next((mirror / ESC50_AUDIO).glob("1-*.wav")).unlink()
    (tmp_path / "bad").mkdir()
    small_copies.zipped(mirror / "ESC-50-master", tmp_path / "bad" / small_copies.ESC50_ARCHIVE)
    data = tmp_path / "data"
    refusal(ESC50, data, tmp_path / "bad")
    archive = data / "downloads" / small_copies.ESC50_ARCHIVE
    note = archive.with_name(f"{archive.name}.sha256")
    assert archive.is_file() and not note.exists()
    archive.unlink()
    shutil.rmtree(data / "set" / "unpacked")
    fetch(ESC50, data, archives)
    assert note.read_text() == f"{sha256_of_file(archives / archive.name)}  {archive.name}\n"
    shutil.rmtree(data / "set")
    archive.unlink()
    assert f"that {note} recorded (delete that if" in refusal(ESC50, data, tmp_path / "bad")
    assert not archive.exists()


def test_an_archive_that_unpacks_to_too_much(archives: Path, tmp_path: Path) -> None:
    size = (archives / small_copies.ESC50_ARCHIVE).stat().st_size
    message = refusal(ESC50, tmp_path / "data", archives, max_bytes=size)
    assert f"take more than the {size:,} bytes that `max_bytes` in params.yaml allows" in message
    assert "replace that one first" in message
    assert not list((tmp_path / "data" / "set").iterdir())
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


ESC50_TABLE, US8K_TABLE = "ESC-50-master/meta/esc50.csv", "UrbanSound8K/metadata/UrbanSound8K.csv"
ESC50_AUDIO, US8K_AUDIO = "ESC-50-master/audio", "UrbanSound8K/audio"
FAULTS: dict[str, tuple[dict[str, Any], Callable[[Path], object], str]] = {
    "esc50: no table": (ESC50, lambda m: (m / ESC50_TABLE).unlink(), "esc50.csv, the table of the clips, is missing"),
    "esc50: a column less": (
        ESC50,
        lambda m: edit(m / ESC50_TABLE, "esc10,src_file", "src_file"),
        "lacks the column `esc10`",
    ),
    "esc50: a column more": (ESC50, lambda m: edit(m / ESC50_TABLE, "take", "take,x"), "has the column `x`"),
    "esc50: a short line": (
        ESC50,
        lambda m: edit(m / ESC50_TABLE, "1102,A", "1102"),
        "line 4: has 6 values for 7 columns",
    ),
    "esc50: another fold": (
        ESC50,
        lambda m: edit(m / ESC50_TABLE, "1-1102-A-2.wav,1", "1-1102-A-2.wav,2"),
        "line 4: 1-1102-A-2.wav is not 2-1102-A-2.wav",
    ),
    "esc50: another source": (
        ESC50,
        lambda m: edit(m / ESC50_TABLE, ",1102,", ",1103,"),
        "1-1102-A-2.wav is not 1-1103-",
    ),
    "esc50: no number": (ESC50, lambda m: edit(m / ESC50_TABLE, "wav,1,2,", "wav,1,two,"), "line 4: `target` is 'two'"),
    "esc50: esc10 said wrong": (
        ESC50,
        lambda m: edit(m / ESC50_TABLE, "dog,True", "dog,False"),
        "`esc10` of 1-1100-A-0.wav",
    ),
    "esc50: a line twice": (
        ESC50,
        lambda m: edit(
            m / ESC50_TABLE, "1-1102-A-2.wav,1,2,class_2,False,1102", "1-1103-A-3.wav,1,3,class_3,False,1103"
        ),
        "line 5: 1-1103-A-3.wav stands there twice, first in ",
    ),
    "esc50: a class with two names": (
        ESC50,
        lambda m: edit(m / ESC50_TABLE, "dog", "wolf"),
        "label 0 goes with more than one class",
    ),
    "esc50: not text": (ESC50, lambda m: (m / ESC50_TABLE).write_bytes(b"\xff\xfe"), "cannot be read as a CSV table"),
    "esc50: no clips listed": (
        ESC50,
        lambda m: (m / ESC50_TABLE).write_text("filename,fold,target,category,esc10,src_file,take\n"),
        "the table lists no clips",
    ),
    "esc50: a row without a file": (
        ESC50,
        lambda m: (m / ESC50_AUDIO / "2-1207-A-7.wav").unlink(),
        "audio/2-1207-A-7.wav is missing, though the table lists it",
    ),
    "esc50: rows without files": (
        ESC50,
        lambda m: [(m / ESC50_AUDIO / f"2-12{t}-A-{t}.wav").unlink() for t in (17, 18, 19)],
        "audio/2-1217-A-17.wav and 2 more clips are missing",
    ),
    "esc50: a file without a row": (
        ESC50,
        lambda m: shutil.copy(m / ESC50_AUDIO / "2-1207-A-7.wav", m / ESC50_AUDIO / "2-1207-B-7.wav"),
        "audio/2-1207-B-7.wav is there, though the table does not list it",
    ),
    "esc50: a missing fold": (
        ESC50,
        lambda m: [path.unlink() for path in (m / ESC50_AUDIO).glob("2-*")],
        "fold 2 is missing, all 50 clips that the table lists",
    ),
    "esc50: no clips": (ESC50, lambda m: shutil.rmtree(m / ESC50_AUDIO), "there are no clips in "),
    "esc50: no audio": (
        ESC50,
        lambda m: (m / ESC50_AUDIO / "2-1207-A-7.wav").write_bytes(b"<html>404</html>"),
        "audio/2-1207-A-7.wav: is no WAV, FLAC, Ogg or MP3 file",
    ),
    "esc50: an empty file": (
        ESC50,
        lambda m: (m / ESC50_AUDIO / "1-1101-A-1.wav").write_bytes(b""),
        "1-1101-A-1.wav: is empty",
    ),
    "esc50: no samples": (
        ESC50,
        lambda m: soundfile.write(m / ESC50_AUDIO / "1-1101-A-1.wav", [], 44100),
        "1-1101-A-1.wav: has no samples",
    ),
    "esc50: another release": (
        {**ESC50, "folds": 3},
        lambda m: None,
        "dataset set: no clip has fold 3; params.yaml says folds 1 to 3",
    ),
    "esc50: fewer clips": (
        {**ESC50, "clips": 2000},
        lambda m: None,
        "dataset set: 100 clips are there; params.yaml says 2000",
    ),
    "esc10: a clip of another class": (
        ESC10,
        lambda m: (m / ESC50_AUDIO / "2-1207-A-7.wav").unlink(),
        "audio/2-1207-A-7.wav is missing",
    ),
    "us8k: no table": (
        US8K,
        lambda m: (m / US8K_TABLE).unlink(),
        "UrbanSound8K.csv, the table of the clips, is missing",
    ),
    "us8k: a column less": (US8K, lambda m: edit(m / US8K_TABLE, "salience,", ""), "lacks the column `salience`"),
    "us8k: another class": (
        US8K,
        lambda m: edit(m / US8K_TABLE, "1,3,dog", "1,4,dog"),
        "10013-3-0-1.wav is not a clip of fsID 10013",
    ),
    "us8k: another fold": (
        US8K,
        lambda m: edit(m / US8K_TABLE, ",1,3,dog", ",2,3,dog"),
        "audio/fold2/10013-3-0-1.wav is missing",
    ),
    "us8k: another name": (
        US8K,
        lambda m: edit(m / US8K_TABLE, "10013-3-0-1", "10013"),
        "10013.wav is not named like 100032-3-0-0.wav",
    ),
    "us8k: a row without a file": (
        US8K,
        lambda m: (m / US8K_AUDIO / "fold7" / "10073-3-0-7.wav").unlink(),
        "audio/fold7/10073-3-0-7.wav is missing",
    ),
    "us8k: a file without a row": (
        US8K,
        lambda m: (m / US8K_AUDIO / "fold7" / "10073-3-0-7.wav").rename(m / US8K_AUDIO / "fold7" / "new.wav"),
        "audio/fold7/10073-3-0-7.wav is missing",
    ),
    "us8k: a file more": (
        US8K,
        lambda m: shutil.copy(m / US8K_AUDIO / "fold7" / "10073-3-0-7.wav", m / US8K_AUDIO / "fold8"),
        "audio/fold8/10073-3-0-7.wav is there, though",
    ),
    "us8k: a missing fold": (
        US8K,
        lambda m: shutil.rmtree(m / US8K_AUDIO / "fold10"),
        "fold 10 is missing, all 10 clips that the table lists",
    ),
    "us8k: a clip that is no audio": (
        US8K,
        lambda m: (m / US8K_AUDIO / "fold7" / "10073-3-0-7.wav").write_bytes(bytes(1000)),
        "fold7/10073-3-0-7.wav: is no WAV, FLAC, Ogg or MP3 file",
    ),
}


@pytest.mark.parametrize(("settings", "spoil", "message"), FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_one_line_that_names_it(
    mirror: Path, tmp_path: Path, settings: dict[str, Any], spoil: Callable[[Path], object], message: str
) -> None:
    spoil(mirror)
    assert message in refusal(settings, tmp_path / "data", mirror)


def test_a_fault_in_what_an_archive_held_says_what_to_delete(mirror: Path, tmp_path: Path) -> None:
    (mirror / US8K_AUDIO / "fold7" / "10073-3-0-7.wav").unlink()
    (tmp_path / "archives").mkdir()
    small_copies.tarred(mirror / "UrbanSound8K", tmp_path / "archives" / small_copies.US8K_ARCHIVE)
    message = refusal(US8K, tmp_path / "data", tmp_path / "archives")
    assert message.startswith("dataset set: audio/fold7/10073-3-0-7.wav is missing")
    assert f"delete {tmp_path / 'data/set/unpacked'} and {tmp_path / 'data/downloads/UrbanSound8K.tar.gz'}" in message


def test_the_command_line_fetches_and_decodes(
    repo: Path, archives: Path, originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`soundclr fetch` and `soundclr features`: the right clips, labels, folds and resampled lengths."""
    content = yaml.safe_load((repo / "params.yaml").read_text(encoding="utf-8"))
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
