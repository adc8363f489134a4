"""The ten words of Speech Commands' test archive: its manifest, a small copy, and the real one where it is at hand."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from soundclr.datasets import fetch_dataset, read_index, speech_commands
from soundclr.datasets.manifest import read_manifest
from soundclr.errors import UserError
from soundclr.params import load
from support.small_copies import fetch, manifest_of, refusal, tarred, write_clip

NAME = "speech_commands_test_set_v0.02"
WORDS: dict[str, Any] = {
    "adapter": "words10",
    "title": "ten words",
    "file": f"{NAME}.tar.gz",
    "classes": 2,
    "folds": 2,
    "sample_rate": 16000,
    "samples": 16000,
}
# Clips of each fold and word, as counted in the archive apart from this code
COUNTED = """
    fold yes no up down left right on off stop go
    1 94 82 91 81 90 91 71 96 88 93
    2 72 66 81 67 72 64 70 74 67 79
    3 84 83 83 87 87 79 77 77 86 78
    4 105 103 103 92 98 89 105 91 108 92
    5 64 71 67 79 65 73 73 64 62 60
"""


def counted() -> dict[tuple[str, int], int]:
    header, *rows = (line.split() for line in COUNTED.strip().splitlines())
    return {(word, int(row[0])): int(count) for row in rows for word, count in zip(header[1:], row[1:], strict=True)}


def test_folds_of_the_packaged_manifest() -> None:
    words = sorted({word for word, _ in counted()})
    rows = [speech_commands.index_row(path, words) for path in read_manifest("words10")]
    found = Counter((row.class_name, speech_commands.fold_of_speaker(row.source, 5)) for row in rows)
    assert found == counted() and len(rows) == 4074 and len({row.source for row in rows}) == 239


def test_identical_clips_of_the_packaged_manifest_have_one_speaker_and_word() -> None:
    clips: dict[str, set[tuple[str, str]]] = {}
    manifest = read_manifest("words10")
    for path, sha256 in manifest.items():
        word, file = path.split("/")
        clips.setdefault(sha256, set()).add((word, file.split("_")[0]))
    assert all(len(of) == 1 for of in clips.values())
    repeated = [count for count in Counter(manifest.values()).values() if count > 1]
    assert (len(repeated), sum(repeated)) == (119, 240)


def test_the_fold_of_a_speaker_is_drawn_by_sha256() -> None:
    assert hashlib.sha256(b"022cd682").hexdigest().startswith("2e5886a0")
    assert speech_commands.fold_of_speaker("022cd682", 5) == 1 + 0x2E5886A0 % 5


def manifest_now(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the manifest be of the words' clips as they are."""
    manifest = {path: sha256 for path, sha256 in manifest_of(top).items() if path.startswith(("yes/", "no/"))}
    monkeypatch.setattr(speech_commands, "read_manifest", {"words10": manifest}.__getitem__)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test archive's layout with clips of two words and eight speakers, which are taken for the real ones."""
    top = tmp_path / "copy" / NAME
    for word, frames in (("yes", 1600), ("no", 1700)):
        for speaker in range(8):
            write_clip(top / word / f"{speaker:08x}_nohash_{speaker}.wav", frames + speaker, 16000)
    manifest_now(top, monkeypatch)
    write_clip(top / "_unknown_" / "00000000_nohash_0.wav.wav", 1600, 16000)
    write_clip(top / "_silence_" / "0.wav", 1600, 16000)
    (top / "yes" / "._00000000_nohash_0.wav").write_bytes(b"macOS")
    (top / "LICENSE").write_text("CC BY 4.0")
    return top


def test_an_archive_and_a_folder_give_the_same_index(small: Path, tmp_path: Path) -> None:
    """The official archive has no top folder."""
    (tmp_path / "packed").mkdir()
    tarred(small, tmp_path / "packed" / WORDS["file"], top=".")
    index, other = (fetch(WORDS, tmp_path / place / "data", tmp_path / place) for place in ("packed", "copy"))
    assert index.equals(other) and len(index) == 16
    assert (index["path"] == f"unpacked/{NAME}/" + index["clip"] + ".wav").all()
    assert (index["label"] == index["class"].map(["no", "yes"].index)).all()
    assert (index["clip"] == index["class"] + "/" + index["source"] + "_nohash_" + index["source"].str[-1]).all()
    assert (index.groupby("source")["fold"].nunique() == 1).all()


def test_identical_files_raise_a_warning(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within a fold and a class they are counted, in several there is a warning that names two."""
    one, *others = sorted(small.glob("yes/0*.wav"))
    same = next(clip for clip in others if fold_of(clip) == fold_of(one))
    kept = same.read_bytes()
    same.write_bytes(one.read_bytes())
    manifest_now(small, monkeypatch)
    fetch(WORDS, tmp_path / "a", small.parent)
    said = capsys.readouterr().err
    assert "dataset set: 1 groups of byte-identical clips, 2 clips in all, 0 of these groups in several folds" in said
    assert "warning" not in said
    same.write_bytes(kept)
    (small / "no" / one.name).write_bytes(one.read_bytes())
    away = next(clip for clip in others if fold_of(clip) != fold_of(one))
    away.write_bytes(one.read_bytes())
    manifest_now(small, monkeypatch)
    fetch(WORDS, tmp_path / "b", small.parent)
    said = capsys.readouterr().err
    assert "3 clips in all, 1 of these groups in several folds" in said
    assert "byte for byte; a held-out clip was trained on" in said and f"yes/{away.stem} in fold" in said
    assert (
        f"no/{one.stem} in class no equals yes/{one.stem} in class yes, byte for byte; one of the two classes is"
        in said
    )


def fold_of(clip: Path) -> int:
    return speech_commands.fold_of_speaker(clip.name.split("_")[0], 2)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda top: (top / "yes/00000003_nohash_3.wav").unlink(), "yes/00000003_nohash_3.wav is missing"),
        (
            lambda top: (top / "yes/00000003_nohash_3.wav").rename(top / "no/00000003_nohash_4.wav"),
            "no/00000003_nohash_4.wav does not belong to the dataset, and 1 more of 16 clips are wrong",
        ),
        (lambda top: (top / "no/00000003_nohash_3.wav").write_bytes(b""), "no/00000003_nohash_3.wav is corrupt"),
        (lambda top: (top / "no").rename(top / "_unknown_words_"), "_unknown_words_/00000000_nohash_0.wav does not"),
    ],
    ids=["missing", "other", "corrupt", "folder"],
)
def test_a_fault_is_one_line_that_names_it(small: Path, tmp_path: Path, spoil: Any, message: str) -> None:
    spoil(small)
    assert message in refusal(WORDS, tmp_path / "data", small.parent)


def test_a_manifest_with_another_name_in_it() -> None:
    with pytest.raises(UserError, match=r"yes/1\.wav is not named like down/022cd682_nohash_0\.wav"):
        speech_commands.index_row("yes/1.wav", ["yes"])


def test_the_real_archive(repo: Path, mirror: Path, tmp_path: Path) -> None:
    settings = load(repo / "params.yaml").datasets["words10"]
    if not (mirror / str(settings.file)).is_file():
        pytest.skip(f"needs the real download: {settings.file} in the folder that SOUNDCLR_MIRROR names")
    path = fetch_dataset("words10", settings, tmp_path, mirror)
    index = read_index(path)
    assert index.groupby(["class", "fold"]).size().to_dict() == counted()
    lengths = {soundfile.info(path.parent / file).frames for file in index["path"][::50]}
    assert lengths == {16000} and np.unique(index["label"]).tolist() == list(range(10))
