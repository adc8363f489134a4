"""From a published archive to a verified folder of clips."""

from pathlib import Path

from soundclr.datasets.archive import unpack
from soundclr.datasets.download import obtain
from soundclr.datasets.manifest import verify_clips
from soundclr.errors import UserError
from soundclr.params import DatasetSettings

UNPACKED = "unpacked"  # the archive's contents, below the dataset's folder


def verified_source(
    name: str, settings: DatasetSettings, data: Path, mirror: Path | None, manifest: dict[str, str]
) -> Path:
    """Fetch the dataset's archive, unpack it as ``data/<name>/unpacked``, check its clips.

    Returns the folder that the manifest's paths start from: the archive's only top folder, or all of it.
    The archive is kept at ``data/downloads/<file>``. What is unpacked already is checked, and neither fetched
    nor unpacked again.

    Raises:
        UserError: no archive can be had, or it is damaged, or a clip is missing, corrupt or unexpected.
    """
    if settings.file is None:
        raise UserError(f"dataset {name}: params.yaml gives no `file`, the name of the archive to fetch")
    archive = data / "downloads" / settings.file
    folder = data / name / UNPACKED
    if not folder.is_dir():
        unpack(obtain(settings.url, settings.file, archive, mirror, settings.sha256), folder)
    entries = list(folder.iterdir())
    top = entries[0] if len(entries) == 1 and entries[0].is_dir() else folder
    try:
        verify_clips(top, manifest)
    except UserError as error:
        raise UserError(
            f"dataset {name}: {error}; delete {folder} and {archive}, and the same command fetches it again"
        ) from error
    return top
