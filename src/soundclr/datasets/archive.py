"""Unpacks archives from untrusted sources."""

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from soundclr.errors import UserError
from soundclr.machine.files import atomic_folder, reason

Member = tuple[str, IO[bytes] | None]  # name in the archive, contents (None for a folder)

CHUNK = 1 << 14  # bytes read at a time, and the limit for a tar header: Python takes seconds to parse a huge one
MEMBER = 1 << 14  # bytes that each member counts besides its own: ext4 has one inode per 16 KiB
LIST = 1 << 24  # the most bytes of a zip's list of members, about 100,000 members
REMEDY = "delete it, and the same command fetches it again"
# What the libraries raise for a damaged archive
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError)
# The first bytes of a compressed file -> how to open it
COMPRESSED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}


def unpack(archive: Path, folder: Path, max_bytes: int) -> None:
    """Unpack a zip or tar archive (also .gz, .bz2, .xz) to ``folder``, completely or not at all.

    The members' modes, owners and times are not kept.

    Raises:
        UserError: the archive is truncated or damaged, a member is unsafe (an absolute path, one with ``..``, a
            link, or a device), or the members take more than ``max_bytes``, counting ``MEMBER`` more bytes for each.
    """
    try:
        with atomic_folder(folder) as temporary:
            room = max_bytes
            for name, contents in _members(archive):
                room -= MEMBER
                room -= _write_member(temporary / _safe(name, archive), contents, room)
                if room < 0:
                    raise UserError(
                        f"{archive} is not unpacked: its members take more than the {max_bytes:,} bytes that "
                        f"`max_bytes` in params.yaml allows (each counts {MEMBER:,} besides its own): raise that if "
                        f"the archive is right, or {REMEDY}"
                    )
    except (OSError, *DAMAGED) as error:
        if isinstance(error, OSError) and error.errno is not None:  # gzip and bz2 raise one without for damaged files
            raise UserError(f"{archive} cannot be unpacked as {folder} ({reason(error)})") from error
        raise UserError(
            f"{archive} is not a zip or tar archive, or it is truncated or damaged ({error}): {REMEDY}"
        ) from error


class _Frugal(io.BufferedReader):
    """A file that refuses to read more than ``most`` bytes at once.

    The libraries read a header at once, even one with 10 GB of zeros.
    """

    def __init__(self, raw: Any, most: int) -> None:
        super().__init__(raw)
        self.most = most

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does; ValueError for more than ``most`` bytes."""
        content = super().read(self.most + 1 if size is None or size < 0 else min(size, self.most + 1))
        if len(content) > self.most:
            raise ValueError(f"a header or a list of more than {self.most:,} bytes")
        return content


def _members(archive: Path) -> Iterator[Member]:
    with open(archive, "rb") as file:
        start = file.read(8)
    if zipfile.is_zipfile(archive):
        yield from _zip_members(archive)
    else:
        uncompress = next((uncompress for magic, uncompress in COMPRESSED.items() if start.startswith(magic)), open)
        with uncompress(archive, "rb") as stream, _Frugal(stream, CHUNK) as file:
            yield from _tar_members(archive, file)


def _zip_members(archive: Path) -> Iterator[Member]:
    with _Frugal(io.FileIO(archive), LIST) as stream, zipfile.ZipFile(stream) as file:
        for member in file.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _unsafe(archive, member.filename, "is a link or a device")
            if member.is_dir():
                yield member.filename, None
            else:
                with file.open(member) as contents:
                    yield member.filename, contents


def _tar_members(archive: Path, stream: IO[bytes]) -> Iterator[Member]:
    # Not extractall(filter="data"): Python 3.11 has it only from 3.11.4 on, and Debian 12 ships 3.11.2.
    with tarfile.TarFile(fileobj=stream) as file:
        for member in file:
            if not (member.isreg() or member.isdir()):
                raise _unsafe(archive, member.name, "is a link or a device")
            yield member.name, file.extractfile(member)


def _safe(name: str, archive: Path) -> str:
    if name.startswith(("/", "\\")):
        raise _unsafe(archive, name, "has an absolute path")
    if ".." in re.split(r"[/\\]", name):
        raise _unsafe(archive, name, "leads out of the folder")
    return name


def _unsafe(archive: Path, name: str, why: str) -> UserError:
    return UserError(f"{archive} is not unpacked: its member {name!r} {why}: {REMEDY}")


def _write_member(path: Path, contents: IO[bytes] | None, room: int) -> int:
    """Write a folder or a file and return its bytes; it stops writing a file when that exceeds ``room``."""
    if contents is None:
        path.mkdir(parents=True, exist_ok=True)
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with open(path, "wb") as output:
        while size <= room and (chunk := contents.read(CHUNK)):
            size += output.write(chunk)
    return size
