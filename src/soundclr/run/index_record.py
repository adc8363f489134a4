"""The record beside a dataset's index: the fingerprint of its definition and of its content."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.run.records import read_record, write_record
from soundclr.run.runs import dataset_hash

MADE_OF = ".made-of"  # the record's file name


class Known(NamedTuple):
    """An index's text, and the hash by which runs identify it."""

    content: str
    identity: str


def write_made_of(path: Path, definition: str, content: bytes, identity: str | None = None) -> None:
    """Write the record beside the index at ``path``, which has or will have this ``content``.

    ``identity`` is the hash by which runs identify the index: by default that of its content; if only the clips' paths
    have changed, the former one.
    """
    record = {"definition": definition, "index_sha256": identity or sha256(content)}
    other = {} if record["index_sha256"] == sha256(content) else {"file_sha256": sha256(content)}
    write_record(path.with_name(MADE_OF), record | other)


def read_made_of(path: Path) -> dict[str, Any]:
    """The record beside the index at ``path``: ``definition``, ``index_sha256``, ``file_sha256`` (its content's hash).

    Raises UserError if the index or the record is missing, or the record was changed.
    """
    if not path.is_file():
        raise UserError(f"{path}: is missing; {remedy(path)}")
    record = read_record(path.with_name(MADE_OF), remedy(path))
    return {"file_sha256": record.get("index_sha256"), **record}


def known_index(path: Path) -> Known | None:
    """The index at ``path``; None if it is missing or does not match its record."""
    try:
        record, content = read_made_of(path), path.read_bytes()
        return Known(content.decode(), record["index_sha256"]) if sha256(content) == record["file_sha256"] else None
    except (UserError, OSError, UnicodeDecodeError, KeyError):
        return None


def current_identity(params: Params, dataset: str, data: Path) -> str | None:
    """The hash by which runs identify a dataset's index; None if it is missing or older than its definition."""
    try:
        record = read_made_of(data / dataset / "index.csv")
    except UserError:
        return None
    return record.get("index_sha256") if record.get("definition") == dataset_hash(params, dataset) else None


def sha256(content: bytes) -> str:
    """The SHA-256 of an index's content."""
    return hashlib.sha256(content).hexdigest()


def remedy(path: Path) -> str:
    """The advice that makes the index at ``path``."""
    return f"run `soundclr fetch {path.parent.name}`"


def place_of(index: Path, path: str) -> Path:
    """A clip's place, without the ``..`` in its ``path``; relative to the current folder if it lies in it."""
    clip = index.parent / path
    clip = clip.parent.resolve() / clip.name
    here = Path.cwd()
    return clip.relative_to(here) if clip.is_relative_to(here) else clip
