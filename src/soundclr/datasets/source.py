"""The source of a dataset: the folder of its published clips, unpacked from their archive or a copy that you have.

A copy that you have is used where it lies, not copied: let the mirror (``--mirror`` or SOUNDCLR_MIRROR) be the
folder that holds it, under the archive's name without its suffix (``ESC-50-master``, ``UrbanSound8K``), or be that
folder itself. A link will do, for a copy of another name.
"""

import contextlib
import os
import re
import shutil
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
    """Yield the folder that the clips' paths start from, for the caller to check it.

    That is the only top folder of ``data/<name>/unpacked``, or all of it. What is there already is neither fetched
    nor unpacked again; else it becomes a link to the mirror's folder, or to what the archive holds: that is unpacked
    beside it, once for all datasets that take from it. The archive is kept at ``data/downloads/<file>``, with a record
    of its hash once the caller has found it good.

    ``copies`` are the paths in a mirror that an unpacked copy may have, the name of the archive's top folder first; if
    there are none, that is the archive's own name. A ``topless`` archive has no top folder; it gets one of that name.
    So the index is the same, whatever the clips come from.

    Raises:
        UserError: no archive can be had, or it is damaged. One raised in the block, for clips that are not as they
            should be, also gets the dataset's name and how to mend it.
    """
    if settings.file is None:
        raise UserError(f"dataset {name}: params.yaml gives no `file`, the name of the archive to fetch")
    source = Source(settings.file, settings.max_bytes, settings.url, settings.sha256, settings.md5)
    archive = data / "downloads" / source.file
    folder, contents = data / name / UNPACKED, archive.with_name(f"{source.file}.unpacked")
    copies = copies or (_stem(source.file),)
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
            remedy = f"mend {copy}, the copy that is used, or name no mirror that holds it, to fetch the archive"
            shutil.rmtree(folder)  # the link, not the copy: the next call looks again
        raise UserError(f"dataset {name}: {error}; {remedy}") from error
    if archive.is_file() and (top == folder or not top.is_symlink()):
        with in_turn(_lock(archive)):
            record(source, archive)


def _entries(folder: Path) -> list[Path]:
    """What is in ``folder``, but for hidden files and what systems add."""
    return visible(folder) if folder.is_dir() else []


def _unpacked_copy(copies: Sequence[str], mirror: Path | None) -> Path | None:
    """The first of the mirror's folders ``copies`` that is there; the mirror itself counts, by its name."""
    if mirror is None:
        return None
    mirror = mirror.absolute()
    for copy in copies:
        for folder in (mirror / copy, mirror):
            if folder.name == Path(copy).name and os.path.isdir(folder):  # unlike Path.is_dir, False where forbidden
                return folder
    return None


def _stem(file: str) -> str:
    return re.sub(r"\.(zip|tgz|tar(\.\w+)?)$", "", file)


def _link(folder: Path, link: Path, place: Path) -> None:
    """Make ``link``, which is ``folder`` or all that is in it, lead to ``place``: so the index is the same.

    What is in the data folder is linked to by how to get there, so that the whole may be moved.
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
        raise UserError(f"{folder}: cannot be made a link to {place} ({reason(error)})") from error


def _unpack_archive(source: Source, archive: Path, contents: Path, folder: Path, mirror: Path | None) -> None:
    """Unpack the archive as ``folder``, which is ``contents`` or in it, unless that is there."""
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
    """By which datasets that share an archive, as ESC-10 and ESC-50 do, take turns when they are fetched at once."""
    return archive.with_name(f".{archive.name}.lock")
