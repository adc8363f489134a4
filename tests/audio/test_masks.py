"""Masks against a plain loop, and the distribution of their widths and starts."""

import numpy as np
import pytest
import torch

from soundclr.audio.masks import apply_masks, draw_masks


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def plain(clips, masks, width, size, random):
    """Stripe by stripe, from the same uniform numbers."""
    uniform = torch.rand(2, masks, clips, 1, generator=random, dtype=torch.float64).numpy()
    hidden = np.zeros((clips, size), bool)
    for clip in range(clips):
        for mask in range(masks):
            wide = int(uniform[0, mask, clip, 0] * (min(width, size) + 1))
            start = int(uniform[1, mask, clip, 0] * (size - wide + 1))
            hidden[clip, start : start + wide] = True
    return hidden


@pytest.mark.parametrize(("masks", "width", "size"), [(2, 32, 128), (1, 32, 431), (3, 5, 5), (2, 9, 4), (2, 0, 8)])
def test_against_a_loop(masks, width, size):
    hidden = draw_masks(50, masks, width, size, generator())
    np.testing.assert_array_equal(hidden.numpy(), plain(50, masks, width, size, generator()))
    assert not torch.equal(hidden, draw_masks(50, masks, width, size, generator(1))) or width == 0


def test_no_masks():
    assert not draw_masks(4, 0, 32, 128, generator()).any()


def test_widths_and_starts_are_uniform():
    width, size, clips = 4, 10, 60_000
    hidden = draw_masks(clips, 1, width, size, generator())
    widths = hidden.sum(1)
    shares = torch.bincount(widths, minlength=width + 1) / clips
    np.testing.assert_allclose(shares.numpy(), np.full(width + 1, 1 / (width + 1)), atol=0.01)
    starts = hidden[widths == 3].int().argmax(1)
    shares = torch.bincount(starts, minlength=size - 2) / len(starts)
    np.testing.assert_allclose(shares.numpy(), np.full(size - 2, 1 / (size - 2)), atol=0.015)


@pytest.mark.parametrize("value", [0.0, -80.0])
def test_apply(value):
    images = -torch.rand(3, 6, 7) - 1
    bands, frames = torch.rand(3, 6) < 0.3, torch.rand(3, 7) < 0.3
    expected = images.clone()
    for clip in range(3):
        expected[clip, bands[clip], :] = value
        expected[clip, :, frames[clip]] = value
    assert torch.equal(apply_masks(images, bands, frames, value), expected)
    transposed = images.clone().transpose(1, 2)
    assert torch.equal(apply_masks(transposed, frames, bands, value), expected.transpose(1, 2))
