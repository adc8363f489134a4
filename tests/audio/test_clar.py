"""CLAR's three channels against a plain transform, frame by frame, closed forms and librosa."""

import numpy as np
import pytest
import torch

from soundclr.audio.representations import Clar
from soundclr.errors import UserError
from soundclr.params import AudioSettings, validated

RATE = 16_000
CODE = {
    "channels": 3, "n_fft": 2048, "window": 2048, "hop_length": 128, "bands": 128, "lowest": 40.0, "highest": 8000.0,
}  # fmt: skip
QUICK = {"bands": 64, "hop_length": 256}
HERTZ = 40 * 200 ** (np.arange(128) / 128)


def channels(waveforms, rate=RATE, **changes):
    """Magnitude, phase and mel, each (bands, frames), of one waveform."""
    transform = Clar(**{**CODE, **changes}).prepare(rate, torch.device("cpu"))
    return transform(torch.as_tensor(waveforms, dtype=torch.float32)[None])[0].numpy()


def plain(waveform, rate=RATE, n_fft=2048, window=2048, hop_length=128, bands=128, lowest=40.0, highest=8000.0):
    """R and -I, frame by frame and frequency by frequency, in float64: (bands, frames), complex."""
    padded = np.pad(waveform.astype(np.float64), n_fft // 2, mode="reflect")
    weights = np.zeros(n_fft)
    weights[(n_fft - window) // 2 :][:window] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    result = np.empty((bands, len(waveform) // hop_length + 1), complex)
    for k in range(bands):
        angles = 2 * np.pi * lowest * (highest / lowest) ** (k / bands) * np.arange(n_fft) / rate
        for t in range(result.shape[1]):
            frame = weights * padded[hop_length * t :][:n_fft]
            result[k, t] = frame @ np.cos(angles) - 1j * (frame @ np.sin(angles))
    return result


def noise(samples=2500, level=0.1):
    return (level * np.random.default_rng(0).standard_normal(samples)).astype(np.float32)


@pytest.mark.parametrize(
    ("rate", "changes"),
    [
        (RATE, {}),
        (RATE, QUICK),
        (RATE, {"window": 256}),
        (44_100, {}),
        (RATE, {"hop_length": 48, "window": 144, "bands": 20}),
        (RATE, {"hop_length": 500, "window": 300, "bands": 20}),
        (8_000, {"highest": 4000.0, "n_fft": 1024, "window": 512}),
    ],
)
def test_magnitude_and_phase_against_a_loop(rate, changes):
    waveform = noise()
    magnitude, phase, _ = channels(waveform, rate, **changes)
    expected = plain(waveform, rate, **{key: value for key, value in {**CODE, **changes}.items() if key != "channels"})
    amplitude = np.abs(expected)
    np.testing.assert_allclose(magnitude, 10 * np.log10(amplitude**2 + 1e-8) - 20, rtol=0, atol=0.02)
    np.testing.assert_allclose(amplitude * np.exp(1j * phase), expected, rtol=0, atol=1e-4)
    assert np.abs(phase).max() <= np.float32(np.pi)


def test_a_sine_at_one_of_the_frequencies():
    """Half the amplitude times the window's sum of 1,024, and a phase that goes on by 2 pi f hop / rate a frame."""
    k, amplitude, begin = 90, 0.5, 0.3
    waveform = amplitude * np.cos(2 * np.pi * HERTZ[k] * np.arange(RATE) / RATE + begin)
    magnitude, phase, _ = channels(waveform)
    inside = slice(8, 118)  # frames that reach over no end
    np.testing.assert_allclose(magnitude[k, inside], 20 * np.log10(amplitude / 2 * 1024) - 20, atol=1e-3)
    assert magnitude[:, inside].argmax(0).tolist() == [k] * 110
    starts = 128 * np.arange(8, 118) - 1024
    wanted = 2 * np.pi * HERTZ[k] * starts / RATE + begin
    np.testing.assert_allclose(np.angle(np.exp(1j * (phase[k, inside] - wanted))), 0, atol=1e-3)


@pytest.mark.parametrize(("changes", "length"), [({}, 2048), (QUICK, 2048), ({"window": 256}, 256)])
def test_mel_against_librosa(changes, length):
    librosa = pytest.importorskip("librosa")
    settings = {**CODE, **changes}
    waveform = noise(RATE) + 0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    power = librosa.feature.melspectrogram(
        y=waveform,
        sr=RATE,
        n_fft=2048,
        win_length=length,
        hop_length=settings["hop_length"],
        n_mels=settings["bands"],
        fmin=40,
        fmax=8000,
        pad_mode="reflect",
    )
    mel = channels(waveform, **changes)[2]
    np.testing.assert_allclose(mel, 10 * np.log10(np.maximum(power, 1e-5)) - 10, rtol=0, atol=5e-3)


def test_silence_is_at_the_floors():
    magnitude, phase, mel = channels(np.zeros(RATE))
    np.testing.assert_allclose(magnitude, -100)
    assert (phase == 0).all()
    np.testing.assert_allclose(mel, -60)


@pytest.mark.parametrize(("samples", "changes", "shape"), [
    (16_000, {}, (128, 126)), (64_000, {}, (128, 501)), (80_000, {}, (128, 626)), (16_000, QUICK, (64, 63)),
])  # fmt: skip
def test_shape_and_layout(samples, changes, shape):
    entry = Clar(**{**CODE, **changes})
    images = entry.prepare(RATE, torch.device("cpu"))(torch.zeros(2, samples))
    assert entry.shape(samples) == shape and images.shape == (2, 3, *shape)
    assert images.is_contiguous(memory_format=torch.channels_last) and images.dtype == torch.float32


def test_clips_of_a_batch_do_not_mix_and_autocast_does_not_make_it_coarse():
    waves = torch.from_numpy(np.stack([noise(), 0.01 * noise()[::-1]]))
    before = waves.clone()
    transform = Clar(**CODE).prepare(RATE, torch.device("cpu"))
    with torch.autocast("cpu", torch.bfloat16):
        images = transform(waves)
    for wave, image in zip(waves, images, strict=True):
        torch.testing.assert_close(transform(wave[None])[0], image, rtol=0, atol=1e-3)
    assert torch.equal(waves, before)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"window": 4096}, "window: Input should not be more than n_fft: 2048, found 4096"),
        ({"window": 255}, "window: Input should be a multiple of 2, found 255"),
        ({"highest": 40.0}, "highest_hz: Input should be more than lowest_hz: 40.0, found 40.0"),
        ({"hop_length": 127}, "hop_length: Input should be a multiple of 2, found 127"),
        ({"bands": 0}, "bands: Input should be greater than or equal to 1, found 0"),
        ({"channels": 1}, "channels: Input should be 3, found 1"),
    ],
)
def test_a_wrong_parameter_is_one_line(changes, said):
    with pytest.raises(UserError) as error:
        validated(Clar, {**CODE, **changes}, "here")
    assert str(error.value) == f"here: {said}"


@pytest.mark.parametrize(
    ("rate", "samples", "said"),
    [
        (8000, 8000, "highest_hz is 8000, more than half the sample rate 8000; lower it"),
        (16_000, 1024, "clips of 1024 samples cannot be reflected by half of n_fft: 2048; lower it"),
        (16_000, 1025, None),
    ],
)
def test_clips_that_it_cannot_be_made_of(rate, samples, said):
    assert Clar(**CODE).refuses(AudioSettings(sample_rate=rate, samples=samples)) == said
