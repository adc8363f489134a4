"""Slots that the jobs of one machine share: a lock on a file each, which the kernel opens however its holder ends."""

import contextlib
import fcntl
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def hold(
    names: Sequence[str], folder: Path, each: int = 1, count: int = 1, what: str = "slots", poll_seconds: float = 1.0
) -> Iterator[str]:
    """Hold ``count`` of the ``each`` slots that one of ``names`` has, and yield that name.

    All jobs that give the same ``folder`` share the pool; the name with most free slots is taken, the first of equals.
    Where none has enough of them this waits, after one line on standard error that calls the pool ``what``. ``count``
    may not exceed ``each``: such a job would wait for ever.
    """
    assert names and 1 <= count <= each
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    waiting = False
    while not (found := search(names, folder, each, count)):
        if not waiting:
            print(f"all {len(names) * each} {what} are taken; waiting for {count}", file=sys.stderr, flush=True)
            waiting = True
        time.sleep(poll_seconds)
    name, files = found
    try:
        yield name
    finally:
        for file in files:
            file.close()


def search(names: Sequence[str], folder: Path, each: int, count: int) -> tuple[str, list[IO[str]]] | None:
    """The name with most free slots and ``count`` of their files, locked; None where none has so many."""
    with open(folder / "search.lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # one search at a time, for it locks for a moment what it does not keep
        free = {name: free_slots([folder / f"{name}-{n}.lock" for n in range(each)]) for name in names}
        best = max(names, key=lambda name: len(free[name]))
        enough = len(free[best]) >= count
        for name in names:
            for file in free[name][count if enough and name == best else 0 :]:
                file.close()
        return (best, free[best][:count]) if enough else None


def free_slots(paths: Sequence[Path]) -> list[IO[str]]:
    """Those of the files that nobody has locked, open and locked now."""
    files: list[IO[str]] = []
    for path in paths:
        file = open(path, "w")  # noqa: SIM115 - closed by who asked: closing is what gives the slot back
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
        else:
            files.append(file)
    return files
