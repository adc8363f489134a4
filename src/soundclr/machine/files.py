"""Files and folders that are written whole or not at all, and the hashes that name their contents."""

import csv
import errno
import fcntl
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from soundclr.errors import UserError

PARTIAL = ".partial-"
"""What the names of temporary files begin with; .gitignore and .dvcignore leave them out."""
LARGEST = 1 << 26  # bytes of a list, a table or a record that are read: a million lines


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it there when the block ends well, delete it when not.

    The rename happens after an fsync, so a reader, or a machine that loses power, sees the old file or
    the new one, never a part. The temporary name ends as ``path`` does, by which some writers choose a format.
    What killed processes left unfinished in the folder is cleared first.
    Raises UserError where that cannot be: a full disk, a folder that is not writable.
    """
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in path.parent.glob(f"{PARTIAL}*"):
            clear_if_abandoned(leftover)
        temporary = path.with_name(f"{PARTIAL}{secrets.token_hex(4)}-{path.name}")
        try:
            with locked(temporary) as file:
                yield temporary
                os.fsync(file.fileno())
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def locked(temporary: Path) -> Iterator[IO[bytes]]:
    """A new temporary file that is its own lock, open for as long as somebody writes it."""
    while True:
        with open(temporary, "xb") as file:
            with suppress(OSError):  # no locks there, on some network file systems: then nobody clears anything
                fcntl.flock(file, fcntl.LOCK_EX)
            if temporary.exists():
                yield file
                return
        # somebody took it for abandoned before it was locked


def clear_if_abandoned(leftover: Path) -> None:
    """Delete a temporary file that nobody writes any more: the kernel has freed its lock, however the writer ended."""
    with suppress(OSError), open(leftover, "rb+") as file:  # to write: NFS locks only those
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        leftover.unlink()


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``folder``; give it that name when the block ends well.

    A folder that already has the name is replaced. When the block fails, the temporary folder is deleted
    and the old one stays. What a killed process left behind is cleared by the next call.
    """
    temporary = folder.with_name(f".{folder.name}.partial")
    outdated = folder.with_name(f".{folder.name}.outdated")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(outdated, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if folder.exists():
            folder.rename(outdated)  # a delete can be cut short, a rename cannot
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(outdated, ignore_errors=True)


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
    check_text(text, f"{path}: cannot be written")
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode())


def check_text(text: str, place: str) -> None:
    """Raise UserError for half of a surrogate pair: an escape in JSON or YAML makes one, and no file can hold it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - 20) : error.end + 20]
        raise UserError(f"{place}: {near!r} has half of a character (a lone surrogate), which is no text") from error


def to_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV text with Unix line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, keys in the order given, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, remedy: str = "", most: int = LARGEST) -> Any:
    """Read a JSON file of at most so many bytes.

    One that is missing, larger or not JSON is a :class:`UserError` that names it and the ``remedy``.
    """
    try:
        return json.loads(read_regular(path, most).decode())
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


ADDED = ("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "@eadir", "lost+found")
"""What systems put among a user's files, in small letters: macOS, Windows, network storages, file systems."""


def visible(folder: Path) -> list[Path]:
    """What a user put into a folder: what is neither hidden nor a system's own."""
    return [path for path in folder.iterdir() if not path.name.startswith(".") and path.name.lower() not in ADDED]


def refuse_irregular(paths: Iterable[Path | str]) -> None:
    """Raise UserError for a path at which there is something, but no file: a folder, a FIFO, a device."""
    for path in paths:
        if os.path.exists(path) and not os.path.isfile(path):
            raise UserError(f"{path}: is no file but a folder, a pipe or a device; move it away")


def read_regular(path: Path, most: int = LARGEST) -> bytes:
    """What a regular file of at most so many bytes holds; an OSError for anything else."""
    with open(path, "rb", opener=regular) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"Is larger than {most:,} bytes, which is too much for what it should be", str(path))
    return content


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb", opener=regular) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_json(value: Any) -> str:
    """The SHA-256 of ``value`` as canonical JSON: sorted keys, no spaces."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def record_of(path: Path) -> Path:
    """Where the SHA-256 of a file stands whose source gives none: beside it, as ``sha256sum`` writes it."""
    return path.with_name(path.name + ".sha256")


def recorded_sha256(path: Path) -> str | None:
    """What :func:`record_of` has of a file, or None without a record; UserError for one that is damaged."""
    place = record_of(path)
    if not place.is_file():
        return None
    match = re.match(r"[0-9a-f]{64}\b", place.read_text(errors="replace"))
    if match is None:
        raise UserError(f"{place}: is no record of a SHA-256, 64 digits and a file's name; delete it")
    return match[0]
