"""One way to obtain a file, a dataset's archive or weights: from a mirror folder or by download, verified."""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import requests
from tqdm import tqdm

from soundclr.errors import UserError
from soundclr.files import atomic_path, reason

TIMEOUT = (10.0, 60.0)  # seconds to connect, and to wait for the next bytes
CHUNK = 1 << 16  # bytes; what a broken download can lose


class Hash(NamedTuple):
    """What a file is verified by: ``digits`` are all of the hash, or its first 8 or more (torch.hub's way)."""

    algorithm: str
    digits: str


def obtain(
    url: str | None, file: str, destination: Path, mirror: Path | None, sha256: str | None, md5: str | None = None
) -> Path:
    """Put a verified copy of ``file`` at ``destination`` and return that path.

    ``mirror / file`` is taken if it is there, else ``url`` is downloaded; ``url`` None means that only a
    mirror has the file. ``sha256`` is the whole hash or its first 8 or more digits; ``md5`` serves a file whose
    publisher gives no other; both None is for a file whose contents are checked later. What does not match is
    deleted before it has the name of ``destination``; a destination that is there and matches is not fetched again.

    Raises:
        UserError: the file is nowhere to be had, arrived short, or has another hash.
    """
    expected = Hash("sha256", sha256) if sha256 is not None else Hash("md5", md5) if md5 is not None else None
    if destination.is_file() and (expected is None or _matches(_digits(destination, expected), expected)):
        return destination
    try:
        if mirror is not None and _copy_from_mirror(mirror, file, destination, expected):
            return destination
        if url is None:
            looked = f"{mirror} does not hold it" if mirror else "no mirror is set"
            raise UserError(
                f"{file} has no address to download from, only a mirror can give it, and {looked}: "
                "let SOUNDCLR_MIRROR name a folder that holds it"
            )
        _download(url, file, destination, expected)
    except requests.RequestException as error:
        raise UserError(f"{file}: {url} {_reason(error)}; {_advice(file)}") from error
    except OSError as error:
        raise UserError(f"{file}: cannot be written to {destination.parent} ({reason(error)})") from error
    return destination


def _copy_from_mirror(mirror: Path, file: str, destination: Path, expected: Hash | None) -> bool:
    """Copy and verify the mirror's file; False if the mirror has none."""
    if not os.path.isdir(mirror):  # unlike Path.is_dir, False also where looking is forbidden
        raise UserError(f"the mirror {mirror} is not a readable folder: mend or unset SOUNDCLR_MIRROR")
    source = mirror / file
    try:
        stream = open(source, "rb")  # noqa: SIM115 - only a failure to open it is the mirror's fault
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UserError(f"the mirror's {source} cannot be read ({error.strerror})") from error
    with stream, atomic_path(destination) as temporary:
        with open(temporary, "wb") as copy:
            shutil.copyfileobj(stream, copy, CHUNK)
        _verify(temporary, str(source), expected)
    return True


def _download(url: str, file: str, destination: Path, expected: Hash | None) -> None:
    # Not atomic_path: a part outlives its process, for the next one to resume.
    part = destination.with_name(destination.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    _complete(part, url, file)
    try:
        _verify(part, url, expected)
    except UserError:
        part.unlink()
        raise
    part.replace(destination)


def _complete(part: Path, url: str, file: str) -> None:
    """Download ``url`` into ``part``, after the bytes it already has if the server can continue there."""
    have = part.stat().st_size if part.exists() else 0
    response = _request(url, have)
    if have and response.status_code in (206, 416):
        there = response.headers.get("Content-Range", "")
        if response.status_code == 416 and there == f"bytes */{have}":
            response.close()
            return  # the part was whole, and its process ended before it could say so
        if not there.startswith(f"bytes {have}-"):
            response.close()
            have = 0
            response = _request(url, have)
    with response:
        if response.status_code not in (200, 206):
            raise UserError(f"{file}: {url} answers HTTP {response.status_code} {response.reason}; {_advice(file)}")
        if response.status_code == 200:
            have = 0  # the server sends the whole file, whatever was asked for
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        _write(response.iter_content(CHUNK), part, have, total, file)


def _request(url: str, have: int) -> requests.Response:
    # Compression on the way would make lengths and ranges those of other bytes.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    return requests.get(url, headers=headers, stream=True, timeout=TIMEOUT)


def _write(chunks: Iterable[bytes], part: Path, have: int, total: int | None, file: str) -> None:
    """Write ``chunks`` to ``part`` after its first ``have`` bytes, behind a progress bar."""
    bar = tqdm(
        desc=file,
        total=total,
        initial=have,
        unit="B",
        unit_scale=True,
        mininterval=0.2 if sys.stderr.isatty() else 10.0,  # seconds; a log file wants few lines
    )
    with bar, open(part, "ab" if have else "wb") as output:
        for chunk in chunks:
            output.write(chunk)
            bar.update(len(chunk))
        output.flush()
        os.fsync(output.fileno())


def _verify(path: Path, origin: str, expected: Hash | None) -> None:
    if expected is None:
        return
    actual = _digits(path, expected)
    if not _matches(actual, expected):
        name = {"sha256": "SHA-256", "md5": "MD5"}[expected.algorithm]
        raise UserError(f"{origin} has the {name} {actual}, not the expected {expected.digits}; it was not kept")


def _digits(path: Path, expected: Hash) -> str:
    with open(path, "rb") as file:
        # MD5 tells a whole archive from half of one; machines that forbid it for security allow that.
        return hashlib.file_digest(file, lambda: hashlib.new(expected.algorithm, usedforsecurity=False)).hexdigest()


def _matches(actual: str, expected: Hash) -> bool:
    return len(expected.digits) >= 8 and actual.startswith(expected.digits.lower())


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "broke off before the end"
    if isinstance(error, requests.Timeout):
        return "does not answer in time"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached (no network, or the host stopped answering)"
    return f"cannot be downloaded ({type(error).__name__})"


def _advice(file: str) -> str:
    return f"run the same command to resume, or let SOUNDCLR_MIRROR name a folder that holds {file}"
