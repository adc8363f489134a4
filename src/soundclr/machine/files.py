"""Writes files and folders completely or not at all, and hashes their contents."""

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
"""The prefix of temporary files; .gitignore and .dvcignore leave them out."""
LARGEST = 1 << 26  # the most bytes to read of a list, a table or a record: a million lines


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` after the block, or delete it if the block fails.

    The rename follows an fsync, so a reader, or a machine that loses power, sees the old file or the new one, never a
    part. The temporary name has the suffix of ``path``, by which some writers choose a format. Unfinished files of
    killed processes in the folder are deleted first.
    Raises UserError if the file cannot be written, for example on a full disk.
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
    """Make a temporary file, and hold a lock on it while it is written."""
    while True:
        with open(temporary, "xb") as file:
            with suppress(OSError):  # some network file systems have no locks; then nothing is cleared
                fcntl.flock(file, fcntl.LOCK_EX)
            if temporary.exists():
                yield file
                return
        # another process deleted it as abandoned before it was locked


def clear_if_abandoned(leftover: Path) -> None:
    """Delete a temporary file if its writer has ended, which has freed its lock."""
    with suppress(OSError), open(leftover, "rb+") as file:  # opened for writing because NFS locks only such files
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        leftover.unlink()


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside ``folder``; rename it to ``folder`` after the block.

    An existing folder is replaced. If the block fails, the temporary folder is deleted and the old one stays. The next
    call removes what a killed process left.
    """
    temporary = folder.with_name(f".{folder.name}.partial")
    outdated = folder.with_name(f".{folder.name}.outdated")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(outdated, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if folder.exists():
            folder.rename(outdated)  # a deletion can be interrupted, a rename cannot
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(outdated, ignore_errors=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure to write ``path`` in the block into a :class:`UserError`."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        # PyTorch's writer hides the error of a full disk
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        raise UserError(f"{path}: cannot be written ({reason(cause)})") from error


def reason(error: OSError) -> str:
    """The system's message, and what to do."""
    message = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{message}: free some space, then run the same command"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"{message}: change its permissions, or choose another folder"
    return message


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, in UTF-8 with unchanged line ends."""
    check_text(text, f"{path}: cannot be written")
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode())


def check_text(text: str, place: str) -> None:
    """Raise UserError for a lone surrogate, which an escape in JSON or YAML can produce but no file can contain."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - 20) : error.end + 20]
        raise UserError(f"{place}: {near!r} has half of a character (a lone surrogate), which is not text") from error


def to_csv(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV text with Unix line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def read_text(path: Path, remedy: str) -> str:
    """Read a UTF-8 file; UserError, with ``remedy``, if it is missing or not text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        detail = reason(error) if isinstance(error, OSError) else error
        raise UserError(f"{path}: cannot be read ({detail}); {remedy}") from error


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` atomically as :func:`json_text`."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Indented JSON with unchanged order of keys."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path, remedy: str = "", most: int = LARGEST) -> Any:
    """Read a JSON file of at most ``most`` bytes; UserError, with ``remedy``, if it is missing, larger or not JSON."""
    try:
        return json.loads(read_regular(path, most).decode())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read as JSON ({error}){remedy and f'; {remedy}'}") from error


def regular(path: str, flags: int) -> int:
    """An opener for :func:`open` that raises OSError for FIFOs and devices; reading a FIFO could wait forever."""
    handle = os.open(path, flags | os.O_NONBLOCK)  # otherwise opening a FIFO would wait
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):  # open itself refuses a folder
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "Is not a regular file", path)


ADDED = ("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "@eadir", "lost+found")
"""Lower-case names of files that macOS, Windows, network storages and file systems add."""


def visible(folder: Path) -> list[Path]:
    """A user's files in a folder: those that are neither hidden nor added by a system."""
    return [path for path in folder.iterdir() if not path.name.startswith(".") and path.name.lower() not in ADDED]


def refuse_irregular(paths: Iterable[Path | str]) -> None:
    """Raise UserError for paths that exist but are not files: folders, FIFOs, devices."""
    for path in paths:
        if os.path.exists(path) and not os.path.isfile(path):
            raise UserError(f"{path}: is not a file but a folder, a pipe or a device; move it away")


def read_regular(path: Path, most: int = LARGEST) -> bytes:
    """Read a regular file of at most ``most`` bytes; OSError for anything else."""
    with open(path, "rb", opener=regular) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"Is larger than {most:,} bytes, the limit for such a file", str(path))
    return content


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with open(path, "rb", opener=regular) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_json(value: Any) -> str:
    """The SHA-256 of ``value`` as canonical JSON: sorted keys, no spaces."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def record_of(path: Path) -> Path:
    """The file beside ``path`` that records its SHA-256, in the format of ``sha256sum``, if its source gives none."""
    return path.with_name(path.name + ".sha256")


def recorded_sha256(path: Path) -> str | None:
    """The SHA-256 in :func:`record_of` ``path``, or None without a record; UserError for a damaged record."""
    place = record_of(path)
    if not place.is_file():
        return None
    match = re.match(r"[0-9a-f]{64}\b", place.read_text(errors="replace"))
    if match is None:
        raise UserError(f"{place}: does not have a SHA-256, 64 digits, and a file's name; delete it")
    return match[0]
