"""Log-mel spectrograms against librosa's, on synthetic signals and on real clips.

The tolerance is 5e-3 dB: torchaudio builds its filters in float32, librosa in float64, which shows at a
filter's edge; and far below a loud tone both see the rounding of a float32 Fourier transform. The mean
difference is to be under 1e-4 dB.
"""

import io
import zipfile

import numpy as np
import pytest
import soundfile
import torch

from soundclr.audio.representations import LogMel, LogMelUnit

RATE = 44100
TOLERANCE = 5e-3
WINDOWS = ["hann", "hamming"]
PADDINGS = {"zeros": "constant", "reflect": "reflect"}


def transform(**changes):
    """The log-mel spectrogram of the paper, or one that differs from it: (clips, samples) -> (clips, bands, frames)."""
    paper = {"n_fft": 1024, "hop_length": 512, "n_mels": 128, "window": "hann", "padding": "zeros", "floor_db": -80.0}
    prepared = LogMel(channels=3, **{**paper, **changes}).prepare(RATE, torch.device("cpu"))
    return lambda waveforms: prepared(waveforms)[:, 0]


def librosa_logmel(waveform, window="hann", padding="zeros"):
    librosa = pytest.importorskip("librosa")
    power = librosa.feature.melspectrogram(
        y=waveform * 32768.0,
        sr=RATE,
        n_fft=1024,
        hop_length=512,
        n_mels=128,
        window=window,
        pad_mode=PADDINGS[padding],
    )
    return librosa.power_to_db(power, ref=np.max)


def signals():
    random = np.random.default_rng(0)
    time = np.arange(2 * RATE) / RATE
    sweep = 0.7 * np.sin(2 * np.pi * (50 * time + 5000 * time**2))
    bursts = np.where(time % 0.5 < 0.02, random.standard_normal(len(time)) * 0.2, 0)
    low = 0.9 * np.sin(2 * np.pi * 60 * time) + 1e-3 * random.standard_normal(len(time))
    return np.stack([sweep, bursts, low, random.standard_normal(len(time)) * 0.1]).astype(np.float32)


def compare(image, expected, name=""):
    np.testing.assert_allclose(image, expected, rtol=0, atol=TOLERANCE, err_msg=name)
    assert np.abs(image - expected).mean() < 1e-4, name


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("padding", PADDINGS)
def test_against_librosa_on_synthetic_signals(window, padding):
    waveforms = signals()
    ours = transform(window=window, padding=padding)(torch.from_numpy(waveforms)).numpy()
    for waveform, image in zip(waveforms, ours, strict=True):
        compare(image, librosa_logmel(waveform, window, padding))
        assert image.max() == 0
        assert image.min() >= -80


def test_against_librosa_on_real_clips(mirror):
    with zipfile.ZipFile(next(mirror.glob("ESC-10-*.zip"))) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".ogg"))[::40]
        clips = [soundfile.read(io.BytesIO(archive.read(name)), dtype="float32")[0] for name in names]
    assert len(clips) == 10
    module = transform()
    for name, clip in zip(names, clips, strict=True):
        waveform = np.clip(clip if clip.ndim == 1 else clip.mean(1), -1, 1)[:220500]
        image = module(torch.from_numpy(waveform)[None])[0].numpy()
        compare(image, librosa_logmel(waveform), name)


@pytest.mark.parametrize(("samples", "frames"), [(220500, 431), (176400, 345)])
def test_shape(samples, frames):
    assert transform()(torch.zeros(2, samples)).shape == (2, 128, frames)


@pytest.mark.parametrize("padding", PADDINGS)
def test_silence_is_finite(padding):
    images = transform(padding=padding)(torch.zeros(2, 44100))
    assert torch.equal(images, torch.zeros_like(images))


def test_each_clip_has_its_own_maximum_and_the_floor_is_a_setting():
    waveforms = torch.from_numpy(signals())
    module = transform(floor_db=-40.0)
    images = module(waveforms * torch.tensor([[1.0], [0.1], [0.01], [1.0]]))
    assert images.amax((1, 2)).tolist() == [0] * 4
    assert images.min() == -40
    torch.testing.assert_close(images[0], module(waveforms[:1])[0])


def test_autocast_does_not_make_it_coarse():
    waveforms = torch.from_numpy(signals())
    module = transform()
    with torch.autocast("cpu", torch.bfloat16):
        inside = module(waveforms)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, module(waveforms))


@pytest.mark.parametrize(("samples", "frames"), [(220500, 431), (176400, 345), (511, 1)])
def test_the_shape_is_known_beforehand(samples, frames):
    assert LogMel(
        channels=3, n_fft=1024, hop_length=512, n_mels=128, window="hann", padding="zeros", floor_db=-80
    ).shape(samples) == (128, frames)


def test_the_unit_range_is_that_of_the_decibels():
    settings = {"n_fft": 1024, "hop_length": 512, "n_mels": 64, "window": "hann", "padding": "zeros", "floor_db": -60.0}
    waves = torch.randn(2, RATE, generator=torch.Generator().manual_seed(0)) * torch.linspace(0, 1, RATE) ** 4
    found = LogMelUnit(channels=3, **settings).prepare(RATE, torch.device("cpu"))(waves)
    torch.testing.assert_close(found[:, 0], 1 + transform(**settings)(waves) / 60)
    assert found.min() == 0 and found.max() == 1
