"""One process at a time: two trainings of a run, or two workflows in a folder, would spoil each other's work."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from soundclr.errors import UserError
from soundclr.files import writing


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` of a training in the block, and remove it afterwards; see :func:`locked`."""
    file = locked(path, "this run is being trained")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def locked(path: Path, busy: str) -> IO[str]:
    """The file at ``path``, locked until it is closed: however its holder ends, the lock is free.

    Raises UserError, which says what is ``busy`` and names the holder, where another process holds it. On a file
    system without locks it is held by anybody.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = opened(path, busy)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
    return file


def opened(path: Path, busy: str) -> IO[str]:
    """The file at ``path``, open and locked."""
    while True:
        file = open(path, "a+")  # noqa: SIM115 - closed by who asked: closing is what frees it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise UserError(f"{path}: {busy} by {file.read() or 'another process'}; wait for it, or end it") from error
        except OSError:  # no locks there: some network file systems
            return file
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # whoever held it has removed it meanwhile


def is_held(path: Path) -> bool:
    """Whether another process holds the lock file ``path`` just now."""
    try:
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # it is not there, or no locks are
        return False
    return False
