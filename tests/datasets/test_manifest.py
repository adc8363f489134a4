"""A dataset's clips against its manifest."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from soundclr.datasets.manifest import audio_files, read_manifest, verify_clips
from soundclr.errors import UserError

CLIPS = {"b/2.ogg": b"two", "a/1.ogg": b"one", "c/3.ogg": b"three"}
MANIFEST = {path: hashlib.sha256(content).hexdigest() for path, content in CLIPS.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, content in CLIPS.items():
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_bytes(content)
    (tmp_path / "README.md").write_text("not a clip")
    return tmp_path


def test_whole_dataset_passes(folder: Path) -> None:
    assert audio_files(folder) == set(MANIFEST)
    verify_clips(folder, MANIFEST)


def test_missing_clip_is_named(folder: Path) -> None:
    (folder / "b/2.ogg").unlink()
    with pytest.raises(UserError, match=r"^b/2\.ogg is missing \(in "):
        verify_clips(folder, MANIFEST)


def test_corrupt_clip_is_named(folder: Path) -> None:
    (folder / "c/3.ogg").write_bytes(b"threE")
    with pytest.raises(UserError, match=r"^c/3\.ogg is corrupt"):
        verify_clips(folder, MANIFEST)


def test_unexpected_clip_is_named(folder: Path) -> None:
    (folder / "b/2b.WAV").write_bytes(b"two")
    with pytest.raises(UserError, match=r"^b/2b\.WAV does not belong to the dataset \(in"):
        verify_clips(folder, MANIFEST)


def test_first_of_many_is_named_and_all_are_counted(folder: Path) -> None:
    (folder / "c/3.ogg").write_bytes(b"")
    (folder / "b/2.ogg").unlink()
    (folder / "a/0.ogg").touch()
    with pytest.raises(UserError, match=r"^a/0\.ogg does not belong.* 2 more"):
        verify_clips(folder, MANIFEST)


def test_esc10_manifest() -> None:
    manifest = read_manifest("esc10")
    assert len(manifest) == len(set(manifest.values())) == 400
    assert list(manifest) == sorted(manifest)
    assert set(Counter(path.split("/")[0] for path in manifest).values()) == {40}
    assert all(len(digits) == 64 and int(digits, 16) for digits in manifest.values())


def test_unknown_manifest_is_named() -> None:
    with pytest.raises(UserError, match="esc99: the package has no manifest"):
        read_manifest("esc99")
