"""WAV files that were cut off: libsndfile reads what is left of one as if it were all."""

from pathlib import Path

UNKNOWN = 0x7FFFF000  # bytes; who writes to a pipe promises this many or more
SLOPPY = 128  # bytes; some programs count a header's bytes among the data's


def missing_bytes(path: Path) -> int:
    """How many bytes of sound a WAV file lacks of those that its header promises; 0 for any other file."""
    with open(path, "rb") as file:
        end = file.seek(0, 2)
        file.seek(0)
        start = file.read(12)
        if start[:4] not in (b"RIFF", b"RIFX") or start[8:] != b"WAVE":
            return 0
        while len(chunk := file.read(8)) == 8:
            size = int.from_bytes(chunk[4:], "little" if start[:4] == b"RIFF" else "big")
            if chunk[:4] == b"data":
                missing = file.tell() + size - end
                return missing if size < UNKNOWN and missing > SLOPPY else 0
            file.seek(size + size % 2, 1)  # chunks begin at even places
    return 0
