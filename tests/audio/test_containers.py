"""Sound files that lack something are refused, wherever it is; whole ones of every kind are not."""

import os
import tracemalloc

import numpy as np
import pytest
import soundfile

from soundclr.audio.containers import check_container
from soundclr.audio.decode import check_audio, read_audio
from soundclr.errors import UserError

RATE = 16000
KINDS = {
    "WAV": ("WAV", "PCM_16"),
    "WAV float": ("WAV", "FLOAT"),
    "RF64": ("RF64", "PCM_16"),
    "FLAC": ("FLAC", "PCM_16"),
    "Vorbis": ("OGG", "VORBIS"),
    "Opus": ("OGG", "OPUS"),
    "MP3": ("MP3", "MPEG_LAYER_III"),
}


def noise(rate=RATE, seconds=2.0, channels=1):
    return np.random.default_rng(0).normal(0, 0.1, (int(rate * seconds), channels))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.sound"


def written(path, kind, rate=RATE, samples=None):
    """The bytes of a sound file of this kind."""
    container, subtype = KINDS[kind]
    soundfile.write(path, noise(rate) if samples is None else samples, rate, format=container, subtype=subtype)
    return path.read_bytes()


def refused(path, content):
    """The one line that decoding says, which checking says too."""
    path.write_bytes(content)
    said = []
    for attempt in (lambda: read_audio(path, RATE), lambda: check_audio(path)):
        with pytest.raises(UserError) as error:
            attempt()
        said.append(str(error.value))
    assert said[0] == said[1] and said[0].startswith(f"{path}: ") and "\n" not in said[0]
    return said[0]


def accepted(path, content):
    path.write_bytes(content)
    check_audio(path)
    return read_audio(path, RATE)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("kind", KINDS)
def test_whole_files_are_read(path, kind, rate, channels):
    if kind == "Opus" and rate not in (8000, 16000, 48000):
        return
    for seconds in (0.001, 0.5):
        samples = noise(rate, seconds, channels)
        written(path, kind, rate, samples)
        check_audio(path)
        assert len(read_audio(path, rate)) == len(samples)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.77, 0.9, 0.99])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_off(path, kind, share):
    content = written(path, kind)
    said = refused(path, content[: int(share * len(content))])
    assert "cut off" in said


@pytest.mark.parametrize("kind", ["FLAC", "Vorbis", "Opus", "MP3"])
def test_a_part_that_is_missing_anywhere(path, kind):
    """From the end or, a hole, from within: the file is refused, or all of its sound comes out."""
    content = written(path, kind, samples=noise(seconds=0.3))
    whole = read_audio(path, RATE)
    found = set()
    for place in range(1, len(content), len(content) // 40):
        for end in (place + 200, place + 1500, len(content)):
            path.write_bytes(content[:place] + content[end:])
            try:
                found.add(np.array_equal(read_audio(path, RATE), whole))
            except UserError as error:
                assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    assert found <= {True}


@pytest.mark.parametrize("kind", ["FLAC", "Vorbis", "Opus"])
def test_a_byte_that_is_another(path, kind):
    """These have checksums; where a WAV or MP3 file has another byte of sound, nothing could tell."""
    content = bytearray(written(path, kind))
    content[len(content) // 2] ^= 0x10
    refused(path, bytes(content))


@pytest.mark.parametrize("kind", ["AIFF", "AU", "W64", "CAF"])
def test_other_containers_say_how_to_convert(path, kind):
    soundfile.write(path, noise(), RATE, format=kind, subtype="PCM_16")
    said = refused(path, path.read_bytes())
    assert "is no WAV, FLAC, Ogg or MP3 file" in said and "convert it, for example with `ffmpeg -i" in said


def chunk(name, content, size=None, order="little"):
    """A RIFF chunk, which may lie about its size."""
    return name + (len(content) if size is None else size).to_bytes(4, order) + content + bytes(len(content) % 2)


@pytest.mark.parametrize(
    ("chunks", "missing"),
    [
        ([chunk(b"data", bytes(800))], 0),
        ([chunk(b"data", bytes(800), 2000)], 1200),
        ([chunk(b"data", bytes(800), 844)], 0),  # a sloppy program's header
        ([chunk(b"data", bytes(800), 0xFFFFFFFF)], 0),  # written to a pipe, by ffmpeg and by sox
        ([chunk(b"data", bytes(800), 0x7FFFF000)], 0),
        ([chunk(b"data", bytes(801)), chunk(b"LIST", bytes(4))], 0),
        ([chunk(b"odd ", b"abc"), chunk(b"data", bytes(800), 2000)], 1200),
        ([chunk(b"odd ", b"abc", 10**6)], 0),  # ends before its data: libsndfile refuses it
        ([], 0),
        ([chunk(b"ds64", bytes(8) + (2000).to_bytes(8, "little")), chunk(b"data", bytes(800), 0xFFFFFFFF)], 1200),
    ],
)
@pytest.mark.parametrize("kind", [b"RIFF", b"RF64"])
def test_what_a_wav_file_lacks(path, kind, chunks, missing):
    path.write_bytes(kind + bytes(4) + b"WAVE" + b"".join(chunks))
    if missing:
        with pytest.raises(UserError, match=f"is cut off, {missing} bytes before the end that its header gives"):
            check_container(path)
    else:
        check_container(path)


SOUND = np.random.default_rng(3).integers(-9000, 9000, 500, dtype="<i2").tobytes()


@pytest.mark.parametrize(
    ("says", "behind", "more"),
    [
        (0, b"", 1000),  # a recorder that ended before it updated the header
        (0, chunk(b"LIST", bytes(40)), 1048),
        (500, b"", 500),
        (840, b"", 160),
        (900, b"", 0),  # some programs are sloppy
        (1000, b"", 0),
        (1000, chunk(b"LIST", b"INFO" + bytes(200)) + chunk(b"id3 ", b"ID3"), 0),
        (1000, chunk(b"LIST", bytes(200), 5000), 0),  # the sound is whole, what follows is not
        (1000, b"TAG" + bytes(125) + b"x" * 200, 0),
        (1000, bytes(5000), 0),
        (1000, b"\x01\x02\x03" * 200, 600),
    ],
)
@pytest.mark.parametrize("kind", ["RIFF", "RIFX", "RF64"])
def test_sound_behind_the_end_that_a_wav_header_gives(path, kind, says, behind, more):
    order = "big" if kind == "RIFX" else "little"
    behind = b"" if kind == "RIFX" and b"LIST" in behind else behind
    more = 1000 if kind == "RIFX" and more == 1048 else more
    size = 0xFFFFFFFF if kind == "RF64" else says
    ds64 = chunk(b"ds64", bytes(8) + says.to_bytes(8, "little") + bytes(12)) if kind == "RF64" else b""
    path.write_bytes(kind.encode() + bytes(4) + b"WAVE" + ds64 + b"data" + size.to_bytes(4, order) + SOUND + behind)
    if more:
        said = f"its header says {says:,} bytes of sound, but {more:,} more follow, .* `ffmpeg -ignore_length 1 -i"
        with pytest.raises(UserError, match=said):
            check_container(path)
    else:
        check_container(path)


def test_what_a_big_endian_wav_file_lacks(path):
    path.write_bytes(b"RIFX" + bytes(4) + b"WAVE" + chunk(b"data", bytes(800), 2000, "big"))
    with pytest.raises(UserError, match="is cut off, 1200 bytes"):
        check_container(path)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "FLOAT", "MS_ADPCM", "IMA_ADPCM", "ULAW"])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64"])
def test_whole_wav_files_of_all_kinds(path, subtype, kind):
    if soundfile.check_format(kind, subtype):
        soundfile.write(path, noise()[:777], RATE, subtype=subtype, format=kind)
        assert len(accepted(path, path.read_bytes())) >= 777


def pages(content):
    """The pages of an Ogg file."""
    found = []
    while content:
        end = 27 + content[26] + sum(content[27 : 27 + content[26]])
        found.append(content[:end])
        content = content[end:]
    return found


def changed(page, **fields):
    """A page with another ``flags``, ``granule``, ``stream`` or ``number``, and the checksum that belongs to it."""
    places = {"flags": (5, 1), "granule": (6, 8), "stream": (14, 4), "number": (18, 4)}
    for name, value in fields.items():
        begin, size = places[name]
        page = page[:begin] + value.to_bytes(size, "little") + page[begin + size :]
    crc = 0
    for byte in page[:22] + bytes(4) + page[26:]:  # bit by bit, as RFC 3533 says it
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x104C11DB7) if crc & 0x80000000 else crc << 1
    return page[:22] + crc.to_bytes(4, "little") + page[26:]


@pytest.mark.parametrize("kind", ["Vorbis", "Opus"])
def test_ogg_pages_that_do_not_follow_one_another(path, kind):
    first, *others, last = pages(written(path, kind))
    whole = [first, *others, last]
    assert changed(last) == last and len(others) > 1
    assert "cut off" in refused(path, b"".join(whole[:-1]))
    assert "has a hole" in refused(path, b"".join([first, *others[:-1], last]))
    assert "has a hole" in refused(path, b"".join(whole[1:]))
    assert "more than one stream" in refused(path, b"".join([first, *others, changed(last, stream=7)]))
    assert "goes on after the end" in refused(path, b"".join(whole * 2))
    assert "goes on after the end" in refused(path, b"".join(whole) + b"more")
    assert "damaged" in refused(path, b"".join(whole[:2]) + b"junk" * 100 + b"".join(whole[2:]))
    granule = int.from_bytes(last[6:14], "little")
    far = changed(last, granule=granule + 15_000)
    assert "samples before the end that its header gives" in refused(path, b"".join([first, *others, far]))


def frames(content):
    """The frames of an MP3 file with this rate and nothing else; the first is not sound but a Xing header."""
    found = []
    while content:
        bitrate = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)[(content[2] >> 4) - 1]
        size = 72000 * bitrate // RATE + (content[2] >> 1 & 1)
        found.append(content[:size])
        content = content[size:]
    return found


@pytest.fixture
def mp3(path):
    """The frames of an MP3 file of many bitrates."""
    return frames(written(path, "MP3"))


@pytest.fixture
def plain(path):
    """The frames of an MP3 file of one bitrate, without a header."""
    soundfile.write(path, noise(), RATE, format="MP3", bitrate_mode="CONSTANT", compression_level=0.0)
    return frames(path.read_bytes())[1:]


def xing(frame, frames=None, size=None):
    """The frame with a Xing header that says these numbers."""
    at = frame.find(b"Xing")
    numbers = [number for number in (frames, size) if number is not None]
    flags = (frames is not None) + 2 * (size is not None)
    fields = b"".join(number.to_bytes(4) for number in (flags, *numbers))
    return frame[: at + 4] + fields + bytes(len(frame) - at - 4 - len(fields))


HEADERS = {
    "frames": lambda frame, count, size: xing(frame, frames=count),
    "bytes": lambda frame, count, size: xing(frame, size=size),
    "both": xing,
}


@pytest.mark.parametrize("header", HEADERS)
def test_mp3_frames_that_its_header_promises(path, mp3, plain, header):
    first, others = (mp3[0], mp3[1:]) if header in ("frames", "both") else (mp3[0].ljust(720, b"\0"), plain)
    first = first[:2] + plain[0][2:3] + first[3:] if others is plain else first
    count, size = len(others), len(first) + sum(map(len, others))

    def made(more=0):
        return HEADERS[header](first, count + more, size + 200 * more)

    assert len(accepted(path, made() + b"".join(others))) >= 576 * (count - 1)
    for place in (1, count // 2, count - 1):
        said = refused(path, made() + b"".join(others[:place] + others[place + 1 :]))
        assert "is cut off, " in said and said.endswith("before the end that its header gives; replace it")
    assert "is cut off, " in refused(path, made(3) + b"".join(others))
    if header != "bytes":
        assert "goes on for 4 frames after the end" in refused(path, made(-4) + b"".join(others))


def test_mp3_whose_length_libsndfile_cannot_know(path, mp3):
    content = b"".join(mp3[1:])
    size = len(mp3[0] + content)
    for first in (b"", xing(mp3[0], size=size)):
        assert "several bitrates" in refused(path, first + content)


def test_a_header_that_counts_its_own_frame(path, mp3):
    content = b"".join(mp3[1:])
    accepted(path, xing(mp3[0], frames=len(mp3), size=len(mp3[0] + content)) + content)


def test_mp3_without_a_header(path, plain):
    whole = 576 * len(plain)
    assert len(accepted(path, b"".join(plain))) == whole
    assert "cut off, 9 bytes before the end of its last frame" in refused(path, b"".join(plain)[:-9])
    assert "no MP3 frame begins at byte" in refused(path, b"".join(plain[:5]) + b"junk" + b"".join(plain[5:]))
    other_rate = plain[5][:2] + bytes([plain[5][2] ^ 4]) + plain[5][3:]
    assert "no MP3 frame begins at byte" in refused(path, b"".join([*plain[:5], other_rate, *plain[5:]]))


def test_tags_are_no_sound(path, plain, mp3):
    before = b"ID3\x03\0\0\0\2\0\0" + bytes(2 << 14)  # a picture may be larger than the sound
    path = path.with_suffix(".mp3")  # else libsndfile does not look behind a footer
    footer = b"ID3\x04\0\x10\0\0\0\x05" + bytes(5 + 10)
    for whole in (plain, mp3):
        bare = accepted(path, b"".join(whole))
        for start in (before, footer, before + footer):
            for end in (b"", b"TAG" + bytes(125), b"APETAGEX" + bytes(24), b"LYRICSBEGIN" + bytes(20)):
                np.testing.assert_array_equal(accepted(path, start + b"".join(whole) + end), bare)


def test_layers_one_and_two_are_not_mp3(path, plain):
    refused(path, b"".join(frame[:1] + bytes([frame[1] ^ 6]) + frame[2:] for frame in plain))


def flac_of(path, **changes):
    """A FLAC file whose header says another ``rate``, or number of ``samples``."""
    content = written(path, "FLAC")
    fields = int.from_bytes(content[18:26])
    if "samples" in changes:
        fields = fields >> 36 << 36 | changes["samples"]
    if "rate" in changes:
        fields = fields & (1 << 44) - 1 | changes["rate"] << 44
    return content[:18] + fields.to_bytes(8) + content[26:]


def wav_of(path, rate=RATE, size=None):
    """A WAV file whose header says another ``rate``, or ``size`` of its data in bytes."""
    content = written(path, "WAV")
    data = content.index(b"data") + 4
    size = content[data : data + 4] if size is None else size.to_bytes(4, "little")
    return content[:24] + rate.to_bytes(4, "little") + content[28:data] + size + content[data + 4 :]


def test_a_flac_header_that_lies(path):
    assert len(accepted(path, flac_of(path, samples=2 * RATE))) == 2 * RATE
    refused(path, flac_of(path, samples=2 * RATE + 1))
    assert "does not give its length" in refused(path, flac_of(path, samples=0))


def test_what_a_header_promises_takes_no_memory(path):
    huge = [flac_of(path, samples=2**36 - 1), flac_of(path, samples=3600 * RATE), wav_of(path, size=2**31 - 10_000)]
    for content in huge:
        tracemalloc.start()
        refused(path, content)
        assert tracemalloc.get_traced_memory()[1] < 100e6
        tracemalloc.stop()
    assert len(accepted(path, wav_of(path, size=2**31 - 1))) == 2 * RATE  # as who writes to a pipe says


@pytest.mark.parametrize("rate", [1, 3, 999, 768_001, 2**31 - 1])
def test_odd_rates(path, rate):
    assert "Hz; rates from 1,000 to 768,000 Hz are read" in refused(path, wav_of(path, rate))


def test_a_file_of_more_than_an_hour(path):
    soundfile.write(path, np.zeros(3601 * 1000), 1000, format="WAV", subtype="PCM_U8")
    assert "longer than an hour; split it into parts" in refused(path, path.read_bytes())


def test_what_is_no_file(path, tmp_path):
    for wrong, said in ((path, "there is no such file"), (tmp_path, "is not an audio file")):
        with pytest.raises(UserError, match=f"{wrong}: {said}$"):
            read_audio(wrong, RATE)
    os.mkfifo(path)
    with pytest.raises(UserError, match="is not an audio file"):
        read_audio(path, RATE)
    assert "is empty" in refused(tmp_path / "empty.wav", b"")
