"""Decoding: formats, channels, rates, and files that are no use."""

import resource

import numpy as np
import pytest
import soundfile

from soundclr.audio import decode
from soundclr.audio.decode import check_audio, read_audio, read_with_losses, to_int16, trim
from soundclr.errors import UserError

RATE = 44100


def tone(hertz, seconds=0.5, rate=RATE, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def loudest(samples, rate=RATE):
    """The frequency of the highest peak of the spectrum, in hertz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return spectrum.argmax() * rate / len(samples)


@pytest.mark.parametrize(
    ("name", "tolerance"), [("a.wav", 1 / 32768), ("a.flac", 1 / 32768), ("a.ogg", 0.02), ("a.mp3", 0.05)]
)
def test_formats(tmp_path, name, tolerance):
    expected = tone(440)
    soundfile.write(tmp_path / name, expected, RATE)
    samples = read_audio(tmp_path / name, RATE)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert abs(len(samples) - len(expected)) < 2500  # an MP3 is padded to whole frames
    assert loudest(samples) == pytest.approx(440, abs=3)
    middle = slice(5000, 15000)
    assert np.abs(samples[middle]).max() == pytest.approx(0.5, abs=tolerance)


def test_channels_become_their_mean(tmp_path):
    left, right = tone(440), tone(1000, amplitude=0.25)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], 1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav", RATE), (left + right) / 2, atol=1e-6)


def test_or_their_sum_where_that_is_asked_for(tmp_path):
    stereo = np.array([[0.5, 0.25], [-0.5, 0.5], [0.75, 0.75], [-1.0, -0.5]])
    soundfile.write(tmp_path / "a.wav", stereo, RATE, subtype="FLOAT")
    assert read_audio(tmp_path / "a.wav", RATE, "sum").tolist() == [0.75, 0.0, 1.0, -1.0]
    soundfile.write(tmp_path / "mono.wav", stereo[:, 0], RATE, subtype="FLOAT")
    assert read_audio(tmp_path / "mono.wav", RATE, "sum").tolist() == stereo[:, 0].tolist()


@pytest.mark.parametrize("rate", [48000, 22050, 8000, 44101, 11024, 768_000])
def test_resampling_keeps_length_and_pitch(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", tone(1000, rate=rate), rate, subtype="FLOAT")
    samples = read_audio(tmp_path / "a.wav", RATE)
    assert len(samples) == RATE // 2
    expected = tone(1000)
    np.testing.assert_allclose(samples[2000:-2000], expected[2000:-2000], atol=2e-3)


@pytest.mark.parametrize("rate", [44101, 11024, 1000, 768_000])
def test_an_unlucky_ratio_takes_no_memory(tmp_path, rate):
    """A windowed sinc of every phase has 7.8 GB for 44,101 Hz."""
    soundfile.write(tmp_path / "a.wav", tone(100, rate=rate), rate, subtype="FLOAT")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read_audio(tmp_path / "a.wav", RATE)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KB


def test_a_long_file_is_decoded_in_parts_that_fit(tmp_path, monkeypatch):
    """The same samples come of it, also where they are resampled, and of two channels."""
    for name, rate in (("a.ogg", RATE), ("a.mp3", RATE), ("a.flac", 22050), ("a.wav", 48000)):
        stereo = np.stack([tone(440, 1, rate), tone(600, 1, rate, 0.1)], 1)
        soundfile.write(tmp_path / name, stereo, rate)
        whole = read_audio(tmp_path / name, RATE)
        with monkeypatch.context() as patch:
            patch.setattr(decode, "AT_ONCE", 5001)
            np.testing.assert_allclose(read_audio(tmp_path / name, RATE), whole, atol=1e-6)


def test_a_few_samples_at_a_low_rate_are_one(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(3, 0.5), RATE)
    assert read_audio(tmp_path / "a.wav", 4000).tolist() == [0.0]


def test_samples_past_full_scale_are_clipped(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([0.5, 1.5, -1.5]), RATE, subtype="FLOAT")
    assert read_audio(tmp_path / "a.wav", RATE).tolist() == [0.5, 1.0, -1.0]


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.rint(32767 * tone(440)), "samples up to 16,3"),  # int16's, as scipy writes them of an array of floats
        (32767 * tone(440), "samples up to 16,3"),
        (127 * np.sign(tone(440)), "samples up to 127"),
        (2.0**31 * tone(440), "samples up to 1,07"),
    ],
)
def test_integers_in_floats_are_refused(tmp_path, samples, said, subtype):
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype=subtype)
    for attempt in (lambda: read_audio(tmp_path / "a.wav", RATE), lambda: check_audio(tmp_path / "a.wav")):
        with pytest.raises(UserError, match=said) as caught:
            attempt()
        assert "divide them by the integers' full scale (int16: 32768)" in str(caught.value)


@pytest.mark.parametrize(
    ("samples", "subtype", "losses"),
    [
        (tone(441), "FLOAT", {}),
        (np.sign(tone(441)), "FLOAT", {}),  # whole numbers, none of them past full scale
        (
            4 * tone(441),
            "FLOAT",
            {"clipped": "66 % of its samples exceed full scale, by up to 2 times"},
        ),
        (np.r_[tone(441), 1.5], "FLOAT", {}),  # one sample in 22,050
        (4 * tone(441), "PCM_16", {}),  # clipped before it was a file
        (np.stack([tone(441), -tone(441)], 1), "PCM_16", {"cancelled": "its channels cancel each other, so that"}),
        (np.stack([tone(441), -0.999 * tone(441)], 1), "FLOAT", {"cancelled": "its channels cancel each other"}),
        (np.stack([tone(441), -0.9 * tone(441)], 1), "FLOAT", {}),
        (np.stack([tone(441), 0 * tone(441)], 1), "PCM_16", {}),
        (np.zeros((100, 2)), "PCM_16", {}),
    ],
)
def test_losses_of_a_sound_are_returned(tmp_path, samples, subtype, losses):
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype=subtype)
    found, said = read_with_losses(tmp_path / "a.wav", RATE)
    assert said.keys() == losses.keys() and all(said[kind].startswith(losses[kind]) for kind in losses)
    np.testing.assert_array_equal(found, read_audio(tmp_path / "a.wav", RATE))


def test_int16_rounds_and_clips():
    samples = np.array([0, 0.6, -0.6, 0.4, 32767.4, 40000, -32768, -40000], dtype=np.float32) / 32768
    assert to_int16(samples).tolist() == [0, 1, -1, 0, 32767, 32767, -32768, -32768]


def test_int16_files_come_back_exactly(tmp_path):
    values = np.arange(-32768, 32768, dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", values, RATE, subtype="PCM_16")
    np.testing.assert_array_equal(to_int16(read_audio(tmp_path / "a.wav", RATE)), values)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([0, 0, 1, 0, -2, 0], [1, 0, -2]),
        ([3, 0, 0], [3]),
        ([1, 2], [1, 2]),
        ([0, 0, 0], [0, 0, 0]),
        ([0], [0]),
    ],
)
def test_trim(samples, expected):
    assert trim(np.array(samples, dtype=np.float32)).tolist() == expected
    assert trim(np.array(samples, dtype=np.int16)).tolist() == expected


def test_useless_files_are_named(tmp_path):
    cases = {
        "missing.wav": "there is no such file",
        "text.wav": "is no WAV, FLAC, Ogg or MP3 file",
        "text.ogg": "is no WAV, FLAC, Ogg or MP3 file",
    }
    for name in ("text.wav", "text.ogg"):
        (tmp_path / name).write_text("this is not audio")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    cases["empty.wav"] = "no samples"
    for name, value in (("nan.wav", np.nan), ("inf.wav", np.inf)):
        soundfile.write(tmp_path / name, np.array([0.1, value, 0.2]), RATE, subtype="FLOAT")
        cases[name] = "NaN or infinite"
    for name, reason in cases.items():
        with pytest.raises(UserError, match=f"(?s){name}.*{reason}"):
            read_audio(tmp_path / name, RATE)
