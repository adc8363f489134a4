"""The phase vocoder against a plain one, frame by frame, and by what it must do to a tone."""

import numpy as np
import pytest
import torch

from soundclr.audio.vocoder import TOLERANCE, _vocoded, factors, frame_length, vocoded

RATE = 16_000


def tone(hertz=440.0, samples=RATE):
    """A tone under a slow swell, float32."""
    time = np.arange(samples) / RATE
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def ours(waveform, semitones=0, rate=1.0, n_fft=2048):
    """One clip shifted and stretched."""
    waves = torch.from_numpy(waveform)[None]
    return vocoded(waves, torch.tensor([semitones]), torch.tensor([rate], dtype=torch.float64), n_fft)[0].numpy()


def plain(waveform, semitones, rate, n_fft):
    """The vocoder of a textbook, in float64: phases added up bin by bin, frames put out one by one."""
    length = frame_length(n_fft, semitones)
    hop, step, samples = n_fft // 4, length // 4, len(waveform)
    padded = np.concatenate([np.zeros(n_fft), waveform.astype(np.float64), np.zeros(3 * n_fft)])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    spectra = [np.fft.rfft(window * padded[hop * t : hop * t + n_fft]) for t in range((len(padded) - n_fft) // hop)]
    out = np.zeros(samples + 4 * n_fft + 8 * length)
    weights = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    places = [min(max(0, 2 + (m - 2) * rate * step / hop), len(spectra) - 2) for m in range(samples // step + 5)]
    sums = [(1 - p % 1) * np.abs(spectra[int(p)]) + p % 1 * np.abs(spectra[int(p) + 1]) for p in places]
    phases = [np.zeros(len(sums[0]))]
    for place in places[:-1]:
        phases.append(phases[-1] + np.angle(spectra[int(place) + 1]) - np.angle(spectra[int(place)]))
    loudest = int(np.argmax([(magnitude**2).sum() for magnitude in sums]))
    right = np.angle(spectra[int(places[loudest])]) - phases[loudest]
    for m, (magnitude, phase) in enumerate(zip(sums, phases, strict=True)):
        spectrum = (magnitude * np.exp(1j * (phase + right)))[: length // 2 + 1]
        frame = np.fft.irfft(np.pad(spectrum, (0, length // 2 + 1 - len(spectrum))), length) * length / n_fft
        out[m * step : m * step + length] += weights * frame / 1.5
    out = out[length : length + samples]
    out[int(np.ceil(samples / rate)) :] = 0
    return out


@pytest.mark.parametrize(
    ("semitones", "rate", "n_fft", "samples"),
    [
        (0, 0.5, 256, 3000),
        (0, 1.5, 256, 3000),
        (5, 1.0, 256, 3001),
        (-7, 1.0, 512, 2999),
        (2, 0.9, 256, 1000),
        (15, 1.0, 64, 500),
    ],
)
def test_against_a_plain_vocoder(semitones, rate, n_fft, samples):
    waveform = tone(700, samples) + 0.1 * np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    expected = plain(waveform, semitones, rate, n_fft)
    np.testing.assert_allclose(ours(waveform, semitones, rate, n_fft), expected, rtol=0, atol=2e-4)
    assert np.abs(expected).max() > 0.3


@pytest.mark.parametrize(("semitones", "rate"), [(5, 1.0), (-9, 1.0), (0, 0.7), (0, 1.4)])
def test_as_librosa_in_mel_bands(semitones, rate):
    """Its vocoder begins phases elsewhere and resamples, so bands agree except for the fluctuation of noise."""
    librosa = pytest.importorskip("librosa")
    time, random = np.arange(RATE) / RATE, np.random.default_rng(0)
    sweep = 0.3 * np.sin(2 * np.pi * (200 * time + 1000 * time**2)) + 0.02 * random.standard_normal(RATE)
    waveform = sweep.astype(np.float32)
    if semitones:
        expected = librosa.effects.pitch_shift(waveform, sr=RATE, n_steps=semitones)
    else:
        expected = librosa.util.fix_length(librosa.effects.time_stretch(waveform, rate=rate), size=RATE)

    def bands(samples):
        power = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=1024, n_mels=40)
        return librosa.power_to_db(power, amin=1e-4)

    changed = bands(ours(waveform, semitones, rate))
    near, far = (np.abs(changed - bands(other)).mean() for other in (expected, waveform))
    assert near < 3 and far > 1.5 * near


def peak(waveform):
    """The frequency of most power, in hertz, to a part of a bin."""
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)), 8 * len(waveform)))
    return spectrum.argmax() * RATE / (8 * len(waveform))


@pytest.mark.parametrize(
    ("semitones", "hertz"), [(12, 880), (-12, 220), (7, 659.26), (0, 440), (15, 1046.5), (-15, 185)]
)
def test_a_tone_is_at_its_new_pitch_and_lasts_as_long(semitones, hertz):
    shifted = ours(tone(), semitones)
    assert peak(shifted) == pytest.approx(hertz, rel=TOLERANCE)
    inside = shifted[2000:-2000].reshape(-1, 500)
    np.testing.assert_allclose(np.sqrt((inside**2).mean(1)), 0.5 / 2**0.5, rtol=0.05)


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.25, 1.5])
def test_a_stretched_tone_keeps_its_pitch_and_ends_earlier_or_is_cut(rate):
    stretched = ours(tone(), rate=rate)
    end = min(RATE, round(RATE / rate))
    assert len(stretched) == RATE
    assert peak(stretched[:end]) == pytest.approx(440, abs=0.5)
    assert np.sqrt((stretched[1000 : end - 1000] ** 2).mean()) == pytest.approx(0.5 / 2**0.5, rel=0.05)
    assert (stretched[end:] == 0).all()


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_an_event_comes_at_the_time_of_its_rate(rate):
    burst = np.where((np.arange(RATE) >= 4000) & (np.arange(RATE) < 7000), tone(), 0).astype(np.float32)
    power = ours(burst, rate=rate) ** 2
    middle = (power * np.arange(RATE)).sum() / power.sum()
    assert middle == pytest.approx(5500 / rate, abs=100)
    assert power[int(4000 / rate) : int(7000 / rate)].sum() > 0.9 * power.sum()


def test_what_is_above_half_the_rate_is_left_out():
    assert np.abs(ours(tone(6000), 12)[2000:-2000]).max() < 2e-3


def test_the_same_pitch_and_rate_are_the_same_clip_and_the_work_alone_is_no_loss():
    waveform = tone() + np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    assert np.array_equal(ours(waveform), waveform)
    np.testing.assert_allclose(
        _vocoded(torch.from_numpy(waveform)[None], torch.ones(1).double(), 2048, 2048)[0], waveform, rtol=0, atol=2e-5
    )
    assert not ours(np.zeros(4000, np.float32), 3, 0.9).any()


def test_clips_of_a_batch_do_not_mix_and_are_left_alone():
    random = torch.Generator().manual_seed(0)
    waves = 0.1 * torch.randn(6, 3000, generator=random)
    before = waves.clone()
    semitones, rates = torch.tensor([3, 0, -4, 3, 0, 3]), torch.tensor([1.0, 1.3, 1.0, 0.9, 1.0, 1.0]).double()
    whole = vocoded(waves, semitones, rates, 512)
    for row, (wave, semitone, rate) in enumerate(zip(waves, semitones, rates, strict=True)):
        alone = vocoded(wave[None], semitone[None], rate[None], 512)[0]
        torch.testing.assert_close(whole[row], alone, rtol=0, atol=1e-4)
    assert torch.equal(whole[4], waves[4])
    assert torch.equal(waves, before)


@pytest.mark.parametrize("samples", [1, 2, 700])
def test_a_clip_shorter_than_a_frame(samples):
    for semitones, rate in ((4, 1.0), (-4, 0.7), (0, 1.6)):
        result = ours(tone(1000, samples) + 0.1, semitones, rate)
        assert result.shape == (samples,) and np.isfinite(result).all()


def test_lengths_of_frames():
    for semitones in range(-15, 16):
        length = frame_length(2048, semitones)
        assert length % 4 == 0
        assert 2048 / length == pytest.approx(2 ** (semitones / 12), rel=TOLERANCE)
        assert frame_length(64, semitones) > 0
    assert [frame_length(2048, octave) for octave in (-12, 0, 12)] == [4096, 2048, 1024]
    assert [list(factors(number)) for number in (1, 12, 13)] == [[1, 1], [1, 2, 2, 3], [1, 13]]
