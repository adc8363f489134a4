"""Unpacking archives that strangers made."""

import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from soundclr.datasets.folders import atomic_folder
from soundclr.errors import UserError
from soundclr.files import reason

Member = tuple[str, IO[bytes] | None]  # name in the archive, contents (None for a folder)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive (also .gz, .bz2, .xz) as ``folder``, which appears whole or not at all.

    Modes, owners and times of the members are not kept.

    Raises:
        UserError: the archive is truncated or damaged, or a member is unsafe: an absolute path, one with
            ``..``, a link, or a device.
    """
    try:
        with atomic_folder(folder) as temporary:
            for name, contents in _members(archive):
                _write_member(temporary / _safe(name, archive), contents)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        RuntimeError,
        ValueError,
    ) as error:
        raise _damaged(archive, error) from error
    except OSError as error:
        if error.errno is None:  # gzip's and bz2's way to say it
            raise _damaged(archive, error) from error
        raise UserError(f"{archive} cannot be unpacked as {folder} ({reason(error)})") from error


def _damaged(archive: Path, error: Exception) -> UserError:
    return UserError(f"{archive} is truncated or damaged ({error}): delete it, and the same command fetches it again")


def _members(archive: Path) -> Iterator[Member]:
    if zipfile.is_zipfile(archive):
        return _zip_members(archive)
    if tarfile.is_tarfile(archive):
        return _tar_members(archive)
    raise UserError(
        f"{archive} is no zip or tar archive, or a truncated one: delete it, and the same command fetches it again"
    )


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _unsafe(archive, member.filename, "is a link or a device")
            if member.is_dir():
                yield member.filename, None
            else:
                with file.open(member) as contents:
                    yield member.filename, contents


def _tar_members(archive: Path) -> Iterator[Member]:
    # Not extractall(filter="data"): Python 3.11 has it only from 3.11.4 on, and Debian 12 ships 3.11.2.
    with tarfile.open(archive) as file:
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
    return UserError(f"{archive} is not unpacked: its member {name!r} {why}")


def _write_member(path: Path, contents: IO[bytes] | None) -> None:
    if contents is None:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as output:
        shutil.copyfileobj(contents, output)
