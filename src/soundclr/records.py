"""Records: JSON files that carry the hash of their own contents, and the version of the code that made the numbers."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from soundclr.errors import UserError
from soundclr.files import read_json, sha256_of_file, sha256_of_json, write_json

ROOMS = ("audio", "datasets", "evaluation", "losses.py", "models", "training")
"""The sources that decide numbers, given the settings, which a record has in full."""


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` as JSON with its ``checksum``, whole or not at all."""
    write_json(path, {**content, "checksum": sha256_of_json(content)})


def read_record(path: Path, remedy: str) -> dict[str, Any]:
    """The content of a file that :func:`write_record` wrote, its checksum included.

    Raises UserError with ``remedy`` for a file that is missing, cut short, or was changed.
    """
    content = read_json(path, remedy)
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a JSON object, found {type(content).__name__}; {remedy}")
    checksum = sha256_of_json({key: value for key, value in content.items() if key != "checksum"})
    if content.get("checksum") != checksum:
        raise UserError(
            f"{path}: says checksum {content.get('checksum')!r}, its contents have {checksum!r}: "
            f"changed after it was written; {remedy}"
        )
    return content


@cache
def code_version() -> str:
    """The first 12 digits of the hash of all sources that decide numbers, by their names and contents."""
    top = Path(__file__).parent
    files = (file for room in ROOMS for file in ([top / room] if room.endswith(".py") else (top / room).rglob("*.py")))
    return sha256_of_json({file.relative_to(top).as_posix(): sha256_of_file(file) for file in files})[:12]
