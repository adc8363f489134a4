"""Whole batches: shapes, layout, what is random and what is not."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import soundclr.audio.pipeline
from soundclr.audio.features import Waveforms
from soundclr.audio.logmel import LogMel
from soundclr.audio.pipeline import Inputs
from soundclr.errors import UserError

RATE, SAMPLES = 8000, 4000
LOGMEL = SimpleNamespace(fft=256, hop=128, bands=24, window="hann", padding="zeros", floor_db=-80.0)
OFF = {"scale_factor": 1.0, "crop": "centre", "frequency_masks": 0, "time_masks": 0}


def inputs(channels=3, rate=RATE, **changes):
    random = np.random.default_rng(0)
    arrays = [random.integers(-5000, 5000, count).astype(np.int16) for count in (1, 900, 4000, 4100, 6000, 9000)]
    arrays.append(np.zeros(5000, np.int16))
    augment = {
        "scale_factor": 1.25,
        "crop": "random",
        "eval_crop": "centre",
        "frequency_masks": 2,
        "frequency_width": 6,
        "time_masks": 1,
        "time_width": 6,
        "mask_value": 0.0,
    }
    audio = SimpleNamespace(sample_rate=rate, samples=SAMPLES)
    waveforms = Waveforms.from_arrays(arrays, RATE)
    return Inputs(waveforms, audio, SimpleNamespace(**{**augment, **changes}), LOGMEL, channels)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


ALL = torch.arange(7)


@pytest.mark.parametrize("channels", [1, 3])
def test_shape_and_layout(channels):
    source = inputs(channels)
    for batch in (source.train_batch(ALL, seeded()), source.eval_batch(ALL, seeded())):
        assert batch.shape == (7, channels, 24, 32)
        assert batch.dtype == torch.float32
        assert batch.is_contiguous(memory_format=torch.channels_last)
        assert batch.isfinite().all()
        assert (batch == batch[:, :1]).all()


def test_a_seed_decides_the_training_batch():
    source = inputs()
    batch = source.train_batch(ALL, seeded())
    assert torch.equal(batch, source.train_batch(ALL, seeded()))
    assert torch.equal(batch, inputs().train_batch(ALL, seeded()))
    assert not torch.equal(batch, source.train_batch(ALL, seeded(1)))
    generator = seeded()
    assert torch.equal(batch, source.train_batch(ALL, generator))
    assert not torch.equal(batch, source.train_batch(ALL, generator))


@pytest.mark.parametrize(
    "change", [{"scale_factor": 1.25}, {"crop": "random"}, {"frequency_masks": 2}, {"time_masks": 1}]
)
def test_every_augmentation_changes_the_batch_and_without_them_it_is_the_evaluation_batch(change):
    still = inputs(**OFF)
    evaluation = still.eval_batch(ALL, seeded())
    assert torch.equal(still.train_batch(ALL, seeded()), evaluation)
    changed = inputs(**{**OFF, **change})
    assert not torch.equal(changed.train_batch(ALL, seeded()), evaluation)
    assert torch.equal(changed.eval_batch(ALL, seeded()), evaluation)


def test_evaluation_is_random_only_by_parameter():
    source = inputs()
    assert torch.equal(source.eval_batch(ALL, seeded()), source.eval_batch(ALL, seeded(1)))
    source = inputs(eval_crop="random")
    assert torch.equal(source.eval_batch(ALL, seeded()), source.eval_batch(ALL, seeded()))
    assert not torch.equal(source.eval_batch(ALL, seeded()), source.eval_batch(ALL, seeded(1)))


@pytest.mark.parametrize("crop", ["centre", "random"])
def test_the_evaluation_batch_in_two_steps(crop):
    """Waveforms first, then their images: what noise is added between."""
    source = inputs(eval_crop=crop)
    waves, own = zip(*source.eval_waveforms(ALL, seeded()), strict=True)
    assert torch.cat(waves).shape == (7, SAMPLES) and torch.cat(own).shape == (7, 2)
    assert torch.equal(source.spectrograms(waves), source.eval_batch(ALL, seeded()))


@pytest.mark.parametrize("crop", ["centre", "random"])
def test_a_clips_own_samples_are_told_from_its_padding(crop):
    """Of clips of 1, 900, 4000 and more samples in 4000: what is outside is the first or last of them, over again."""
    source = inputs(eval_crop=crop)
    clips = source.waveforms
    for clip, (wave, own) in enumerate(source.eval_waveforms(ALL, seeded())):
        begin, end = own[0].tolist()
        samples = clips.samples[clips.offsets[clip] : clips.offsets[clip + 1]].float() / 32768
        if len(samples) < SAMPLES:
            assert torch.equal(wave[0, begin:end], samples)
            assert (wave[0, :begin] == samples[0]).all() and (wave[0, end:] == samples[-1]).all()
        else:
            assert (begin, end) == (0, SAMPLES)


def test_masks_have_their_value():
    batch = inputs(mask_value=-123.0).train_batch(ALL, seeded())
    assert (batch == -123).any()
    hidden = batch[:, 0] == -123
    bands, frames = hidden.all(2), hidden.all(1)
    assert torch.equal(hidden, bands[:, :, None] | frames[:, None, :])
    assert bands.sum(1).max() <= 12
    assert frames.sum(1).max() <= 6


def test_the_evaluation_batch_is_the_log_mel_of_the_clip():
    source = inputs()
    clip = source.waveforms.samples[901:4901].float() / 32768
    expected = LogMel(LOGMEL, RATE)(clip[None])
    torch.testing.assert_close(source.eval_batch(torch.tensor([2]), seeded())[:, 0], expected)


def test_how_many_clips_are_worked_on_at_once_changes_nothing(monkeypatch):
    source = inputs()
    batch = source.train_batch(ALL, seeded())
    monkeypatch.setattr(soundclr.audio.pipeline, "CLIPS_AT_ONCE_ON_CPU", 7)
    torch.testing.assert_close(source.train_batch(ALL, seeded()), batch, rtol=0, atol=1e-4)


def test_another_sample_rate_is_refused():
    with pytest.raises(UserError, match="sample_rate is 44100, but the features have 8000"):
        inputs(rate=44100)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_makes_the_same_batch():
    source = inputs()
    parts = SimpleNamespace(sample_rate=RATE, samples=SAMPLES)
    other = Inputs(source.waveforms.to("cuda"), parts, source.augment, LOGMEL, 3)
    batch = other.train_batch(ALL, seeded())
    assert batch.device.type == "cuda"
    torch.testing.assert_close(batch.cpu(), source.train_batch(ALL, seeded()), rtol=0, atol=1e-2)
