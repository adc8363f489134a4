"""Files are whole or absent, and hashes are of contents."""

import hashlib
import json
import math
import multiprocessing
import os
import signal
import subprocess

import pytest

from soundclr.errors import UserError
from soundclr.machine import files
from soundclr.machine.files import (
    atomic_path,
    read_json,
    refuse_irregular,
    sha256_of_file,
    sha256_of_json,
    write_json,
    write_text,
)
from soundclr.machine.locks import is_held
from soundclr.planning.status.jobs import read_log
from soundclr.training import heartbeat


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_atomic_path_makes_folders_and_leaves_one_file(tmp_path):
    path = tmp_path / "a" / "b" / "model.pt"
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent and temporary != path
        assert temporary.suffix == ".pt"
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(path.parent) == ["model.pt"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_file_has_the_permissions_that_the_umask_leaves(tmp_path, umask):
    before = os.umask(umask)
    try:
        for _ in range(2):  # a new file, and one that takes another's place
            write_text(tmp_path / "x", "secret")
            assert (tmp_path / "x").stat().st_mode & 0o777 == 0o666 & ~umask
    finally:
        os.umask(before)


def unfinished(path, connection):
    """In a process of its own: begin to write, say so, and wait."""
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        connection.send(temporary.name)
        connection.recv()


@pytest.fixture
def writer(tmp_path):
    """``writer("x.pt")``: a process amid writing that file in ``tmp_path``, and the name that it has so far."""
    context, processes = multiprocessing.get_context("fork"), []

    def begin(name):
        ours, theirs = context.Pipe()
        process = context.Process(target=unfinished, args=(tmp_path / name, theirs))
        process.start()
        processes.append((process, ours))
        return process, ours.recv()

    yield begin
    for process, _ in processes:
        process.kill()
        process.join()


def test_what_a_killed_writer_left_is_cleared_by_the_next_in_the_folder(tmp_path, writer):
    living, begun = writer("x.pt")
    killed, left = writer("x.pt")
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    assert names(tmp_path) == sorted([begun, left])
    write_text(tmp_path / "y.txt", "whole")
    assert names(tmp_path) == [begun, "y.txt"]  # a file that is still being written is kept
    os.kill(living.pid, signal.SIGKILL)
    living.join()
    write_text(tmp_path / "x.pt", "whole")
    assert names(tmp_path) == ["x.pt", "y.txt"]


def test_what_is_taken_for_abandoned_before_it_is_locked_is_begun_again(tmp_path, monkeypatch):
    """Another process may look between the making of a file and its locking."""
    flock, hasty = files.fcntl.flock, [True]

    def slow(file, how):
        if hasty.pop() if hasty else False:
            files.clear_if_abandoned(next(tmp_path.iterdir()))
        flock(file, how)

    monkeypatch.setattr(files.fcntl, "flock", slow)
    write_text(tmp_path / "x", "whole")
    assert names(tmp_path) == ["x"]


def test_neither_git_nor_dvc_takes_what_is_unfinished(repo, tmp_path, writer):
    """Both by the pattern that the names begin with; nor DVC what only a training that is under way needs."""
    _, begun = writer("fold1-seed0.pt")
    assert begun.startswith(files.PARTIAL) and begun.endswith(".pt")
    for folder in ("results/esc10/runs", "data/features"):
        done = subprocess.run(["git", "check-ignore", "-q", f"{folder}/{begun}"], cwd=repo)
        assert done.returncode == 0
    others = [f"esc10/hybrid-0123456789ab/fold1-seed0.{kind}" for kind in ("resume", "damaged", "lock", "progress")]
    paths = [f"results/esc10/models/{name}" for name in (begun, *others, "fold1-seed0.pt")]
    done = subprocess.run(["dvc", "check-ignore", *paths], cwd=repo, capture_output=True, text=True)
    assert done.stdout.splitlines() == paths[:-1]  # and the model is DVC's


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_atomic_path_keeps_the_old_file_when_the_writer_fails(tmp_path, error):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(error), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x.txt"]


def test_text_keeps_its_characters_and_line_ends(tmp_path):
    write_text(tmp_path / "x", "± ×\r\n→\n")
    assert (tmp_path / "x").read_bytes() == "± ×\r\n→\n".encode()


def test_json_round_trip(tmp_path):
    value = {"b": [1, 2.5, None, True], "a": "é±"}
    write_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "x.json") == value
    assert text.index('"b"') < text.index('"a"') and "é±" in text and text.endswith("}\n")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_json_has_not_is_not_written(tmp_path, value):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"loss": value})
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe{}", b"[1,]"])
def test_an_unreadable_json_file_is_named(tmp_path, content):
    path = tmp_path / "metrics.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"metrics\.json: cannot be read as JSON") as error:
        read_json(path)
    assert "\n" not in str(error.value)


def no_file(path, kind):
    """A folder, a FIFO that nobody writes to, or a link to a device without end, at ``path``."""
    if kind == "folder":
        path.mkdir()
    elif kind == "FIFO":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["folder", "FIFO", "device"])
def test_what_is_no_file_is_neither_waited_for_nor_read(tmp_path, kind):
    path = tmp_path / "metrics.json"
    no_file(path, kind)
    with pytest.raises(UserError, match=r"metrics\.json: cannot be read as JSON"):
        read_json(path)
    with pytest.raises(UserError, match=r"metrics\.json: is not a file but a folder, a pipe or a device; move it away"):
        refuse_irregular([tmp_path / "missing", path])
    assert read_log(path) == "" and not is_held(path) and heartbeat.read(path) == heartbeat.Heartbeat()


def test_sha256_of_file(tmp_path):
    (tmp_path / "x").write_bytes(b"abc" * 100_000)
    assert sha256_of_file(tmp_path / "x") == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_sha256_of_json_is_of_the_value_and_not_of_its_spelling():
    value = {"b": 1, "a": [1.5, {"d": None, "c": "é"}]}
    assert sha256_of_json(value) == sha256_of_json(json.loads(json.dumps(dict(reversed(value.items())), indent=3)))
    assert sha256_of_json(value) != sha256_of_json({**value, "b": 2})
    assert sha256_of_json([1, 2]) != sha256_of_json([2, 1])
    assert sha256_of_json({"b": 1, "a": 2}) == hashlib.sha256(b'{"a":2,"b":1}').hexdigest()


def test_half_a_character_is_one_line(tmp_path):
    """An escape in JSON or YAML makes it, and no file can hold it; in pairs they are one character."""
    with pytest.raises(UserError, match=r"x\.csv: cannot be written: 'robin\\ud800,wren' has half of a character"):
        write_text(tmp_path / "x.csv", "robin\ud800,wren")
    assert names(tmp_path) == []
    (tmp_path / "x.json").write_text('{"a": "\\ud83d\\udc26"}')
    write_text(tmp_path / "bird", read_json(tmp_path / "x.json")["a"])
    assert (tmp_path / "bird").read_text() == "\N{BIRD}"


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a device", "too large"])
def test_json_that_is_no_file_or_too_large_for_a_record_is_one_line(tmp_path, kind):
    path = tmp_path / "x.json"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    else:
        path.touch()
        os.truncate(path, files.LARGEST + 1)
    with pytest.raises(UserError, match=r"x\.json: cannot be read as JSON .*; fetch it again"):
        read_json(path, "fetch it again")
