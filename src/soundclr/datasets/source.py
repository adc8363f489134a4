"""The source of a dataset: the folder of its published clips, unpacked from their archive, or your own copy.

Your own copy is used in place: set the mirror (``--mirror`` or SOUNDCLR_MIRROR) to the folder that contains it under
the archive's name without its suffix (``ESC-50-master``, ``UrbanSound8K``), or to that folder itself. A link also
works, for a copy with another name.
"""

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from soundclr.datasets.archive import unpack
from soundclr.datasets.download import Source, obtain, record
from soundclr.errors import UserError
from soundclr.machine.files import reason, visible
from soundclr.machine.locks import in_turn
from soundclr.params import DatasetSettings

UNPACKED = "unpacked"  # links to the archive's contents or to a mirror's, below the dataset's folder


@contextlib.contextmanager
def source_folder(
    name: str,
    settings: DatasetSettings,
    data: Path,
    mirror: Path | None,
    copies: Sequence[str] = (),
    topless: bool = False,
) -> Iterator[Path]:
    """Yield the folder to which the clips' paths are relative, so that the caller can check the clips.

    It is ``data/<name>/unpacked``, or its only folder. If it exists, nothing is fetched or unpacked. Otherwise it
    becomes a link to a copy in the mirror, or to the unpacked archive, which all datasets from that archive share. The
    archive is kept as ``data/downloads/<file>``; its hash is recorded after the caller's checks.

    ``copies`` are the possible paths of an unpacked copy in a mirror, first the name of the archive's top folder; by
    default the archive's own name. A ``topless`` archive has no top folder and gets one with that name. So the index
    does not depend on where the clips come from.

    Raises:
        UserError: the archive cannot be obtained or is damaged. A UserError in the block, for wrong clips, gets the
            dataset's name and a remedy.
    """
    source = _source(name, settings)
    archive = data / "downloads" / source.file
    folder, contents = data / name / UNPACKED, archive.with_name(f"{source.file}.unpacked")
    copies = copies or (re.sub(r"\.(zip|tgz|tar(\.\w+)?)$", "", source.file),)
    if mirror is not None and archive.is_file():
        print(f"dataset {name}: {archive} was fetched before, and is used in place of the mirror's", file=sys.stderr)
    if not any(entry.exists() for entry in _entries(folder)):
        if copy := _unpacked_copy(copies, mirror):
            _link(folder, folder / copies[0], copy)
        else:
            _unpack_archive(source, archive, contents, contents / copies[0] if topless else contents, mirror)
            _link(folder, folder, contents)
    entries = _entries(folder)
    top = entries[0] if len(entries) == 1 and entries[0].is_dir() else folder
    try:
        yield top
    except UserError as error:
        place = contents if folder.is_symlink() else folder
        remedy = f"delete {place} and {archive}, and the same command fetches it again"
        if top.is_symlink() and top != folder:
            copy = top.readlink()
            remedy = f"repair {copy}, the copy in use, or use a mirror without it, to fetch the archive"
            shutil.rmtree(folder)  # the link, not the copy, so that the next call searches again
        raise UserError(f"dataset {name}: {error}; {remedy}") from error
    if archive.is_file() and (top == folder or not top.is_symlink()):
        with in_turn(_lock(archive)):
            record(source, archive)


def _source(name: str, settings: DatasetSettings) -> Source:
    """The dataset's archive; UserError without the name of one."""
    if settings.file is None:
        raise UserError(f"dataset {name}: its settings have no `file`, the name of the archive to fetch")
    if Path(settings.file).name != settings.file:
        raise UserError(f"dataset {name}: `file` must be the archive's name without a folder, found {settings.file!r}")
    return Source(settings.file, settings.max_bytes, settings.url, settings.sha256, settings.md5)


def _entries(folder: Path) -> list[Path]:
    """The files in ``folder``, without hidden ones and those that systems add."""
    return visible(folder) if folder.is_dir() else []


def _unpacked_copy(copies: Sequence[str], mirror: Path | None) -> Path | None:
    """The first of the folders ``copies`` that the mirror has; the mirror itself counts if it has that name."""
    if mirror is None:
        return None
    mirror = mirror.absolute()
    for copy in copies:
        for folder in (mirror / copy, mirror):
            if folder.name == Path(copy).name and os.path.isdir(folder):  # unlike Path.is_dir, False without permission
                return folder
    return None


def _link(folder: Path, link: Path, place: Path) -> None:
    """Replace ``folder`` by the symbolic link ``link``, which is ``folder`` itself or in it, to ``place``.

    A link within the data folder is relative, so that the data folder can be moved.
    """
    try:
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        relative = os.path.relpath(place.resolve(), link.parent.resolve())
        link.symlink_to(relative if link == folder else place, target_is_directory=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be linked to {place} ({reason(error)})") from error


def _unpack_archive(source: Source, archive: Path, contents: Path, folder: Path, mirror: Path | None) -> None:
    """Unpack the archive to ``folder``, which is ``contents`` or in it, unless ``contents`` exists."""
    with in_turn(_lock(archive)):
        if _entries(contents):
            return
        obtain(source, archive, mirror)
        try:
            unpack(archive, folder, source.max_bytes)
        except UserError as error:
            origin = mirror / archive.name if mirror is not None else None
            if origin is not None and origin.is_file():
                raise UserError(f"{error}, from the mirror's {origin}: replace that one first") from error
            raise


def _lock(archive: Path) -> Path:
    """The lock for datasets that share an archive and are fetched at the same time."""
    return archive.with_name(f".{archive.name}.lock")
