"""Locks among real processes: never shared, never lost, however a holder ends."""

import errno
import fcntl
import multiprocessing
import os
import random
import signal
import sys
import threading
import time

import pytest

from soundclr.errors import UserError
from soundclr.machine.locks import hold_slots, in_turn, is_held, locked, only_one

FORK = multiprocessing.get_context("fork")  # a fresh interpreter would spend seconds on its imports
POOL = ["a", "b", "c", "d"]


def test_who_only_looks_keeps_nobody_from_the_lock(tmp_path):
    """Looking takes a shared lock for a moment, here for long, and does not see another's look."""
    path = tmp_path / "x.lock"
    path.touch()
    with open(path) as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.2, fcntl.flock, (looking, fcntl.LOCK_UN)).start()
        assert not is_held(path)
        with locked(path, "busy"):
            assert is_held(path)


def work(folder, count, each, seconds):
    """In a process of its own: hold slots for a while, and write to a log when that begins and ends."""
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for the life of the process
    with open(folder / "log", "a") as log, hold_slots(POOL, folder / "locks", each, count, poll_seconds=0.02) as name:
        log.write(f"begin {name} {os.getpid()} {count} {time.monotonic_ns()}\n")
        log.flush()
        time.sleep(seconds)
        log.write(f"end {name} {os.getpid()} {count} {time.monotonic_ns()}\n")


def read_log(folder):
    """{(name, process id): (slots, begin, end)}; the end of a process that wrote none is None."""
    spans = {}
    text = (folder / "log").read_text() if (folder / "log").exists() else ""
    for line in text.splitlines():
        what, name, pid, count, when = line.split()
        begin = int(when) if what == "begin" else spans[name, int(pid)][1]
        spans[name, int(pid)] = (int(count), begin, int(when) if what == "end" else None)
    return spans


def most_at_once(spans, killed, name):
    """The most slots of ``name`` held at one moment; a killed process held its own until it was killed, or later."""
    events = []
    for (other, pid), (count, begin, end) in spans.items():
        if other == name:
            events += [(begin, 1, count), (end if end is not None else killed[pid], 0, -count)]  # ends come first
    held = most = 0
    for _, _, change in sorted(events):
        held += change
        most = max(most, held)
    return most


@pytest.mark.slow
@pytest.mark.parametrize(("each", "counts"), [(1, (1,)), (3, (1, 2, 3))])
def test_forty_processes_some_of_them_killed(tmp_path, each, counts):
    """On four names, 40 jobs: never more on one than it has slots, and every job that nobody kills has its turn."""
    draw = random.Random(0)
    victims = draw.sample(range(40), 10)  # each holds its slots until it is killed
    jobs = [
        FORK.Process(target=work, args=(tmp_path, counts[n % len(counts)], each, 600 if n in victims else 0.05))
        for n in range(40)
    ]
    killed = {}

    def kill(pid):
        killed[pid] = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)

    try:
        for job in jobs:
            job.start()
        anywhere, holding = ({jobs[n].pid for n in some} for some in (victims[:4], victims[4:]))
        end = time.monotonic() + 60
        while (anywhere or holding) and time.monotonic() < end:
            time.sleep(0.1 * draw.random())
            if anywhere:
                kill(anywhere.pop())
            for pid in {pid for _, pid in read_log(tmp_path)} & holding:
                holding.remove(pid)
                kill(pid)
        for job in jobs:
            job.join(timeout=60)
    finally:
        for job in jobs:
            if job.pid is not None:
                job.kill()
                job.join()
    spans = read_log(tmp_path)
    assert len(killed) == 10
    ended = {pid for (_, pid), (_, _, end) in spans.items() if end is not None}
    assert ended == {job.pid for job in jobs} - killed.keys()
    assert [job.exitcode for job in jobs if job.pid in ended] == [0] * 30
    assert max(most_at_once(spans, killed, name) for name in POOL) == each


def test_an_empty_name_comes_before_a_shared_one(tmp_path):
    with hold_slots(["a", "b"], tmp_path, 2) as first, hold_slots(["a", "b"], tmp_path, 2) as second:
        assert (first, second) == ("a", "b")
        with hold_slots(["a", "b"], tmp_path, 2) as third, hold_slots(["a", "b"], tmp_path, 2) as fourth:
            assert (third, fourth) == ("a", "b")


def test_both_slots_are_of_one_name(tmp_path, capsys):
    """One slot is free on each of two names, so a job that wants two of one waits for one of them."""
    got = []

    def wait():
        with hold_slots(["a", "b"], tmp_path, 2, 2, poll_seconds=0.01) as name:
            got.append(name)

    with hold_slots(["a", "b"], tmp_path, 2):
        with hold_slots(["a", "b"], tmp_path, 2):
            thread = threading.Thread(target=wait, daemon=True)
            thread.start()
            time.sleep(0.1)
            assert got == []
        thread.join(timeout=30)
    assert got == ["b"]
    assert capsys.readouterr().err == "all 4 slots are taken; waiting for 2\n"


def refused(folder, fault):
    with pytest.raises(UserError, match=fault) as error, hold_slots(["a"], folder):
        pass
    assert str(error.value).startswith(f"{folder}: must be a folder of yours") and "\n" not in str(error.value)


def test_a_new_folder_is_for_its_owner_alone(tmp_path):
    with hold_slots(["a"], tmp_path / "locks"):
        assert (tmp_path / "locks").stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in (tmp_path / "locks").iterdir()} == {0o600}


def test_a_folder_that_is_a_link_is_refused(tmp_path):
    """Another user could have made it, to let our jobs write elsewhere."""
    (tmp_path / "private").mkdir()
    (tmp_path / "locks").symlink_to(tmp_path / "private")
    refused(tmp_path / "locks", "is not")
    assert not list((tmp_path / "private").iterdir())
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    refused(tmp_path / "dangling", "is not")
    (tmp_path / "file").touch()
    refused(tmp_path / "file", "is not")


@pytest.mark.parametrize("mode", [0o777, 0o720, 0o1777])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path, mode):
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks").chmod(mode)
    refused(tmp_path / "locks", "but others may write to it; have it removed")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path):
    (tmp_path / "locks").mkdir(mode=0o700)
    os.chown(tmp_path / "locks", 12345, 12345)
    refused(tmp_path / "locks", "but it belongs to user 12345; have it removed")


@pytest.mark.parametrize("name", ["search.lock", "a-0.lock"])
def test_a_lock_that_is_a_link_is_not_followed_and_none_is_emptied(tmp_path, name):
    (tmp_path / "diary").write_text("private")
    (tmp_path / "locks").mkdir(mode=0o700)
    (tmp_path / "locks" / name).symlink_to(tmp_path / "diary")
    with pytest.raises(OSError, match="Too many levels of symbolic links"), hold_slots(["a"], tmp_path / "locks"):
        pass
    (tmp_path / "locks" / name).unlink()
    os.link(tmp_path / "diary", tmp_path / "locks" / name)
    with hold_slots(["a"], tmp_path / "locks"):
        pass
    assert (tmp_path / "diary").read_text() == "private"


def test_the_second_is_told_who_holds_it_and_gets_it_after_the_first(tmp_path):
    path = tmp_path / "new" / "a.lock"
    assert not is_held(path)
    with locked(path, "the kettle is being used"):
        assert is_held(path)
        with pytest.raises(UserError, match=rf"a.lock: the kettle is being used by process {os.getpid()} on "):
            locked(path, "the kettle is being used")
    assert not is_held(path)
    locked(path, "the kettle is being used").close()


def test_only_one_leaves_nothing_behind(tmp_path):
    with only_one(tmp_path / "a.lock", "it is being used"):
        assert is_held(tmp_path / "a.lock")
        with pytest.raises(UserError, match="it is being used by"), only_one(tmp_path / "a.lock", "it is being used"):
            pass
        assert is_held(tmp_path / "a.lock")
    assert not list(tmp_path.iterdir())


def test_in_turn_waits_for_the_first(tmp_path):
    order = []

    def second():
        with in_turn(tmp_path / "a.lock"):
            order.append("second")

    with in_turn(tmp_path / "a.lock"):
        thread = threading.Thread(target=second, daemon=True)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join(timeout=30)
    assert order == ["first", "second"]


@pytest.mark.parametrize("take", [in_turn, lambda path: only_one(path, "busy")])
def test_a_file_system_without_locks_stops_nobody(tmp_path, monkeypatch, take):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with take(tmp_path / "a.lock"), take(tmp_path / "a.lock"):
        assert not is_held(tmp_path / "a.lock")
