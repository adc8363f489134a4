"""Obtains and verifies a file, an archive or weights: from the package, from a mirror, or by download."""

import hashlib
import lzma
import os
import re
import shutil
import sys
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import IO, NamedTuple

import requests
from tqdm import tqdm

from soundclr.errors import UserError
from soundclr.machine.files import atomic_path, reason, record_of, recorded_sha256, regular, sha256_of_file, write_text

TIMEOUT = (10.0, 60.0)  # seconds to connect, and to wait for the next bytes
CHUNK = 1 << 16  # bytes; the most that an interrupted download loses


class Source(NamedTuple):
    """A file, where to obtain it, and its hash.

    ``file`` is its name in a mirror, ``packed`` the name of an .xz file in the package's folder ``weights``. Without
    ``packed`` and ``url``, only a mirror has it. ``sha256`` is the whole hash or its first 8 or more digits; ``md5`` is
    for a file whose publisher gives no other hash. A file without a hash has its contents checked later.
    """

    file: str
    max_bytes: int
    url: str | None = None
    sha256: str | None = None
    md5: str | None = None
    packed: str | None = None


class Hash(NamedTuple):
    """An expected hash: ``digits`` are all of it or its first 8 or more; ``shown`` describes it in messages."""

    algorithm: str
    digits: str
    shown: str


def obtain(source: Source, destination: Path, mirror: Path | None) -> Path:
    """Put a verified copy of a file at ``destination`` and return that path.

    It takes the file from the package, else from the mirror, else it downloads it. A file with the wrong hash is
    deleted before it gets the name ``destination``. If ``destination`` exists and matches, nothing is fetched.

    Raises:
        UserError: the file cannot be obtained, is too large or incomplete, or its hash differs from the expected or the
            recorded one (see :func:`record`).
    """
    hashes = _hashes(source, destination)
    if destination.is_file() and all(_matches(_digits(destination, each), each) for each in hashes):
        return destination
    try:
        if _copy_packed(source, destination, hashes) or _copy_from_mirror(mirror, source, destination, hashes):
            return destination
        if source.url is None:
            looked = f"{mirror} does not have it" if mirror else "no mirror is set"
            raise UserError(
                f"{source.file} has no address to download from, so it must be in a mirror, but {looked}: "
                "set SOUNDCLR_MIRROR to a folder that has it"
            )
        _download(source.url, source, destination, hashes)
    except requests.RequestException as error:
        raise UserError(f"{source.file}: {source.url} {_reason(error)}; {_advice(source.file)}") from error
    except OSError as error:
        raise UserError(f"{source.file}: cannot be written to {destination.parent} ({reason(error)})") from error
    return destination


def record(source: Source, path: Path) -> None:
    """Record the SHA-256 of an obtained file, unless its source gives the whole hash or there is a record.

    From then on, a copy with another hash is refused. The record is beside the file, in the format of ``sha256sum``.
    Call it after the file's contents have been checked.
    """
    place = record_of(path)
    if place.is_file() or len(source.sha256 or "") == 64:
        return
    digits = sha256_of_file(path)
    write_text(place, f"{digits}  {path.name}\n")
    print(f"{path.name}: its SHA-256 is {digits}; recorded in {place}, for later copies", file=sys.stderr)


def _hashes(source: Source, destination: Path) -> list[Hash]:
    """The file's expected hashes: the source's and, if that is not a whole SHA-256, the recorded one."""
    found = []
    if source.sha256 is not None:
        found = [Hash("sha256", source.sha256, f"the expected {source.sha256}")]
    elif source.md5 is not None:
        found = [Hash("md5", source.md5, f"the expected {source.md5}")]
    recorded = None if len(source.sha256 or "") == 64 else recorded_sha256(destination)
    if recorded is None:
        return found
    shown = f"the {recorded} that {record_of(destination)} recorded (delete that if the file was meant to change)"
    return [*found, Hash("sha256", recorded, shown)]


def _copy_packed(source: Source, destination: Path, hashes: list[Hash]) -> bool:
    """Unpack and verify the package's file; False if the package has none."""
    if source.packed is None:
        return False
    place = resources.files("soundclr.datasets") / "weights" / source.packed
    try:
        with place.open("rb") as packed, lzma.open(packed) as stream:
            _copy(stream, f"the package's {source.packed}", destination, hashes)
    except (FileNotFoundError, EOFError, lzma.LZMAError) as error:
        raise UserError(f"the package's file {place} is missing or damaged; install the package again") from error
    return True


def _copy_from_mirror(mirror: Path | None, source: Source, destination: Path, hashes: list[Hash]) -> bool:
    """Copy and verify the mirror's file; False if the mirror has none."""
    if mirror is None:
        return False
    if not os.path.isdir(mirror):  # unlike Path.is_dir, False also without permission
        remedy = "correct --mirror, or correct or unset SOUNDCLR_MIRROR"
        raise UserError(f"the mirror {mirror} is not a readable folder: {remedy}")
    place = mirror / source.file
    try:
        stream = open(place, "rb", opener=regular)  # noqa: SIM115 - only a failure to open it concerns the mirror
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UserError(f"the mirror's {place} cannot be read ({error.strerror})") from error
    with stream:
        if os.fstat(stream.fileno()).st_size > source.max_bytes:
            raise _too_large(str(place), source)
        _copy(stream, str(place), destination, hashes)
    return True


def _copy(stream: IO[bytes], origin: str, destination: Path, hashes: list[Hash]) -> None:
    with atomic_path(destination) as temporary:
        with open(temporary, "wb") as copy:
            shutil.copyfileobj(stream, copy, CHUNK)
        _verify(temporary, origin, hashes)
    _part_of(destination).unlink(missing_ok=True)


def _part_of(destination: Path) -> Path:
    return destination.with_name(destination.name + ".part")


def _download(url: str, source: Source, destination: Path, hashes: list[Hash]) -> None:
    # Not atomic_path: a part must outlive its process, so that the next one can resume.
    part = _part_of(destination)
    part.parent.mkdir(parents=True, exist_ok=True)
    _complete(part, url, source)
    try:
        _verify(part, url, hashes)
    except UserError:
        part.unlink()
        raise
    part.replace(destination)


def _complete(part: Path, url: str, source: Source) -> None:
    """Download ``url`` into ``part``, after the bytes that it already has if the server supports that."""
    have = part.stat().st_size if part.exists() else 0
    response = _request(url, have)
    if have and response.status_code in (206, 416):
        there = response.headers.get("Content-Range", "")
        if response.status_code == 416 and there == f"bytes */{have}":
            response.close()
            return  # the part is complete; its process ended before it could rename it
        if not there.startswith(f"bytes {have}-"):
            response.close()
            have = 0
            response = _request(url, have)
    with response:
        if response.status_code not in (200, 206):
            raise UserError(
                f"{source.file}: {url} answers HTTP {response.status_code} {response.reason}; {_advice(source.file)}"
            )
        if response.status_code == 200:
            have = 0  # the server sends the whole file
        _write(response, part, have, source)


def _request(url: str, have: int) -> requests.Response:
    # With compression, lengths and ranges would be those of the compressed bytes.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        return requests.get(url, headers=headers, stream=True, timeout=TIMEOUT)
    except ValueError as error:  # an invalid address, to which a host may redirect
        raise requests.exceptions.InvalidURL(url) from error


def _write(response: requests.Response, part: Path, have: int, source: Source) -> None:
    """Write the response to ``part`` after its first ``have`` bytes, with a progress bar."""
    length = response.headers.get("Content-Length")
    if length is not None and not re.fullmatch("[0-9]{1,18}", length):
        raise UserError(
            f"{source.file}: {source.url} answers with the Content-Length {length!r}, which is not a number"
        )
    total = have + int(length) if length else None
    if (total or 0) > source.max_bytes:
        raise _too_large(str(source.url), source)
    bar = tqdm(
        desc=source.file,
        total=total,
        initial=have,
        unit="B",
        unit_scale=True,
        mininterval=0.2 if sys.stderr.isatty() else 10.0,  # seconds; few lines in a log file
    )
    with bar, open(part, "ab" if have else "wb") as output:
        for chunk in response.iter_content(CHUNK):
            have += len(chunk)
            if have > source.max_bytes:
                part.unlink()
                raise _too_large(str(source.url), source)
            output.write(chunk)
            bar.update(len(chunk))
        output.flush()
        os.fsync(output.fileno())


def _too_large(origin: str, source: Source) -> UserError:
    return UserError(
        f"{origin} is larger than the {source.max_bytes:,} bytes that params.yaml allows; it was not kept; "
        f"raise `max_bytes` if {source.file} should be so large"
    )


def _verify(path: Path, origin: str, hashes: Iterable[Hash]) -> None:
    for each in hashes:
        actual = _digits(path, each)
        if not _matches(actual, each):
            name = {"sha256": "SHA-256", "md5": "MD5"}[each.algorithm]
            raise UserError(f"{origin} has the {name} {actual}, not {each.shown}; it was not kept")


def _digits(path: Path, expected: Hash) -> str:
    with open(path, "rb") as file:
        # MD5 only detects incomplete archives here; machines that forbid it for security allow this use.
        return hashlib.file_digest(file, lambda: hashlib.new(expected.algorithm, usedforsecurity=False)).hexdigest()


def _matches(actual: str, expected: Hash) -> bool:
    return len(expected.digits) >= 8 and actual.startswith(expected.digits.lower())


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "stopped sending before the end"
    if isinstance(error, requests.Timeout):
        return "does not answer in time"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached (no network, or the host stopped answering)"
    return f"cannot be downloaded ({type(error).__name__})"


def _advice(file: str) -> str:
    return f"run the same command to resume, or set SOUNDCLR_MIRROR to a folder that has {file}"
