"""Whole batches: shapes, layout, what is random and what is not."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import soundclr.audio.augmentation
import soundclr.audio.crop
from soundclr.audio.augmentations import AUGMENTATIONS, FrequencyMask, Scale, TimeMask
from soundclr.audio.features import Waveforms
from soundclr.audio.logmel import LogMelTransform
from soundclr.audio.pipeline import Augment, Inputs
from soundclr.audio.representations import Clar
from soundclr.errors import UserError
from soundclr.params import AudioSettings, Choice, CropSettings, read_params

RATE, SAMPLES = 8000, 4000
LOGMEL = {"n_fft": 256, "hop_length": 128, "n_mels": 24, "window": "hann", "padding": "zeros", "floor_db": -80.0}

CLAR = {
    "channels": 3, "n_fft": 256, "window": 256, "hop_length": 128, "bands": 24, "lowest": 40.0, "highest": 4000.0,
}  # fmt: skip


def inputs(channels=3, rate=RATE, representation="log_mel", **crop):
    random = np.random.default_rng(0)
    arrays = [random.integers(-5000, 5000, count).astype(np.int16) for count in (1, 900, 4000, 4100, 6000, 9000)]
    arrays.append(np.zeros(5000, np.int16))
    parameters = {"log_mel": {"channels": channels, **LOGMEL}, "waveform": {"channels": 1}, "clar": CLAR}[
        representation
    ]
    settings = SimpleNamespace(
        audio=AudioSettings(sample_rate=rate, samples=SAMPLES),
        crop=CropSettings(**{"train": "random", "eval": "centre", **crop}),
        representation=Choice(name=representation, parameters=parameters),
    )
    return Inputs(Waveforms.from_arrays(arrays, RATE), settings)


def augment(scale=None, bands=0, frames=0, value=0.0, waveform=()):
    masks = [FrequencyMask(count=bands, width=6, value=value), TimeMask(count=frames, width=6, value=value)]
    return Augment(scale and Scale(factor=scale), waveform, masks if bands or frames else [])


ALL_ON = augment(1.25, 2, 1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


ALL = torch.arange(7)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("views", [1, 2, 3])
def test_shape_and_layout(channels, views):
    source = inputs(channels)
    for batch, clips in (
        (source.train_batch(ALL, ALL_ON, seeded(), views), 7 * views),
        (source.eval_batch(ALL, seeded()), 7),
    ):
        assert batch.shape == (clips, channels, 24, 32)
        assert batch.dtype == torch.float32
        assert batch.is_contiguous(memory_format=torch.channels_last)
        assert batch.isfinite().all()
        assert (batch == batch[:, :1]).all()


def test_waveforms_for_a_1_d_encoder():
    source = inputs(representation="waveform")
    batch = source.train_batch(ALL, augment(1.25), seeded(), views=2)
    assert batch.shape == (14, 1, SAMPLES) and batch.is_contiguous()
    waves = torch.cat([part for part, _ in source.eval_waveforms(ALL, seeded())])
    assert torch.equal(source.eval_batch(ALL, seeded()), waves[:, None])


def test_views_are_independent_draws_one_after_the_other():
    source = inputs()
    two = source.train_batch(ALL, ALL_ON, seeded(), views=2)
    assert torch.equal(two[:7], source.train_batch(ALL, ALL_ON, seeded()))
    assert not torch.equal(two[:7], two[7:])
    still = inputs(train="centre").train_batch(ALL, augment(), seeded(), views=2)
    assert torch.equal(still[:7], still[7:])


@pytest.mark.parametrize("representation", ["waveform", "clar"])
def test_each_view_of_augmented_waveforms_begins_with_the_clean_clip(repo, representation):
    """All augmentations of params.yaml, one after the other, for each of two views; the clips stay as they are."""
    defaults = read_params(repo / "params.yaml")["defaults"]["augmentations"]
    entries = [AUGMENTATIONS[name](**parameters) for name, parameters in defaults.items()]
    augmented = Augment(None, [entry for entry in entries if entry.domain == "waveform"])
    assert len(augmented.waveform) == 8
    source = inputs(representation=representation, train="centre")
    clean, evaluation = source.waveforms.samples.clone(), source.eval_batch(ALL, seeded())
    two, random = source.train_batch(ALL, augmented, seeded(), views=2), seeded()
    one_by_one = torch.cat([source.train_batch(ALL, augmented, random) for _ in range(2)])
    assert torch.equal(two, one_by_one) and two.isfinite().all()
    assert not torch.equal(two[:7], two[7:])
    assert torch.equal(source.waveforms.samples, clean)
    assert torch.equal(source.eval_batch(ALL, seeded()), evaluation)


def test_the_three_channels_of_clar_keep_their_order():
    source = inputs(representation="clar")
    batch = source.eval_batch(ALL, seeded())
    assert batch.shape == (7, 3, 24, 32) and batch.is_contiguous(memory_format=torch.channels_last)
    clip = source.waveforms.samples[901:4901].float() / 32768
    expected = Clar(**CLAR).prepare(RATE, torch.device("cpu"))(clip[None])
    torch.testing.assert_close(batch[2:3], expected)


def test_a_seed_decides_the_training_batch():
    source = inputs()
    batch = source.train_batch(ALL, ALL_ON, seeded())
    assert torch.equal(batch, source.train_batch(ALL, ALL_ON, seeded()))
    assert torch.equal(batch, inputs().train_batch(ALL, ALL_ON, seeded()))
    assert not torch.equal(batch, source.train_batch(ALL, ALL_ON, seeded(1)))
    generator = seeded()
    assert torch.equal(batch, source.train_batch(ALL, ALL_ON, generator))
    assert not torch.equal(batch, source.train_batch(ALL, ALL_ON, generator))


@pytest.mark.parametrize(
    ("crop", "augmented"),
    [
        ("centre", augment(1.25)),
        ("random", augment()),
        ("centre", augment(bands=2)),
        ("centre", augment(frames=1)),
        ("centre", augment(waveform=[lambda batch, random: -0.5 * batch + 0.1])),
    ],
)
def test_every_augmentation_changes_the_batch_and_without_them_it_is_the_evaluation_batch(crop, augmented):
    still = inputs(train="centre")
    evaluation = still.eval_batch(ALL, seeded())
    assert torch.equal(still.train_batch(ALL, augment(), seeded()), evaluation)
    changed = inputs(train=crop)
    assert not torch.equal(changed.train_batch(ALL, augmented, seeded()), evaluation)
    assert torch.equal(changed.eval_batch(ALL, seeded()), evaluation)


def test_evaluation_is_random_only_by_parameter():
    source = inputs()
    assert torch.equal(source.eval_batch(ALL, seeded()), source.eval_batch(ALL, seeded(1)))
    source = inputs(eval="random")
    assert torch.equal(source.eval_batch(ALL, seeded()), source.eval_batch(ALL, seeded()))
    assert not torch.equal(source.eval_batch(ALL, seeded()), source.eval_batch(ALL, seeded(1)))


@pytest.mark.parametrize("crop", ["centre", "random"])
def test_the_evaluation_batch_in_two_steps(crop):
    """Waveforms first, then their images: what noise is added between."""
    source = inputs(eval=crop)
    waves, own = zip(*source.eval_waveforms(ALL, seeded()), strict=True)
    assert torch.cat(waves).shape == (7, SAMPLES) and torch.cat(own).shape == (7, 2)
    assert torch.equal(source.images(waves), source.eval_batch(ALL, seeded()))


@pytest.mark.parametrize("crop", ["centre", "random"])
def test_a_clips_own_samples_are_told_from_its_padding(crop):
    """Of clips of 1, 900, 4000 and more samples in 4000: what is outside is the first or last of them, over again."""
    source = inputs(eval=crop)
    clips = source.waveforms
    for clip, (wave, own) in enumerate(source.eval_waveforms(ALL, seeded())):
        begin, end = own[0].tolist()
        samples = clips.samples[clips.offsets[clip] : clips.offsets[clip + 1]].float() / 32768
        if len(samples) < SAMPLES:
            assert torch.equal(wave[0, begin:end], samples)
            assert (wave[0, :begin] == samples[0]).all() and (wave[0, end:] == samples[-1]).all()
        else:
            assert (begin, end) == (0, SAMPLES)


def test_a_clip_at_the_start_is_cut_at_its_end_or_has_zeros_after_it(monkeypatch):
    source = inputs(representation="waveform", train="start", eval="start")
    clips = source.waveforms
    expected = torch.zeros(7, SAMPLES)
    for clip in range(7):
        samples = clips.samples[clips.offsets[clip] : clips.offsets[clip + 1]][:SAMPLES]
        expected[clip, : len(samples)] = samples.float() / 32768
    assert torch.equal(source.train_batch(ALL, augment(), seeded())[:, 0], expected)
    assert torch.equal(source.eval_batch(ALL, seeded())[:, 0], expected)
    own = torch.cat([own for _, own in source.eval_waveforms(ALL, seeded())])
    assert own.tolist() == [[0, min(size, SAMPLES)] for size in (1, 900, 4000, 4100, 6000, 9000, 5000)]
    shortened = source.train_batch(ALL, augment(1.25), seeded())[:, 0]
    ends = [int(row.nonzero().max()) for row in shortened[:6]]
    monkeypatch.setattr(soundclr.audio.crop, "ONE_BY_ONE", ())
    many = source.train_batch(ALL, augment(1.25), seeded())[:, 0]
    torch.testing.assert_close(many, shortened, rtol=0, atol=1e-5)
    assert ends[0] <= 1 and 700 < ends[1] < 1130 and ends[1] != 899


def test_masks_have_their_value():
    batch = inputs().train_batch(ALL, augment(1.25, 2, 1, value=-123.0), seeded())
    assert (batch == -123).any()
    hidden = batch[:, 0] == -123
    bands, frames = hidden.all(2), hidden.all(1)
    assert torch.equal(hidden, bands[:, :, None] | frames[:, None, :])
    assert bands.sum(1).max() <= 12
    assert frames.sum(1).max() <= 6


def test_the_evaluation_batch_is_the_log_mel_of_the_clip():
    source = inputs()
    clip = source.waveforms.samples[901:4901].float() / 32768
    expected = LogMelTransform(RATE, torch.device("cpu"), **LOGMEL)(clip[None])
    torch.testing.assert_close(source.eval_batch(torch.tensor([2]), seeded())[:, :1], expected)


def test_how_many_clips_are_worked_on_at_once_changes_nothing(monkeypatch):
    source = inputs()
    batch = source.train_batch(ALL, ALL_ON, seeded())
    monkeypatch.setattr(soundclr.audio.augmentation, "SAMPLES_AT_ONCE_ON_CPU", 1)
    torch.testing.assert_close(source.train_batch(ALL, ALL_ON, seeded()), batch, rtol=0, atol=1e-4)


def test_another_sample_rate_is_refused():
    with pytest.raises(UserError, match="sample_rate is 44100, but the features have 8000"):
        inputs(rate=44100)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_makes_the_same_batch(monkeypatch):
    source = inputs()
    monkeypatch.setattr(Waveforms, "from_arrays", lambda *_: source.waveforms.to("cuda"))
    batch = inputs().train_batch(ALL, ALL_ON, seeded())
    assert batch.device.type == "cuda"
    torch.testing.assert_close(batch.cpu(), source.train_batch(ALL, ALL_ON, seeded()), rtol=0, atol=1e-2)
