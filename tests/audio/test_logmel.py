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
from soundclr.params import AudioSettings

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


@pytest.mark.parametrize("reference", [1.0, 30.0])
@pytest.mark.parametrize(("fmin", "fmax"), [(50, 14000), (0, None), (300, 8000)])
def test_other_bands_and_an_absolute_reference_are_librosa_s(fmin, fmax, reference):
    """PANNs' input (Kong et al. 2020) is 50 to 14000 Hz, 0 dB the power 1.

    The floor is where a float32 Fourier transform still has digits: the loudest are 20 to 50 dB over the power 1.
    """
    librosa = pytest.importorskip("librosa")
    waveforms = signals()
    module = transform(fmin_hz=fmin, fmax_hz=fmax, reference_power=reference, floor_db=-40.0, padding="reflect")
    for waveform, image in zip(waveforms, module(torch.from_numpy(waveforms)).numpy(), strict=True):
        power = librosa.feature.melspectrogram(
            y=waveform, sr=RATE, n_fft=1024, hop_length=512, n_mels=128, fmin=fmin, fmax=fmax, pad_mode="reflect"
        )
        compare(image, librosa.power_to_db(power, ref=reference, amin=1e-4 * reference, top_db=None))


def test_bands_and_reference_are_torchaudio_s():
    """At the power 1 as reference its decibels are ours, down to the floor."""
    torchaudio = pytest.importorskip("torchaudio")
    waveforms = torch.from_numpy(signals())
    spectrogram = torchaudio.transforms.MelSpectrogram(
        RATE, 1024, hop_length=512, n_mels=64, f_min=50, f_max=14000, norm="slaney", mel_scale="slaney"
    )
    expected = torchaudio.transforms.AmplitudeToDB("power")(spectrogram(waveforms)).clamp(min=-40)
    found = transform(n_mels=64, fmin_hz=50, fmax_hz=14000, reference_power=1.0, padding="reflect", floor_db=-40.0)
    compare(found(waveforms).numpy(), expected.numpy())


def test_an_absolute_reference_keeps_how_loud_a_clip_is():
    waveforms = torch.from_numpy(signals())
    images = transform(reference_power=1.0)(torch.cat([waveforms[:1], waveforms[:1] / 10]))
    loud = images[1] > -59
    torch.testing.assert_close(
        images[0][loud] - images[1][loud], torch.full_like(images[0][loud], 20), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize(
    ("bands", "refused"),
    [
        ({"fmax_hz": 11026}, "bands from 0 to 11026 Hz are not between 0 and half the sample rate 22050"),
        ({"fmin_hz": 12000}, "bands from 12000 to 11025 Hz"),
        ({"fmin_hz": 900, "fmax_hz": 800}, "bands from 900 to 800 Hz"),
        ({"fmin_hz": 50, "fmax_hz": 11025}, None),
        ({"n_fft": 254}, None),
        ({"n_fft": 253}, "n_mels is 128, but n_fft: 253 has 127 frequencies from 0 to 11025 Hz; raise n_fft"),
        ({"fmax_hz": 2750}, None),
        ({"fmax_hz": 2700}, "n_mels is 128, but n_fft: 1024 has 126 frequencies from 0 to 2700 Hz; raise n_fft"),
    ],
)
def test_bands_that_a_clip_does_not_have_are_refused(bands, refused):
    paper = {"n_fft": 1024, "hop_length": 512, "n_mels": 128, "window": "hann", "padding": "zeros", "floor_db": -80.0}
    found = LogMel(channels=1, **(paper | bands)).refuses(AudioSettings(sample_rate=22050, samples=22050))
    assert found is None if refused is None else found.startswith(refused)


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
