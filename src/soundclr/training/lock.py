"""One training of a run at a time: one that outlived its killed workflow and its successor would spoil each other."""

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
    """Hold the lock file ``path`` in the block, and remove it afterwards. However a holder ends, the lock is free.

    Raises UserError that names the holder where another process holds it. On a file system without locks it is held
    by anybody.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = locked(path)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def locked(path: Path) -> IO[str]:
    """The file at ``path``, locked."""
    while True:
        file = open(path, "a+")  # noqa: SIM115 - closed by who asked: closing is what frees it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise UserError(
                f"{path}: this run is being trained by {file.read() or 'another process'}; wait for it, or end it"
            ) from error
        except OSError:  # no locks there: some network file systems
            return file
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # whoever held it has removed it meanwhile
