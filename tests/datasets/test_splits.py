"""Speech Commands, NSynth and GTZAN: small faithful copies, packed and unpacked; their publishers' splits."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torchaudio.datasets.gtzan as reference
from pydantic import ValidationError

from soundclr.datasets.gtzan import GENRES, filtered_fold
from soundclr.datasets.nsynth import FAMILIES
from soundclr.datasets.speech_commands import WORDS
from soundclr.params import DatasetSettings, load
from support import small_splits
from support.small_copies import edit, fetch, refusal, tarred
from support.small_splits import FILTERED, GTZAN, NSYNTH, SPEECH

SC = Path("speech_commands_v0.02")
SC09 = [34, 21, 29, 27, 10, 7, 25, 23, 6, 17]
TEST_TABLE = Path("nsynth-test/examples.json")


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all releases, unpacked; not to be changed."""
    folder = tmp_path_factory.mktemp("originals")
    small_splits.make_speech_commands(folder)
    small_splits.make_nsynth(folder)
    small_splits.make_gtzan(folder)
    return folder


@pytest.fixture(scope="module")
def archives(originals: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with their archives; Speech Commands' has no top folder."""
    folder = tmp_path_factory.mktemp("archives")
    tarred(originals / SC, folder / SPEECH["file"], top=".")
    for part in ("test", "valid", "train"):
        tarred(originals / f"nsynth-{part}", folder / f"nsynth-{part}.jsonwav.tar.gz")
    return folder


@pytest.fixture
def copies(originals: Path, tmp_path: Path) -> Path:
    """A copy of what is small, to be broken: Speech Commands and NSynth."""
    ignore = shutil.ignore_patterns("genres")
    return Path(shutil.copytree(originals, tmp_path / "mirror", ignore=ignore))


@pytest.mark.parametrize("settings", [SPEECH, NSYNTH], ids=["speech_commands", "nsynth"])
def test_an_archive_and_a_copy_give_the_same_index(
    settings: dict[str, Any], archives: Path, originals: Path, tmp_path: Path
) -> None:
    ours = [fetch(settings, tmp_path / place.name, place) for place in (archives, originals)]
    assert ours[0].equals(ours[1])
    assert ours[0].groupby("fold").size().to_list() == settings["clips"]


def test_speech_commands(originals: Path, tmp_path: Path) -> None:
    index = fetch(SPEECH, tmp_path, originals)
    assert dict(zip(index["label"], index["class"], strict=True)) == dict(enumerate(WORDS))
    assert len(WORDS) == 35 and list(WORDS) == sorted(WORDS)
    assert (index["fold"] == index["source"].map({"0a123456": 1, "0b123456": 2}).fillna(3)).all()
    row = index[index["clip"] == "bird/0b123456_nohash_2"].iloc[0]
    assert row["path"] == f"unpacked/{SC}/bird/0b123456_nohash_2.wav" and row["label"] == 2


def test_sc09_is_the_ten_digits_in_their_order(repo: Path, originals: Path, tmp_path: Path) -> None:
    datasets = load(repo / "params.yaml").datasets
    assert list(datasets["sc09"].only or ()) == SC09
    index = fetch(SPEECH, tmp_path, originals, only=SC09, classes=10, clips=[10, 10, 20])
    names = "zero one two three four five six seven eight nine"
    assert dict(zip(index["label"], index["class"], strict=True)) == dict(enumerate(names.split()))


def test_nsynth_by_family_and_by_pitch(originals: Path, tmp_path: Path) -> None:
    index = fetch(NSYNTH, tmp_path / "a", originals)
    assert dict(zip(index["label"], index["class"], strict=True)) == dict(enumerate(FAMILIES))
    assert set(index["class"]) - set(index["class"][index["fold"] == 1]) == {"synth_lead"}
    row = index[index["clip"] == "guitar_electronic_001-047-075"].iloc[0]
    assert row["path"] == "train/unpacked/nsynth-train/audio/guitar_electronic_001-047-075.wav"
    assert row["fold"] == 3 and row["source"] == "guitar_electronic_001"
    pitches = fetch(NSYNTH, tmp_path / "b", originals, adapter="nsynth_pitch", classes=None)
    assert (pitches["class"] == pitches["clip"].str.split("-").str[1].astype(int).astype(str)).all()
    assert sorted(pitches["label"].unique()) == list(range(22))
    assert pitches.groupby("label")["class"].first().astype(int).is_monotonic_increasing


def test_gtzan_by_number_in_all_its_layouts(originals: Path, tmp_path: Path) -> None:
    """The archive's folder, and Kaggle's, which lacks nothing but that name."""
    index = fetch(GTZAN, tmp_path / "a", originals)
    assert index.groupby(["class", "fold"]).size().to_dict() == {
        (genre, fold): {1: 20, 2: 80}[fold] for genre in GENRES for fold in (1, 2)
    }
    test = index[index["fold"] == 1]["clip"].str.split(".").str[1].astype(int)
    assert set(test) == set(range(80, 100))
    kaggle = tmp_path / "archive"
    (kaggle / "Data").mkdir(parents=True)
    (kaggle / "Data" / "genres_original").symlink_to(originals / "genres")
    for place in (kaggle, kaggle / "Data" / "genres_original"):
        assert fetch(GTZAN, tmp_path / "data" / place.name, place).equals(index)


def test_the_filtered_split_of_gtzan_is_the_published_one() -> None:
    for fold, listed in ((1, reference.filtered_test), (2, reference.filtered_valid), (3, reference.filtered_train)):
        ours = {f"{genre}.{n:05d}" for genre in GENRES for n in range(100) if filtered_fold(genre, n) == fold}
        assert ours == set(listed)


def test_the_filtered_split_of_gtzan_leaves_out_the_faulty(originals: Path, tmp_path: Path) -> None:
    index = fetch(FILTERED, tmp_path, originals)
    assert index.groupby("fold").size().to_list() == [290, 197, 443]
    left_out = Counter(genre for genre in GENRES for n in range(100) if filtered_fold(genre, n) is None)
    counts = dict(classical=1, country=2, disco=7, hiphop=8, jazz=13, metal=9, pop=16, reggae=14)
    assert left_out == counts and sum(counts.values()) == 70


def test_a_gtzan_clip_that_cannot_be_read_is_named_and_left_out_only_on_demand(
    originals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(originals / "genres", mirror / "genres", copy_function=lambda a, b: Path(b).hardlink_to(a))
    broken = mirror / "genres" / "jazz" / "jazz.00054.wav"
    broken.unlink()
    broken.write_bytes(bytes(1000))
    message = refusal(FILTERED, tmp_path / "data", mirror)
    assert "jazz/jazz.00054.wav: is no WAV" in message and "`without: [jazz.00054]`" in message
    index = fetch(FILTERED, tmp_path / "data", mirror, without=["jazz.00054"])
    assert index.groupby("fold").size().to_list() == [290, 197, 442] and "jazz.00054" not in set(index["clip"])
    assert "dataset set: left out by `without`: jazz.00054" in capsys.readouterr().err
    broken.unlink()
    assert len(fetch(FILTERED, tmp_path / "data2", mirror, without=["jazz.00054"])) == len(index)


FAULTS: dict[str, tuple[dict[str, Any], Callable[[Path], object], str]] = {
    "speech: no list": (
        SPEECH,
        lambda m: (m / SC / "validation_list.txt").unlink(),
        "validation_list.txt, the publisher's list of clips, is missing",
    ),
    "speech: an empty list": (
        SPEECH,
        lambda m: (m / SC / "testing_list.txt").write_text("\n"),
        "testing_list.txt: lists no clips",
    ),
    "speech: a clip in both lists": (
        SPEECH,
        lambda m: edit(m / SC / "validation_list.txt", "bed/0b", "bed/0a"),
        "validation_list.txt: names bed/0a123456_nohash_1.wav, which is in both testing_list.txt and "
        "validation_list.txt",
    ),
    "speech: a listed clip is missing": (
        SPEECH,
        lambda m: (m / SC / "bed" / "0b123456_nohash_1.wav").unlink(),
        "bed/0b123456_nohash_1.wav is missing, one of 1 clips that the lists name",
    ),
    "speech: a training clip is missing": (
        SPEECH,
        lambda m: (m / SC / "bed" / "0c123456_nohash_1.wav").unlink(),
        "dataset set: fold 3 has 69 clips; its `clips` has 70",
    ),
    "speech: a folder of no word": (
        SPEECH,
        lambda m: (m / SC / "bed").rename(m / SC / "bedroom"),
        "bed/0a123456_nohash_1.wav is missing, one of 2 clips",
    ),
    "speech: another folder": (
        SPEECH,
        lambda m: shutil.copytree(m / SC / "bed", m / SC / "bedroom"),
        "bedroom/0a123456_nohash_1.wav is in the folder bedroom, which is not one of the 35 words",
    ),
    "speech: another name": (
        SPEECH,
        lambda m: (m / SC / "bed" / "0c123456_nohash_1.wav").rename(m / SC / "bed" / "me.wav"),
        "bed/me.wav is not named like down/022cd682_nohash_0.wav",
    ),
    "speech: a speaker in two parts": (
        SPEECH,
        lambda m: edit(m / SC / "testing_list.txt", "bed/0a", "bed/0c"),
        "is in two of the test, validation and training clips",
    ),
    "speech: no audio": (
        SPEECH,
        lambda m: (m / SC / "bed" / "0c123456_nohash_1.wav").write_bytes(bytes(99)),
        "bed/0c123456_nohash_1.wav: is no WAV",
    ),
    "speech: two without audio": (
        SPEECH,
        lambda m: [(m / SC / "bed" / f"0{x}123456_nohash_1.wav").write_bytes(bytes(99)) for x in "bc"],
        "bed/0b123456_nohash_1.wav: is no WAV, FLAC, Ogg or MP3 file; if it is sound, convert it, for example with",
    ),
    "speech: a list that is a pipe": (
        SPEECH,
        lambda m: ((m / SC / "testing_list.txt").unlink(), os.mkfifo(m / SC / "testing_list.txt")),
        "testing_list.txt: cannot be read as a list of clips (Is not a regular file)",
    ),
    "speech: a list that is a device": (
        SPEECH,
        lambda m: ((m / SC / "testing_list.txt").unlink(), (m / SC / "testing_list.txt").symlink_to("/dev/zero")),
        "testing_list.txt: cannot be read as a list of clips (Is not a regular file)",
    ),
    "speech: a list without end": (
        SPEECH,
        lambda m: os.truncate(m / SC / "testing_list.txt", 500_000_000),
        "testing_list.txt: cannot be read as a list of clips (Is larger than 67,108,864 bytes",
    ),
    "nsynth: a table that is a pipe": (
        NSYNTH,
        lambda m: ((m / TEST_TABLE).unlink(), os.mkfifo(m / TEST_TABLE)),
        "examples.json: cannot be read as JSON ([Errno 22] Is not a regular file",
    ),
    "nsynth: a table without end": (
        NSYNTH,
        lambda m: os.truncate(m / TEST_TABLE, 10**12),
        "examples.json: cannot be read as JSON ([Errno 27] Is larger than 536,870,912 bytes",
    ),
    "nsynth: half a character": (
        NSYNTH,
        lambda m: edit(m / TEST_TABLE, '"guitar_acoustic_000"', '"guitar_\\ud800"'),
        "has half of a character (a lone surrogate), which is not text",
    ),
    "nsynth: no table": (
        NSYNTH,
        lambda m: (m / TEST_TABLE).unlink(),
        "examples.json, the table of the notes, is missing",
    ),
    "nsynth: no JSON": (NSYNTH, lambda m: (m / TEST_TABLE).write_text("{"), "examples.json: cannot be read as JSON"),
    "nsynth: no notes": (NSYNTH, lambda m: (m / TEST_TABLE).write_text("[]"), "examples.json: is not a table of notes"),
    "nsynth: no family": (
        NSYNTH,
        lambda m: edit(m / TEST_TABLE, '"instrument_family": 3', '"instrument_family": 11'),
        "note guitar_acoustic_000-046-025 has instrument_family 11, not a whole number from 0 to 10",
    ),
    "nsynth: no pitch": (
        {**NSYNTH, "adapter": "nsynth_pitch", "classes": None},
        lambda m: edit(m / TEST_TABLE, '"pitch": 46', '"pitch": true'),
        "note guitar_acoustic_000-046-025 has pitch True, not a whole number from 0 to 127",
    ),
    "nsynth: no instrument": (
        NSYNTH,
        lambda m: edit(m / TEST_TABLE, '"instrument_str": "guitar_acoustic_000"', '"instrument_str": ""'),
        "has instrument_str ''",
    ),
    "nsynth: a note without a file": (
        NSYNTH,
        lambda m: (m / "nsynth-valid/audio/bass_acoustic_000-040-050.wav").unlink(),
        "dataset set/valid: audio/bass_acoustic_000-040-050.wav is missing, but the table lists it",
    ),
    "nsynth: a file without a note": (
        NSYNTH,
        lambda m: shutil.copy(
            m / "nsynth-valid/audio/bass_acoustic_000-040-050.wav", m / "nsynth-valid/audio/bass.wav"
        ),
        "audio/bass.wav is there, but the table does not list it",
    ),
    "nsynth: no part": (
        NSYNTH,
        lambda m: shutil.rmtree(m / "nsynth-train"),
        "nsynth-train.jsonwav.tar.gz has no address to download from",
    ),
    "nsynth: a part twice": (
        NSYNTH,
        lambda m: edit(m / TEST_TABLE, '"instrument_str": "guitar_acoustic', '"instrument_str": "guitar_electronic'),
        "instrument guitar_electronic_000, one of 1, is in the training clips and in the test or validation clips",
    ),
}


@pytest.mark.parametrize(("settings", "spoil", "message"), FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_one_line_that_names_it(
    copies: Path, tmp_path: Path, settings: dict[str, Any], spoil: Callable[[Path], object], message: str
) -> None:
    spoil(copies)
    assert message in refusal(settings, tmp_path / "data", copies)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda top: (top / "pop/pop.00007.wav").unlink(), "pop/pop.00007.wav is missing (in "),
        (lambda top: (top / "pop").rename(top / "popular"), "popular/pop.00000.wav is not a clip of GTZAN"),
        (
            lambda top: shutil.rmtree(top / "pop"),
            "pop/pop.00000.wav is missing, and 99 more of 1000 clips are",
        ),
        (
            lambda top: shutil.copy(top / "pop/pop.00007.wav", top / "pop/pop.00100.wav"),
            "pop/pop.00100.wav is not a clip of GTZAN",
        ),
    ],
    ids=["missing", "genre", "no genre", "extra"],
)
def test_a_fault_in_gtzan(originals: Path, tmp_path: Path, spoil: Callable[[Path], object], message: str) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(originals / "genres", mirror / "genres", copy_function=lambda a, b: Path(b).hardlink_to(a))
    spoil(mirror / "genres")
    assert message in refusal(GTZAN, tmp_path / "data", mirror)


def test_left_out_clips_must_be_clips(originals: Path, tmp_path: Path) -> None:
    message = refusal(SPEECH, tmp_path, originals, without=["bed/me"])
    assert message == "dataset set: `without` names bed/me, which is not one of its clips"


def test_clips_are_one_number_or_one_a_fold() -> None:
    with pytest.raises(ValidationError, match="one number, or 3, one a fold"):
        DatasetSettings.model_validate({**SPEECH, "clips": [1, 2]})


def test_params_name_what_is_tested_here(repo: Path) -> None:
    """The real datasets have the small ones' adapters, archives and folds."""
    datasets = load(repo / "params.yaml").datasets
    small = {"speech_commands": SPEECH, "nsynth_family": NSYNTH, "gtzan": GTZAN, "gtzan_filtered": FILTERED}
    for name, settings in small.items():
        real = datasets[name].model_dump(mode="json")
        for key in ("adapter", "file", "classes", "folds", "held_out", "sample_rate", "samples"):
            assert real[key] == settings[key], (name, key)
    assert datasets["nsynth_pitch"].file == NSYNTH["file"] and datasets["nsynth_pitch"].adapter == "nsynth_pitch"
    assert sum(json.loads(datasets["speech_commands"].model_dump_json())["clips"]) == 105829
    assert sum(json.loads(datasets["nsynth_family"].model_dump_json())["clips"]) == 305979
