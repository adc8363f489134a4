"""File locks for processes that share something. The kernel frees them when their holder ends in any way.

- :func:`only_one`: a second process gets an error that names the first (the training of a run).
- :func:`in_turn`: a second process waits for the first (the download of an archive).
- :func:`hold_slots`: as many processes as there are slots; others wait (the GPUs of a machine).
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
    """Hold the lock file ``path`` during the block and remove it afterwards; see :func:`locked`."""
    file = locked(path, busy)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def locked(path: Path, busy: str) -> IO[str]:
    """Open the file at ``path`` and lock it until it is closed.

    If another process holds it, raises UserError with ``busy`` and the holder. On a file system without locks, every
    process gets it.
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
        file = open(path, "a+")  # noqa: SIM115 - the caller closes it, which frees the lock
        with contextlib.suppress(OSError):  # some network file systems have no locks
            if not _lock(file.fileno()):
                if _lock(file.fileno(), fcntl.LOCK_SH):  # another process only checks, as is_held does, and ends soon
                    file.close()
                    time.sleep(0.01)
                    continue
                file.seek(0)
                raise Busy(f"{path}: {busy} by {file.read() or 'another process'}; wait for it or end it")
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # its holder has removed it meanwhile


def is_held(path: Path) -> bool:
    """Whether another process holds the lock file ``path``; checking does not keep others from taking it."""
    try:
        with open(path, opener=regular) as file:
            return not _lock(file.fileno(), fcntl.LOCK_SH)
    except OSError:  # the file is missing, or the file system has no locks
        return False


@contextlib.contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Wait for the lock file ``path`` and hold it during the block; the file stays."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "w")  # noqa: SIM115 - closed below
    with file:
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def hold_slots(
    names: Sequence[str], folder: Path, each: int = 1, count: int = 1, what: str = "slots", poll_seconds: float = 1.0
) -> Iterator[str]:
    """Hold ``count`` of the ``each`` slots of one of ``names``, and yield that name.

    All jobs with the same ``folder`` share the pool. The name with most free slots is taken, the first of equals. If
    none has enough, this prints a line that calls the pool ``what``, and waits. ``count`` must not exceed ``each``:
    such a job would wait forever. Raises UserError for a folder that others can write to.
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
    """Make ``folder`` if needed, and return its descriptor; it must be a real folder that only we can write to.

    In a place like /tmp, another user could have made it first, with links to our files in it.
    """
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise UserError(f"{folder}: must be a folder of yours, for locks, but is not ({error.strerror})") from error
    status = os.fstat(place)
    if status.st_uid == os.getuid() and not status.st_mode & 0o022:
        return place
    os.close(place)
    fault = "others may write to it" if status.st_uid == os.getuid() else f"it belongs to user {status.st_uid}"
    raise UserError(f"{folder}: must be a folder of yours alone, for locks, but {fault}; have it removed")


def _search(names: Sequence[str], place: int, each: int, count: int) -> tuple[str, list[int]] | None:
    """The name with most free slots, and ``count`` of its locks, held; None if none has enough."""
    turn = _open_slot("search.lock", place)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)  # one search at a time, because it briefly locks slots that it does not keep
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
    """Lock the free ones of these lock files; returns their descriptors, and closing one frees the slot."""
    slots = []
    for name in names:
        slot = _open_slot(name, place)
        if _lock(slot):
            slots.append(slot)
        else:
            os.close(slot)
    return slots


def _open_slot(name: str, place: int) -> int:
    """Open the lock file ``name`` in the folder ``place``; it is made if needed, and links are not followed."""
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=place)


def _lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file until it is closed; False if another process holds it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
