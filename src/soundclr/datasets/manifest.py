"""Manifests, ``manifests/*.csv``: the clips that a published dataset must have, with their SHA-256."""

from collections.abc import Collection
from pathlib import Path

from soundclr.errors import UserError
from soundclr.machine.files import sha256_of_file
from soundclr.run.runs import manifest_clips

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}


def read_manifest(name: str) -> dict[str, str]:
    """Read the package's ``manifests/<name>.csv``: a clip's path in the dataset -> SHA-256, sorted."""
    clips = manifest_clips(name)
    if not clips:
        raise UserError(f"{name}: the package has no manifest of this dataset's clips (manifests/{name}.csv)")
    return clips


def verify_clips(folder: Path, manifest: dict[str, str], besides: Collection[str] = ()) -> None:
    """Check that the audio files below ``folder`` match the manifest, byte for byte.

    Files in the folders ``besides`` do not count.

    Raises:
        UserError: a clip is missing, corrupt or not expected; the message names the first and counts the others.
    """
    present = {path for path in audio_files(folder) if path.split("/")[0] not in besides}
    faults = []
    for clip in sorted(present | manifest.keys()):
        if clip not in present:
            faults.append(f"{clip} is missing")
        elif clip not in manifest:
            faults.append(f"{clip} does not belong to the dataset")
        elif sha256_of_file(folder / clip) != manifest[clip]:
            faults.append(f"{clip} is corrupt (its SHA-256 differs from the manifest's)")
    if faults:
        others = f", and {len(faults) - 1} more of {len(manifest)} clips are wrong" if len(faults) > 1 else ""
        raise UserError(f"{faults[0]}{others} (in {folder})")


def audio_files(folder: Path) -> set[str]:
    """The audio files below ``folder``, as paths relative to it. Hidden ones, which macOS adds, do not count."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".") and path.is_file()
    }
