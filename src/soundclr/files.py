"""Files that are written whole or not at all, and the hashes that name their contents."""

import csv
import errno
import hashlib
import io
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from soundclr.errors import UserError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it there when the block ends well, delete it when not.

    The rename happens after an fsync, so a reader, or a machine that loses power, sees the old file or
    the new one, never a part. The temporary name keeps the suffix, which some writers choose a format by.
    Raises UserError where that cannot be: a full disk, a folder that is not writable.
    """
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A failure to write ``path`` in the block becomes a :class:`UserError`: what, where, what to do."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        cause = error if isinstance(error, OSError) else error.__context__  # PyTorch's writer hides a full disk
        if not isinstance(cause, OSError):
            raise
        raise UserError(f"{path}: cannot be written ({reason(cause)})") from error


def reason(error: OSError) -> str:
    """What the system says, and what helps."""
    said = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{said}: free some space, then run the same command"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"{said}: change its permissions, or choose another folder"
    return said


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, in UTF-8 with the line ends it has."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode())


def to_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV text with Unix line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, keys in the order given, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, remedy: str = "") -> Any:
    """Read a JSON file; one that is missing or not JSON is a :class:`UserError` that names it and the ``remedy``."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read as JSON ({error}){remedy and f'; {remedy}'}") from error


def regular(path: str, flags: int) -> int:
    """An opener for :func:`open` that refuses, by an OSError, what is no file: reading a FIFO could wait for ever."""
    handle = os.open(path, flags | os.O_NONBLOCK)  # else opening it would wait already
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):  # a folder is refused by open itself
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "Is not a regular file", path)


def read_regular(path: Path) -> bytes:
    """What a regular file holds; an OSError for anything else."""
    with open(path, "rb", opener=regular) as file:
        return file.read()


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb", opener=regular) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_json(value: Any) -> str:
    """The SHA-256 of ``value`` as canonical JSON: sorted keys, no spaces."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
