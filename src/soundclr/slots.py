"""Slots that the jobs of one machine share: a lock on a file each, which the kernel opens however its holder ends."""

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from soundclr.errors import UserError


@contextlib.contextmanager
def hold(
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
        place = private_folder(folder)
        held.callback(os.close, place)
        while not (found := search(names, place, each, count)):
            if not waiting:
                print(f"all {len(names) * each} {what} are taken; waiting for {count}", file=sys.stderr, flush=True)
                waiting = True
            time.sleep(poll_seconds)
        name, slots = found
        for slot in slots:
            held.callback(os.close, slot)
        yield name


def private_folder(folder: Path) -> int:
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


def search(names: Sequence[str], place: int, each: int, count: int) -> tuple[str, list[int]] | None:
    """The name with most free slots and ``count`` of their locks, held; None where none has so many."""
    turn = open_lock("search.lock", place)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)  # one search at a time, for it locks for a moment what it does not keep
        free = {name: free_slots([f"{name}-{n}.lock" for n in range(each)], place) for name in names}
        best = max(names, key=lambda name: len(free[name]))
        enough = len(free[best]) >= count
        for name in names:
            for slot in free[name][count if enough and name == best else 0 :]:
                os.close(slot)
    finally:
        os.close(turn)
    return (best, free[best][:count]) if enough else None


def free_slots(names: Sequence[str], place: int) -> list[int]:
    """Those of the lock files that nobody holds, as descriptors that hold them now: closing one gives the slot back."""
    slots = []
    for name in names:
        slot = open_lock(name, place)
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(slot)
        else:
            slots.append(slot)
    return slots


def open_lock(name: str, place: int) -> int:
    """A descriptor of the lock file ``name`` in the folder ``place``, made where there is none; no link is followed."""
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=place)
