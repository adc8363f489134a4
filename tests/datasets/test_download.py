"""Obtaining a file: mirror, download, resume, verification."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from soundclr.datasets import download
from soundclr.datasets.download import Source, record
from soundclr.errors import UserError
from support.loopback import BODY, Host

SHA256 = hashlib.sha256(BODY).hexdigest()


def obtain(
    url: str | None,
    file: str,
    target: Path,
    mirror: Path | None,
    sha256: str | None,
    md5: str | None = None,
    max_bytes: int = 10**9,
) -> Path:
    return download.obtain(Source(file, max_bytes, url, sha256, md5), target, mirror)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "clips.zip"


def test_download_is_verified_and_not_repeated(host: Host, target: Path, capsys: pytest.CaptureFixture) -> None:
    assert obtain(host.url, "clips.zip", target, None, SHA256) == target
    assert target.read_bytes() == BODY
    assert "clips.zip: 100%" in capsys.readouterr().err
    obtain(host.url, "clips.zip", target, None, SHA256[:8])
    obtain(host.url, "clips.zip", target, None, None)
    assert host.asked == [None]
    assert [path.name for path in target.parent.iterdir()] == ["clips.zip"]


def test_wrong_destination_is_replaced(host: Host, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"half")
    obtain(host.url, "clips.zip", target, None, SHA256)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("ranges", [True, False])
def test_broken_download_resumes(host: Host, target: Path, ranges: bool, chunked: bool) -> None:
    host.break_after, host.ranges, host.chunked = 300_000, ranges, chunked
    with pytest.raises(UserError, match="stopped sending before the end; run the same command to resume") as caught:
        obtain(host.url, "clips.zip", target, None, SHA256)
    assert "SOUNDCLR_MIRROR" in str(caught.value) and "\n" not in str(caught.value)
    assert not target.exists()
    part = target.with_name("clips.zip.part")
    have = part.stat().st_size
    assert 0 < have <= 300_000 and part.read_bytes() == BODY[:have]
    host.break_after = None
    obtain(host.url, "clips.zip", target, None, SHA256)
    assert host.asked == [None, f"bytes={have}-"]
    assert target.read_bytes() == BODY and not part.exists()


def test_whole_part_needs_only_its_name(host: Host, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("clips.zip.part").write_bytes(BODY)
    obtain(host.url, "clips.zip", target, None, SHA256)
    assert target.read_bytes() == BODY and len(host.asked) == 1


@pytest.mark.parametrize("size, shift", [(len(BODY) + 5, 0), (1000, 7)])
def test_part_that_does_not_fit_starts_over(host: Host, target: Path, size: int, shift: int) -> None:
    host.shift = shift
    target.parent.mkdir()
    target.with_name("clips.zip.part").write_bytes(bytes(size))
    obtain(host.url, "clips.zip", target, None, SHA256)
    assert target.read_bytes() == BODY
    assert host.asked == [f"bytes={size}-", None]


def test_wrong_hash_names_both_and_keeps_nothing(host: Host, target: Path) -> None:
    with pytest.raises(UserError) as caught:
        obtain(host.url, "clips.zip", target, None, "0" * 64)
    assert SHA256 in str(caught.value) and "0" * 64 in str(caught.value)
    assert list(target.parent.iterdir()) == []


def test_short_hash_is_compared_from_the_first_digit(host: Host, target: Path) -> None:
    with pytest.raises(UserError, match=SHA256):
        obtain(host.url, "clips.zip", target, None, SHA256[1:9])
    with pytest.raises(UserError, match=SHA256):
        obtain(host.url, "clips.zip", target, None, "")


def test_http_status_is_named(host: Host, target: Path) -> None:
    host.status = 404
    with pytest.raises(UserError, match=r"answers HTTP 404 Not Found;.*SOUNDCLR_MIRROR.*clips\.zip"):
        obtain(host.url, "clips.zip", target, None, SHA256)
    assert list(target.parent.iterdir()) == []


def test_host_that_stops_answering(host: Host, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT", (1.0, 0.2))
    host.break_after, host.stalls = 500_000, threading.Event()
    with pytest.raises(UserError, match=r"the host stopped answering.*run the same command to resume"):
        obtain(host.url, "clips.zip", target, None, SHA256)
    host.stalls.set()
    assert 0 < target.with_name("clips.zip.part").stat().st_size <= 500_000


def test_host_that_is_down(host: Host, target: Path) -> None:
    host.shutdown()
    host.server_close()
    with pytest.raises(UserError, match=r"cannot be reached.*SOUNDCLR_MIRROR"):
        obtain(host.url, "clips.zip", target, None, SHA256)


def test_mirror_comes_first_and_is_left_alone(host: Host, target: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "clips.zip").write_bytes(BODY)
    obtain(host.url, "clips.zip", target, mirror, SHA256)
    assert target.read_bytes() == BODY and host.asked == []
    target.unlink()
    (mirror / "clips.zip").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"mirror/clips\.zip has the SHA-256 .* not the expected"):
        obtain(host.url, "clips.zip", target, mirror, SHA256)
    assert (mirror / "clips.zip").read_bytes() == b"damaged"
    assert list(target.parent.iterdir()) == [] and host.asked == []


def test_file_the_mirror_lacks_is_downloaded(host: Host, target: Path, tmp_path: Path) -> None:
    obtain(host.url, "clips.zip", target, tmp_path, SHA256)
    assert target.read_bytes() == BODY


def test_file_without_address_needs_a_mirror(target: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^net\.pth .*no mirror is set.*SOUNDCLR_MIRROR"):
        obtain(None, "net.pth", target, None, SHA256)
    with pytest.raises(UserError, match=rf"^net\.pth .*{tmp_path} does not have it"):
        obtain(None, "net.pth", target, tmp_path, SHA256)


def test_unusable_mirror(target: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mirror .*/absent is not a readable folder"):
        obtain(None, "net.pth", target, tmp_path / "absent", None)
    (tmp_path / "net.pth").mkdir()
    with pytest.raises(UserError, match=r"mirror's .*/net\.pth cannot be read"):
        obtain(None, "net.pth", target, tmp_path, None)


def test_unwritable_destination(host: Host, tmp_path: Path) -> None:
    (tmp_path / "downloads").write_text("a file where a folder should be")
    with pytest.raises(UserError, match="cannot be written to"):
        obtain(host.url, "clips.zip", tmp_path / "downloads" / "clips.zip", None, None)


def test_md5_serves_where_it_is_all_there_is(host: Host, target: Path) -> None:
    md5 = hashlib.md5(BODY).hexdigest()
    obtain(host.url, "clips.zip", target, None, None, md5)
    obtain(host.url, "clips.zip", target, None, None, md5)
    assert len(host.asked) == 1
    target.write_bytes(BODY[:-1])  # a half copy is fetched again
    obtain(host.url, "clips.zip", target, None, None, md5)
    assert target.read_bytes() == BODY and len(host.asked) == 2
    target.unlink()
    with pytest.raises(UserError, match=f"has the MD5 {md5}, not the expected {'0' * 32}; it was not kept"):
        obtain(host.url, "clips.zip", target, None, None, "0" * 32)
    assert list(target.parent.iterdir()) == []
    obtain(host.url, "clips.zip", target, None, SHA256, "0" * 32)  # the stronger hash decides


@pytest.mark.parametrize("length", ["abc", "-5", "1e3", "5, 6", "9" * 30])
def test_length_that_is_none(host: Host, target: Path, length: str) -> None:
    host.length = length
    with pytest.raises(UserError, match=r"^clips\.zip: http://\S+ (answers with the Content-Length|cannot be downl)"):
        obtain(host.url, "clips.zip", target, None, SHA256)
    assert list(target.parent.iterdir()) == []


def test_host_that_leads_nowhere(host: Host, target: Path) -> None:
    host.location = "http://[nowhere"
    with pytest.raises(UserError, match=r"cannot be downloaded \(InvalidURL\)"):
        obtain(host.url, "clips.zip", target, None, SHA256)


@pytest.mark.parametrize("way", ["announced", "not announced", "resumed", "mirror"])
def test_no_more_is_kept_than_the_file_may_have(host: Host, target: Path, tmp_path: Path, way: str) -> None:
    mirror = None
    host.chunked = way == "not announced"
    if way == "resumed":
        target.parent.mkdir()
        target.with_name("clips.zip.part").write_bytes(BODY[:1000])
    elif way == "mirror":
        mirror = tmp_path / "mirror"
        mirror.mkdir()
        (mirror / "clips.zip").write_bytes(BODY)
    too_little = f"is larger than the {len(BODY) - 1:,} bytes that params.yaml allows.*raise `max_bytes` if clips.zip"
    with pytest.raises(UserError, match=too_little) as caught:
        obtain(host.url, "clips.zip", target, mirror, None, max_bytes=len(BODY) - 1)
    assert "\n" not in str(caught.value)
    left = {path.name for path in tmp_path.rglob("*") if path.is_file() and path.parent != mirror}
    assert left == ({"clips.zip.part"} if way == "resumed" else set())
    obtain(host.url, "clips.zip", target, mirror, SHA256, max_bytes=len(BODY))
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("hashes", [(None, None), (SHA256[:8], None), (None, hashlib.md5(BODY).hexdigest())])
def test_the_first_copys_hash_is_recorded_and_holds_for_the_next(
    host: Host, target: Path, hashes: tuple[str | None, str | None], capsys: pytest.CaptureFixture
) -> None:
    source = Source("clips.zip", 10**9, host.url, *hashes)
    note = target.with_name("clips.zip.sha256")
    record(source, obtain(host.url, "clips.zip", target, None, *hashes))
    assert note.read_text() == f"{SHA256}  clips.zip\n"
    assert f"its SHA-256 is {SHA256}; recorded in {note}" in capsys.readouterr().err
    record(source, target)
    assert capsys.readouterr().err == ""  # once

    target.write_bytes(BODY[:-1])
    obtain(host.url, "clips.zip", target, None, *hashes)
    assert target.read_bytes() == BODY and len(host.asked) == 2
    target.unlink()
    other = "0" * 64
    note.write_text(f"{other}  clips.zip\n")
    with pytest.raises(UserError, match=rf"SHA-256 {SHA256}, not the {other} that {note} recorded \(delete that if"):
        obtain(host.url, "clips.zip", target, None, *hashes)
    assert list(target.parent.iterdir()) == [note]
    note.write_text("zero")
    with pytest.raises(UserError, match=f"{note}: does not have a SHA-256.*delete it"):
        obtain(host.url, "clips.zip", target, None, *hashes)
    note.unlink()
    obtain(host.url, "clips.zip", target, None, *hashes)


def test_a_whole_hash_needs_no_record(host: Host, target: Path) -> None:
    record(Source("clips.zip", 10**9, host.url, SHA256), obtain(host.url, "clips.zip", target, None, SHA256))
    assert list(target.parent.iterdir()) == [target]


def test_a_mirrors_fifo_is_not_waited_for(target: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "clips.zip")
    with pytest.raises(UserError, match=r"mirror's .*/clips\.zip cannot be read \(Is not a regular file\)"):
        obtain(None, "clips.zip", target, tmp_path, None)


def test_a_part_does_not_outlive_the_file(host: Host, target: Path, tmp_path: Path) -> None:
    host.break_after = 300_000
    with pytest.raises(UserError, match="stopped sending"):
        obtain(host.url, "clips.zip", target, None, SHA256)
    (tmp_path / "clips.zip").write_bytes(BODY)
    obtain(host.url, "clips.zip", target, tmp_path, SHA256)
    assert list(target.parent.iterdir()) == [target]


def test_a_file_has_the_permissions_that_its_owner_gives(host: Host, target: Path) -> None:
    before = os.umask(0o077)
    try:
        obtain(host.url, "clips.zip", target, None, SHA256)
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o600
