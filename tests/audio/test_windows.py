"""Three mel spectrograms of one clip against a plain version, frame by frame, resized by PIL."""

import numpy as np
import pytest
import torch
from PIL import Image

from soundclr.audio.representations import Windows
from soundclr.errors import UserError
from soundclr.params import AudioSettings, validated

CODE = {
    "channels": 3, "windows": [25, 50, 100], "hops": [10, 25, 50], "bands": 128, "width": 250, "minmax": False,
}  # fmt: skip
QUICK = {"bands": 64, "width": 125}


def transform(rate, **changes):
    """What makes the three channels."""
    return Windows(**{**CODE, **changes}).prepare(rate, torch.device("cpu"))


def filters(rate, n_fft, bands):
    """HTK's triangles of height 1: (bands, bins)."""

    def mel(hertz):
        return 2595 * np.log10(1 + hertz / 700)

    corners = 700 * (10 ** (np.linspace(0, mel(rate / 2), bands + 2) / 2595) - 1)
    hertz = np.linspace(0, rate / 2, n_fft // 2 + 1)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    return np.maximum(0, np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle)))


def plain(waveform, rate, windows, hops, bands, width):
    """Frame by frame in float64: (3, bands, width)."""
    n_fft = max(windows)
    # torchaudio's bins end at half the rate also where the number of samples is odd
    padded = np.pad(waveform.astype(np.float64), n_fft // 2, mode="reflect")
    triangles, images = filters(rate, n_fft, bands), []
    for window, hop in zip(windows, hops, strict=True):
        weights = np.zeros(n_fft)
        weights[(n_fft - window) // 2 :][:window] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
        count = (len(padded) - n_fft) // hop + 1
        powers = [np.abs(np.fft.rfft(weights * padded[hop * t :][:n_fft])) ** 2 for t in range(count)]
        logarithms = np.log(np.stack([triangles @ power for power in powers], 1) + 1e-6).astype(np.float32)
        images.append(np.asarray(Image.fromarray(logarithms).resize((width, bands), Image.Resampling.BILINEAR)))
    return np.stack(images)


def signal(rate, seconds):
    time = np.arange(int(rate * seconds)) / rate
    random = np.random.default_rng(0)
    return (0.3 * np.sin(2 * np.pi * (200 * time + 2000 * time**2)) + 0.05 * random.standard_normal(len(time))).astype(
        np.float32
    )


@pytest.mark.parametrize(
    ("rate", "windows", "hops"),
    [(44_100, (1102, 2205, 4410), (441, 1102, 2205)), (22_050, (551, 1102, 2205), (220, 551, 1102))],
)
@pytest.mark.parametrize("changes", [{}, QUICK])
def test_against_a_plain_version(rate, windows, hops, changes):
    """With windows and hops in samples as the reference code has them, wider and narrower than the frames."""
    waveform = signal(rate, 1.7)
    settings = {**CODE, **changes}
    image = transform(rate, **changes)(torch.from_numpy(waveform)[None])[0].numpy()
    expected = plain(waveform, rate, windows, hops, settings["bands"], settings["width"])
    np.testing.assert_allclose(image, expected, rtol=0, atol=5e-3)
    assert np.abs(image - expected).mean() < 1e-4


def test_frames_of_five_seconds():
    """501, 201 and 101 of them at 44.1 kHz."""
    made = transform(44_100)
    wave = torch.zeros(1, 220_500)
    frames = [torch.stft(wave, 4410, hop, return_complex=True, window=torch.ones(4410)).shape[2] for hop in made.hops]
    assert frames == [501, 201, 101]


def test_shape_layout_and_silence():
    entry = Windows(**CODE)
    images = entry.prepare(22_050, torch.device("cpu"))(torch.zeros(2, 22_050))
    assert entry.shape(22_050) == (128, 250) and images.shape == (2, 3, 128, 250)
    assert images.is_contiguous(memory_format=torch.channels_last) and images.dtype == torch.float32
    np.testing.assert_allclose(images.numpy(), np.log(1e-6), rtol=1e-5)
    assert not transform(22_050, minmax=True)(torch.zeros(2, 22_050)).any()


def test_minmax_brings_each_clip_to_0_and_1():
    waves = torch.from_numpy(np.stack([signal(22_050, 0.5), 0.01 * signal(22_050, 0.5)[::-1]]))
    plain, scaled = transform(22_050, **QUICK)(waves), transform(22_050, **QUICK, minmax=True)(waves)
    for image, between in zip(plain, scaled, strict=True):
        torch.testing.assert_close(between, (image - image.min()) / (image.max() - image.min()))
        assert between.min() == 0 and between.max() == 1


def test_clips_of_a_batch_do_not_mix_and_autocast_does_not_make_it_coarse():
    waves = torch.from_numpy(np.stack([signal(22_050, 0.5), 0.01 * signal(22_050, 0.5)[::-1]]))
    before, made = waves.clone(), transform(22_050, **QUICK)
    with torch.autocast("cpu", torch.bfloat16):
        images = made(waves)
    for wave, image in zip(waves, images, strict=True):
        torch.testing.assert_close(made(wave[None])[0], image, rtol=0, atol=1e-3)
    assert torch.equal(waves, before)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"windows": [25, 50]}, "windows.2: is missing"),
        ({"hops": [0, 25, 50]}, "hops.0: Input should be greater than or equal to 1, found 0"),
        ({"width": 0}, "width: Input should be greater than or equal to 1, found 0"),
        ({"minmax": "maybe"}, "minmax: Input should be true or false"),
        ({"channels": 1}, "channels: Input should be 3, found 1"),
    ],
)
def test_a_wrong_parameter_is_one_line(changes, said):
    with pytest.raises(UserError) as error:
        validated(Windows, {**CODE, **changes}, "here")
    assert str(error.value).startswith(f"here: {said}") and "\n" not in str(error.value)


def test_clips_that_are_too_short():
    entry = Windows(**CODE)
    assert entry.refuses(AudioSettings(sample_rate=22_050, samples=1103)) is None
    said = entry.refuses(AudioSettings(sample_rate=22_050, samples=1102))
    assert said == "clips of 1102 samples cannot be reflected by half of a window of 2205; shorten it"
    transform(22_050)(torch.zeros(1, 1103))
