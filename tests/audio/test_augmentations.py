"""Augmentations against plain loops, and the distributions of what they draw."""

import numpy as np
import pytest
import torch

from soundclr.audio.augmentations import AUGMENTATIONS, FrequencyMask, Scale, TimeMask, stripes


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def plain(clips, count, width, size, random):
    """Stripe by stripe, from the same uniform numbers."""
    uniform = torch.rand(2, count, clips, 1, generator=random, dtype=torch.float64).numpy()
    hidden = np.zeros((clips, size), bool)
    for clip in range(clips):
        for mask in range(count):
            wide = int(uniform[0, mask, clip, 0] * (min(width, size) + 1))
            start = int(uniform[1, mask, clip, 0] * (size - wide + 1))
            hidden[clip, start : start + wide] = True
    return hidden


@pytest.mark.parametrize(("count", "width", "size"), [(2, 32, 128), (1, 32, 431), (3, 5, 5), (2, 9, 4), (2, 0, 8)])
def test_stripes_against_a_loop(count, width, size):
    hidden = stripes(50, count, width, size, generator())
    np.testing.assert_array_equal(hidden.numpy(), plain(50, count, width, size, generator()))
    assert not torch.equal(hidden, stripes(50, count, width, size, generator(1))) or width == 0


def test_no_stripes():
    assert not stripes(4, 0, 32, 128, generator()).any()


def test_widths_and_starts_are_uniform():
    width, size, clips = 4, 10, 60_000
    hidden = stripes(clips, 1, width, size, generator())
    widths = hidden.sum(1)
    shares = torch.bincount(widths, minlength=width + 1) / clips
    np.testing.assert_allclose(shares.numpy(), np.full(width + 1, 1 / (width + 1)), atol=0.01)
    starts = hidden[widths == 3].int().argmax(1)
    shares = torch.bincount(starts, minlength=size - 2) / len(starts)
    np.testing.assert_allclose(shares.numpy(), np.full(size - 2, 1 / (size - 2)), atol=0.015)


@pytest.mark.parametrize("value", [0.0, -80.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_masks_hide_whole_bands_or_frames_in_all_channels(value, channels):
    images = -torch.rand(3, channels, 6, 7) - 1
    before = images.clone()
    for kind, axis, size in ((FrequencyMask, 2, 6), (TimeMask, 3, 7)):
        masked = kind(count=2, width=3, value=value)(images, generator())
        hidden = stripes(3, 2, 3, size, generator())
        expected = before.clone()
        for clip in range(3):
            for place in hidden[clip].nonzero()[:, 0].tolist():
                expected[clip].select(axis - 1, place).fill_(value)
        assert torch.equal(masked, expected)
    assert torch.equal(images, before)


def test_scales():
    scale = Scale(factor=1.25)
    scales = scale.scales(4000, generator(3))
    assert scales.dtype == torch.float64
    assert 0.8 <= scales.min() < 0.803
    assert 1.247 < scales.max() <= 1.25
    assert torch.equal(scales, scale.scales(4000, generator(3)))
    logarithms = scales.log() / torch.tensor(1.25).log()
    assert logarithms.mean().item() == pytest.approx(0, abs=0.05)
    assert logarithms.std().item() == pytest.approx(3**-0.5, abs=0.02)
    assert torch.equal(Scale(factor=1).scales(5, generator()), torch.ones(5, dtype=torch.float64))


def test_a_probability_is_the_share_of_clips_that_change():
    images = torch.full((4000, 1, 4, 5), -10.0)
    mask = FrequencyMask(count=1, width=4, value=0.0, probability=0.25)
    changed = (mask(images, generator()) != images).flatten(1).any(1)
    assert changed.float().mean().item() == pytest.approx(0.25 * 0.8, abs=0.02)  # a fifth of the masks has width 0
    scales = Scale(factor=1.25, probability=0.25).scales(4000, generator())
    assert (scales != 1).float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert not (FrequencyMask(count=1, width=4, value=0.0, probability=0)(images, generator()) != images).any()


def test_every_entry_has_a_domain():
    assert {entry.domain for entry in AUGMENTATIONS.values()} <= {"clip", "waveform", "spectrogram", "picture"}
