"""Locks on files, by which processes take turns. The kernel frees them, however their holder ends.

- :func:`only_one`: the first process works, a second one is told who does (a training of a run).
- :func:`in_turn`: a second process waits for the first (the download of an archive).
- :func:`hold_slots`: as many processes as there are slots, others wait (the GPUs of a machine).
"""

import contextlib
import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from soundclr.errors import Busy, UserError
from soundclr.machine.files import regular, writing


@contextlib.contextmanager
def only_one(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock file ``path`` in the block, and remove it afterwards; see :func:`locked`."""
    file = locked(path, busy)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def locked(path: Path, busy: str) -> IO[str]:
    """The file at ``path``, locked until it is closed.

    Raises UserError, which says what is ``busy`` and names the holder, where another process holds it. On a file
    system without locks it is held by anybody.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _opened(path, busy)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
    return file


def _opened(path: Path, busy: str) -> IO[str]:
    """The file at ``path``, open and locked."""
    while True:
        file = open(path, "a+")  # noqa: SIM115 - closed by who asked: closing is what frees it
        with contextlib.suppress(OSError):  # no locks there: some network file systems
            if not _lock(file.fileno()):
                if _lock(file.fileno(), fcntl.LOCK_SH):  # somebody only looks, as is_held does, and is soon gone
                    file.close()
                    time.sleep(0.01)
                    continue
                file.seek(0)
                raise Busy(f"{path}: {busy} by {file.read() or 'another process'}; wait for it, or end it")
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # whoever held it has removed it meanwhile


def is_held(path: Path) -> bool:
    """Whether another process holds the lock file ``path`` just now; asking keeps nobody from taking it."""
    try:
        with open(path, opener=regular) as file:
            return not _lock(file.fileno(), fcntl.LOCK_SH)
    except OSError:  # it is not there, or no locks are
        return False


@contextlib.contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` in the block, which begins once nobody else does; the file stays."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "w")  # noqa: SIM115 - closed below
    with file:
        with contextlib.suppress(OSError):  # no locks there: some network file systems
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def hold_slots(
    names: Sequence[str], folder: Path, each: int = 1, count: int = 1, what: str = "slots", poll_seconds: float = 1.0
) -> Iterator[str]:
    """Hold ``count`` of the ``each`` slots that one of ``names`` has, and yield that name.

    All jobs that give the same ``folder`` share the pool; the name with most free slots is taken, the first of equals.
    Where none has enough of them this waits, after one line on standard error that calls the pool ``what``. ``count``
    may not exceed ``each``: such a job would wait for ever. Raises UserError for a folder that others have a hand in.
    """
    assert names and 1 <= count <= each
    waiting = False
    with contextlib.ExitStack() as held:
        place = _private_folder(folder)
        held.callback(os.close, place)
        while not (found := _search(names, place, each, count)):
            if not waiting:
                print(f"all {len(names) * each} {what} are taken; waiting for {count}", file=sys.stderr, flush=True)
                waiting = True
            time.sleep(poll_seconds)
        name, slots = found
        for slot in slots:
            held.callback(os.close, slot)
        yield name


def _private_folder(folder: Path) -> int:
    """A descriptor of ``folder``, which is made where there is none: a real one, ours, that nobody else can write to.

    Where anybody may make folders, as in /tmp, another user could have made it first, with links in it to our files.
    """
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise UserError(f"{folder}: must be a folder of yours, for locks, and is not ({error.strerror})") from error
    status = os.fstat(place)
    if status.st_uid == os.getuid() and not status.st_mode & 0o022:
        return place
    os.close(place)
    fault = "others may write to it" if status.st_uid == os.getuid() else f"it belongs to user {status.st_uid}"
    raise UserError(f"{folder}: must be a folder of yours alone, for locks, but {fault}; have it removed")


def _search(names: Sequence[str], place: int, each: int, count: int) -> tuple[str, list[int]] | None:
    """The name with most free slots and ``count`` of their locks, held; None where none has so many."""
    turn = _open_slot("search.lock", place)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)  # one search at a time, for it locks for a moment what it does not keep
        free = {name: _free_slots([f"{name}-{n}.lock" for n in range(each)], place) for name in names}
        best = max(names, key=lambda name: len(free[name]))
        enough = len(free[best]) >= count
        for name in names:
            for slot in free[name][count if enough and name == best else 0 :]:
                os.close(slot)
    finally:
        os.close(turn)
    return (best, free[best][:count]) if enough else None


def _free_slots(names: Sequence[str], place: int) -> list[int]:
    """Those of the lock files that nobody holds, as descriptors that hold them now: closing one gives the slot back."""
    slots = []
    for name in names:
        slot = _open_slot(name, place)
        if _lock(slot):
            slots.append(slot)
        else:
            os.close(slot)
    return slots


def _open_slot(name: str, place: int) -> int:
    """A descriptor of the lock file ``name`` in the folder ``place``, made where there is none; no link is followed."""
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=place)


def _lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file until it is closed, if nobody else holds it; False if somebody does."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
