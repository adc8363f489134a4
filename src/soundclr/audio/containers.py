"""Audio containers: which are supported, and whether a file is complete.

libsndfile reads the rest of a file that was cut off or has a hole as if it were complete. So this module checks first:

- WAV (RIFF, RIFX, RF64): the file has as many bytes of sound as the chunk ``data`` (in RF64 ``ds64``) gives, followed
  by further chunks only. A program that writes to a pipe cannot know the number; then all bytes count. Some programs
  give slightly too many, so a cut of up to 128 bytes goes unnoticed, as does a changed byte; some leave up to 1 % over.
  (Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0; EBU Tech 3306.)
- FLAC: the header gives the number of samples. Decoding checks it, and each frame has a checksum. (RFC 9639.)
- Ogg: one stream, from its first page to the page marked as last, with consecutive page numbers and correct checksums.
  (RFC 3533.)
- MP3: one frame after another, to the end or to a tag, and as many frames or bytes as the Xing or Info header gives.
  Without such a header, missing frames at the end go unnoticed, and libsndfile's estimate of the length may drop a part
  of the last frame. (ISO 11172-3 and 13818-3 for frames, the sources of LAME and of mpg123 for headers.)
"""

import os
import re
import stat
import struct
import sys
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

from soundclr.errors import UserError
from soundclr.machine.files import reason

REPLACE = "replace it"
CUT_OFF = "is cut off, {} before the end that its header gives; " + REPLACE
TOO_SHORT = (
    "its header says {} bytes of sound, but {} more follow, as when a recorder was switched off before it updated "
    "the header: convert it, for example with `ffmpeg -ignore_length 1 -i OLD NEW.flac`"
)
CONVERT = "convert it, for example with `ffmpeg -i OLD NEW.flac`"

UNKNOWN = 0x7FFFF000  # bytes; programs that write a WAV file to a pipe give this many or more
SLOPPY = 128  # bytes; some programs count a header's bytes among the data's
AT_ONCE = 1 << 20  # bytes after the last chunk, read at a time
CUT_CHUNKS = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"_PMX")  # metadata: sound is complete without their end

FIRST, LAST = 2, 4  # an Ogg page's flags
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))  # each byte's bits

BITRATES = {  # of MPEG audio's layer III, in kbit/s: in version 1, and in versions 2 and 2.5
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # in hertz, by version's bits
TAGS = (b"TAG", b"APET", b"LYRI", b"ID3", b"3DI")  # what may follow an MP3 file's last frame


class Fault(Exception):
    """What is wrong with a file, and what to do."""


def check_container(path: Path) -> int:
    """Check that ``path`` is a WAV, FLAC, Ogg or MP3 file and complete, as far as its container shows.

    Returns:
        The most samples that decoding can give; libsndfile does not know this number for every MP3 file.

    Raises:
        UserError: the file does not exist, is in another container, or is incomplete.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for its writer
            raise Fault("is not an audio file")
        with open(path, "rb") as file:
            return _check(file)
    except Fault as fault:
        raise UserError(f"{path}: {fault}") from fault
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a name with a zero byte
        raise UserError(f"{path}: there is no such file") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({reason(error)})") from error


def _check(file: BinaryIO) -> int:
    """Find the container behind ID3 tags, and check it."""
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        raise Fault(f"is empty; {REPLACE}")
    file.seek(0)
    while (tag := file.read(10))[:3] == b"ID3" and len(tag) == 10:
        size = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(tag[6:])))
        file.seek(size + (10 if tag[5] & 0x10 else 0), os.SEEK_CUR)  # and a footer
    start = file.seek(-len(tag), os.SEEK_CUR)
    head = file.read(12)
    file.seek(start)
    for kind, check in CHECKS.items():
        if re.match(kind, head, re.DOTALL):
            most = check(file, end)
            return sys.maxsize if most is None else most
    raise Fault(f"is no WAV, FLAC, Ogg or MP3 file; if it is sound, {CONVERT}")


def _wav(file: BinaryIO, end: int) -> None:
    """Check that the chunk ``data`` has the length that its header gives."""
    order: Literal["big", "little"] = "big" if file.read(12)[:4] == b"RIFX" else "little"
    long_size = None
    while len(chunk := file.read(8)) == 8:
        start, size = file.tell(), int.from_bytes(chunk[4:], order)
        if chunk[:4] == b"ds64":
            long_size = int.from_bytes(file.read(16)[8:], order)
        elif chunk[:4] == b"data":
            if size >= UNKNOWN:
                if long_size is None:
                    return  # written to a pipe: the length is unknown
                size = long_size
            missing = start + size - end
            if missing > SLOPPY:
                raise Fault(CUT_OFF.format(f"{missing} bytes"))
            more = _unexplained(file, start + size, end, order)
            if more > max(SLOPPY, size // 100):
                raise Fault(TOO_SHORT.format(f"{size:,}", f"{more:,}"))
            return
        file.seek(start + size + size % 2)  # chunks begin at even places


def _unexplained(file: BinaryIO, place: int, end: int, order: Literal["big", "little"]) -> int:
    """How many bytes from ``place`` to ``end`` are neither chunks, a tag nor zeros, and so probably sound."""
    while place < end:
        for begin in (place + place % 2, place):  # some programs do not begin chunks at even places
            file.seek(begin)
            chunk = file.read(8)
            size = int.from_bytes(chunk[4:], order)
            if re.fullmatch(rb"[ -~]{4}", chunk[:4]) and (begin + 8 + size <= end + SLOPPY or chunk[:4] in CUT_CHUNKS):
                place = begin + 8 + size
                break
        else:
            file.seek(place)
            parts = (part.lstrip(b"\0") for part in iter(partial(file.read, AT_ONCE), b""))
            rest = next(filter(None, parts), b"")
            return end - place if rest and not rest.startswith(TAGS) else 0
    return 0


def _flac(file: BinaryIO, end: int) -> None:
    """Check that the header gives the number of samples."""
    if int.from_bytes(file.read(26)[18:]) & (1 << 36) - 1 == 0:
        raise Fault(f"its header does not give its length, so a cut would go unnoticed; {CONVERT}")


def _ogg(file: BinaryIO, end: int) -> None:
    """Check the pages one after another, up to the last."""
    flags, expected = 0, None
    while not flags & LAST:
        place = file.tell()
        head = file.read(27)
        sizes = file.read(head[26]) if len(head) == 27 else b""
        body = file.read(sum(sizes))
        if head[:4] != b"OggS"[: len(head)]:
            raise Fault(f"is damaged, no Ogg page begins at byte {place}, where one should; {REPLACE}")
        if len(head) < 27 or len(sizes) < head[26] or len(body) < sum(sizes):
            raise Fault(f"is cut off before the last page of its stream; {REPLACE}")
        if _ogg_checksum(head[:22] + bytes(4) + head[26:] + sizes + body) != head[22:26]:
            raise Fault(f"is damaged, the Ogg page at byte {place} is not as it was written; {REPLACE}")
        flags, stream, number = head[5], head[14:18], int.from_bytes(head[18:22], "little")
        if expected is None and flags & FIRST:
            expected = stream, number
        if expected and stream != expected[0]:
            raise Fault(f"has more than one stream; {CONVERT}")
        if expected != (stream, number):
            raise Fault(f"has a hole, pages are missing before byte {place}; {REPLACE}")
        expected = stream, number + 1
    if file.tell() != end:
        raise Fault(f"goes on after the end of its stream, at byte {file.tell()}; {CONVERT}")


def _ogg_checksum(page: bytes) -> bytes:
    """A page's CRC-32. zlib's has the same polynomial, but the reverse bit order, and inverts."""
    crc = zlib.crc32(page.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return crc.to_bytes(4).translate(REVERSED)


def _mp3(file: BinaryIO, end: int) -> int:
    """Check the frames one after another, up to the end or a tag; returns their number of samples."""
    first = place = file.tell()
    head = file.read(64).ljust(64, b"\0")
    file.seek(first)
    frames, bitrates = 0, set()
    while place < end and not (header := file.read(4)).startswith(TAGS):
        length = _mp3_frame_bytes(header)
        if not length or (header[1] & 0x1E, header[2] & 0x0C) != (head[1] & 0x1E, head[2] & 0x0C):
            raise Fault(f"is damaged, no MP3 frame begins at byte {place}, where one should; {REPLACE}")
        bitrates.add(header[2] >> 4)
        place += length
        frames += 1
        file.seek(place)
    if place > end:
        raise Fault(f"is cut off, {place - end} bytes before the end of its last frame; {REPLACE}")
    found = {"frames": frames - 1, "bytes": place - first}
    missing = {unit: promised - found[unit] for unit, promised in _mp3_promises(head).items()}
    if missing and min(missing.values()) > 0:  # some programs count the header's frame, or a tag
        raise Fault(CUT_OFF.format(" or ".join(f"{number} {unit}" for unit, number in missing.items())))
    if missing.get("frames", 0) < -1:
        raise Fault(f"goes on for {-missing['frames']} frames after the end that its header gives; {CONVERT}")
    if len(bitrates) > 1 and "frames" not in missing:  # libsndfile would stop where it guesses
        raise Fault(f"has several bitrates but no Xing header with its length; {CONVERT}")
    return frames * (1152 if head[1] >> 3 & 3 == 3 else 576)


def _mp3_frame_bytes(header: bytes) -> int:
    """The length in bytes of the layer III frame with this four-byte header; 0 if it is not such a header."""
    value = int.from_bytes(header)
    version, layer, bitrate, rate = value >> 19 & 3, value >> 17 & 3, value >> 12 & 15, value >> 10 & 3
    if len(header) < 4 or value >> 21 != 0x7FF or version == 1 or layer != 1 or bitrate in (0, 15) or rate == 3:
        return 0
    kilobits = BITRATES[version == 3][bitrate - 1]
    return (144000 if version == 3 else 72000) * kilobits // RATES[version][rate] + (value >> 9 & 1)


def _mp3_promises(head: bytes) -> dict[str, int]:
    """The number of frames after the first, and of bytes, that a Xing or Info header gives."""
    if (at := max(head.find(b"Xing", 0, 48), head.find(b"Info", 0, 48))) >= 0:
        flags, *numbers = struct.unpack_from(">III", head, at + 4)
        names = [name for bit, name in ((1, "frames"), (2, "bytes")) if flags & bit]
        return dict(zip(names, numbers, strict=False))
    return {}


CHECKS: dict[bytes, Callable[[BinaryIO, int], int | None]] = {
    rb"RIF[FX]....WAVE|RF64....WAVE": _wav,
    rb"fLaC": _flac,
    rb"OggS": _ogg,
    rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]": _mp3,
}
