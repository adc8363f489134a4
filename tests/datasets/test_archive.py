"""Unpacking: whole, safe, or not at all."""

import io
import os
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soundclr.datasets import archive as archives
from soundclr.errors import UserError

CLIP = np.random.default_rng(0).bytes(5000)  # does not compress: a cut falls into it


def unpack(archive: Path, folder: Path, max_bytes: int = 10**6) -> None:
    archives.unpack(archive, folder, max_bytes)


def make_zip(path: Path, name: str = "top/002.ogg", mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("top/", b"")
        file.writestr("top/001.ogg", CLIP)
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        file.writestr(member, CLIP)
    return path


def make_tar(path: Path, name: str = "top/002.ogg", kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as file:
        for member_name, member_kind in (("top/001.ogg", tarfile.REGTYPE), (name, kind)):
            member = tarfile.TarInfo(member_name)
            member.type, member.linkname = member_kind, "/etc/passwd"
            member.size = len(CLIP) if member_kind == tarfile.REGTYPE else 0
            file.addfile(member, io.BytesIO(CLIP))
    return path


def make(path: Path) -> Path:
    return make_zip(path) if path.suffix == ".zip" else make_tar(path)


def assert_refused(archive: Path, why: str) -> None:
    folder = archive.parent / "data" / "unpacked"
    with pytest.raises(UserError, match=why) as caught:
        unpack(archive, folder)
    assert "\n" not in str(caught.value)
    left = {path for path in archive.parent.rglob("*")} - {archive, folder.parent}
    assert left == set()


@pytest.mark.parametrize("name", ["clips.zip", "clips.tar", "clips.tar.gz"])
def test_archive_becomes_a_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "unpacked"
    unpack(make(tmp_path / name), folder)
    assert sorted(path.name for path in folder.rglob("*")) == ["001.ogg", "002.ogg", "top"]
    assert (folder / "top" / "001.ogg").read_bytes() == CLIP
    assert {path.name for path in tmp_path.iterdir()} == {name, "unpacked"}


@pytest.mark.parametrize("name", ["../x.ogg", "top/../../x.ogg", "..\\x.ogg", "/x.ogg", "\\x.ogg"])
def test_member_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    why = "not unpacked: its member .*(absolute|leads out)"
    archive = make_zip(tmp_path / "a.zip", name)
    assert_refused(archive, why)
    archive.unlink()
    assert_refused(make_tar(tmp_path / "a.tar", name), why)


def test_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    assert_refused(make_zip(tmp_path / "a.zip", "top/x", 0o120777), "'top/x' is a link or a device")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_link_or_device_in_a_tar_is_refused(tmp_path: Path, kind: bytes) -> None:
    assert_refused(make_tar(tmp_path / "a.tar.gz", "top/x", kind), "'top/x' is a link or a device")


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98])
@pytest.mark.parametrize("name", ["clips.zip", "clips.tar.gz"])
def test_truncated_archive_is_refused(tmp_path: Path, name: str, share: float) -> None:
    archive = make(tmp_path / name)
    content = archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    assert_refused(archive, f"{name} is .*truncated.*delete it")


def test_tar_that_ends_inside_a_clip_is_refused(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "clips.tar")
    archive.write_bytes(archive.read_bytes()[:8000])
    assert_refused(archive, "truncated or damaged")


def test_damaged_member_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "clips.zip")
    archive.write_bytes(archive.read_bytes().replace(CLIP[100:110], bytes(10)))
    assert_refused(archive, r"truncated or damaged \(Bad CRC-32 for file 'top/001.ogg'\)")


def test_interrupted_unpacking_leaves_the_old_folder(tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    (tmp_path / ".unpacked.partial").mkdir()  # as a killed process leaves it
    (tmp_path / ".unpacked.partial" / "rest.ogg").touch()
    unpack(make_zip(tmp_path / "a.zip"), folder)
    with pytest.raises(UserError):
        unpack(make_zip(tmp_path / "b.zip", "../x"), folder)
    assert {path.name for path in folder.rglob("*")} == {"top", "001.ogg", "002.ogg"}
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "b.zip", "unpacked"}


def bomb(path: Path, kind: str) -> Path:
    """A small archive that holds much: zeros, empty files, or a header of zeros."""
    zeros = bytes(50 * 2**20)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for number in range(600 if kind == "files" else 1):
                file.writestr(f"top/{number}.wav", b"" if kind == "files" else zeros)
        return path
    with tarfile.open(path, "w:gz", compresslevel=1) as file:
        for number in range(600 if kind == "files" else 1):
            member = tarfile.TarInfo(f"top/{number}.wav")
            member.type = tarfile.XHDTYPE if kind == "header" else tarfile.REGTYPE
            member.size = 0 if kind == "files" else len(zeros)
            file.addfile(member, io.BytesIO(zeros))
    return path


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.zip", "zeros"), ("a.zip", "files"), ("a.tar.gz", "zeros"), ("a.tar.gz", "files"), ("a.tar.gz", "header")],
)
def test_a_bomb_is_refused_before_it_fills_the_disk_or_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    archive = bomb(tmp_path / name, kind)
    written: list[int] = []
    write = archives._write_member

    def watched(*arguments: Any) -> int:
        written.append(write(*arguments))
        return written[-1]

    monkeypatch.setattr(archives, "_write_member", watched)
    tracemalloc.start()
    try:
        refused = "a header or a list of more" if kind == "header" else r"take more than the 1,000,000 bytes.*raise"
        assert_refused(archive, refused)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
    assert sum(written) <= 1_020_000 and len(written) <= 62


def test_a_zip_that_lists_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LIST", 100)
    assert_refused(make_zip(tmp_path / "a.zip"), "a list of more than 100 bytes")


def test_members_have_the_permissions_that_their_owner_gives(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        unpack(make_zip(tmp_path / "a.zip", mode=0o104777), tmp_path / "unpacked")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o7777 for path in (tmp_path / "unpacked").rglob("*")}
    assert modes == {"top": 0o700, "001.ogg": 0o600, "002.ogg": 0o600}
    assert (tmp_path / "unpacked").stat().st_mode & 0o777 == 0o700
