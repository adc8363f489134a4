"""Files that describe themselves: believed where path, checksum and the files beside them agree."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ConfigDict

from soundclr.errors import UserError
from soundclr.files import sha256_of_file
from soundclr.params import Section
from soundclr.records import read_record
from soundclr.runs import Run


class Lenient(Section):
    """A part of a file: what the report needs is checked, what else stands there is let be."""

    model_config = ConfigDict(extra="ignore")


def read_sealed(path: Path, run: Run, others: Mapping[str, str], tables: Sequence[str], remedy: str) -> dict[str, Any]:
    """A JSON file's content, once it agrees with its run, the ``others`` of its path, and the ``tables`` beside it.

    Raises UserError with ``remedy`` for a file that is cut short, was edited by hand, or says something else of
    itself than its path does, naming both.
    """
    content = read_record(path, remedy)
    for key, value in {**run.coordinates, **others}.items():
        if content.get(key) != value:
            raise UserError(f"{path}: says {key} {content.get(key)!r}, its path says {value!r}; {remedy}")
    files = content.get("files")
    for name in tables:
        table = path.with_name(name)
        if not table.is_file():
            raise UserError(f"{table}: missing, though {path.name} beside it says that the job ended; {remedy}")
        says = files.get(name) if isinstance(files, dict) else None
        if says != (has := sha256_of_file(table)):
            raise UserError(
                f"{table}: has SHA-256 {has}, {path.name} beside it says {says}: changed after it was written; {remedy}"
            )
    return content


@contextmanager
def remedied(remedy: str) -> Iterator[None]:
    """End a UserError of the block with ``remedy``, where it does not say it itself."""
    try:
        yield
    except UserError as error:
        if remedy in str(error):
            raise
        raise UserError(f"{error}; {remedy}") from error


def read_table(path: Path, remedy: str, text: Sequence[str] = ("clip", "stage", "class")) -> pd.DataFrame:
    """A CSV file whose columns ``text`` are names; only an empty field is missing, since a clip may be "none"."""
    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=dict.fromkeys(text, str))
    except (ValueError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error}); {remedy}") from error
