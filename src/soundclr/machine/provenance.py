"""The provenance of a result: the version of the numeric code, the commit, the libraries, and the time."""

import datetime
import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from soundclr import __version__
from soundclr.machine.files import sha256_of_file, sha256_of_json

NUMERIC_SOURCES = (
    "audio",
    "datasets/decoding.py",
    "evaluation",
    "losses.py",
    "machine/randomness.py",
    "models",
    "params/entries.py",
    "training",
)
"""The sources that determine numbers, given the settings and the index, which are in a record.

The code that fetches a dataset is not among them, because its result is the index.
"""


@cache
def code_version() -> str:
    """The first 12 digits of the hash of the names and contents of all numeric sources."""
    top = Path(__file__).parents[1]
    places = [top / source for source in NUMERIC_SOURCES]
    files = (file for place in places for file in ([place] if place.suffix == ".py" else place.rglob("*.py")))
    return sha256_of_json({file.relative_to(top).as_posix(): sha256_of_file(file) for file in files})[:12]


def made_with(*libraries: str) -> dict[str, Any]:
    """The commit and whether files differ from it, the versions of what computes, and the time.

    The versions are those of Python, of this package, of torch's packages, and of other ``libraries``.
    """
    names = ("torch", "torchvision", "torchaudio", *libraries)
    others = {name: importlib.metadata.version(name) for name in names}
    versions = {"python": platform.python_version(), **others, "soundclr": __version__}
    return {**git_state(), "versions": versions, "created": now()}


def now() -> str:
    """The time in UTC, as in 2021-03-03T12:00:00Z."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def git_state(*others: str) -> dict[str, Any]:
    """The code's commit, and whether code, parameters or ``others`` differ from it; None without git."""
    root = Path(__file__).parents[3]

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "params.yaml", "params", *others)
    return {"git_commit": commit, "git_dirty": None if commit is None else bool(changed)}
