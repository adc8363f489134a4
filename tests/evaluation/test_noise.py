"""Noise: its level, its colour, and that it depends on clip, colour and seed alone."""

import itertools
import math

import pytest
import torch

from soundclr.evaluation.conditions import Noise, conditions
from soundclr.evaluation.noise import add, draw
from soundclr.params import EvaluationSettings

CPU = torch.device("cpu")
LENGTH = 220500  # 5 s at 44.1 kHz
ALL = torch.tensor([[0, LENGTH]] * 2)  # clips without padding


def drawn(colour="white", clips=("a", "b"), seed=0, length=LENGTH):
    return draw(seed, clips, colour, length, CPU)


@pytest.fixture
def waves():
    """Clips of different levels, the second with a constant part."""
    random = torch.Generator().manual_seed(0)
    return 0.1 * torch.randn(2, LENGTH, generator=random) * torch.tensor([[1.0], [0.01]]) + torch.tensor([[0.0], [0.2]])


def decibels(signal, noise):
    return [
        10 * math.log10(s / n) for s, n in zip(*(x.double().square().mean(1) for x in (signal, noise)), strict=True)
    ]


def test_conditions_are_the_sigmas_then_each_colour_at_each_ratio():
    settings = EvaluationSettings(sigmas=(0, 0.1), noises=("white", "pink"), snr=(10, -5), seed=0)
    assert list(conditions(settings)) == [
        Noise("white", sigma=0), Noise("white", sigma=0.1),
        Noise("white", snr_db=10), Noise("white", snr_db=-5),
        Noise("pink", snr_db=10), Noise("pink", snr_db=-5),
    ]  # fmt: skip


def test_white_noise_is_standard_normal():
    noise = drawn(clips=("a", "b", "c", "d")).double()
    assert noise.mean(1).abs().max() < 0.01
    assert (noise.std(1) - 1).abs().max() < 0.01
    assert noise.pow(4).mean() == pytest.approx(3, abs=0.05)
    assert (noise[0] @ noise[1]).abs() / LENGTH < 0.01


@pytest.mark.parametrize("sigma", [1e-4, 5e-4, 1e-3])
def test_sigma_is_the_noises_standard_deviation(waves, sigma):
    added = add(waves, ALL, drawn(), Noise("white", sigma=sigma)).double() - waves
    assert added.std(1).tolist() == pytest.approx([sigma] * 2, rel=0.01)


def test_no_sigma_is_no_noise(waves):
    assert torch.equal(add(waves, ALL, drawn(), Noise("white", sigma=0.0)), waves)


@pytest.mark.parametrize("colour", ["white", "pink"])
@pytest.mark.parametrize("ratio", [30, 10, 0, -5])
def test_the_ratio_holds_for_every_clip(waves, colour, ratio):
    added = add(waves, ALL, drawn(colour), Noise(colour, snr_db=ratio)).double() - waves
    assert decibels(waves, added) == pytest.approx([ratio] * 2, abs=0.02)


@pytest.mark.parametrize("padding", [0.0, 0.9])
@pytest.mark.parametrize("colour", ["white", "pink"])
def test_a_ratio_is_to_the_power_of_the_clip_and_not_of_its_padding(padding, colour):
    """Padding repeats a clip's first and last sample, so it may be louder than the clip, or silent."""
    waves = torch.full((2, 4000), padding)
    waves[0, 500:1500], waves[1] = 0.5, 0.3
    own = torch.tensor([[500, 1500], [0, 4000]])
    added = add(waves, own, drawn(colour, length=4000), Noise(colour, snr_db=10)) - waves
    assert added.square().mean(1).tolist() == pytest.approx([0.25 / 10, 0.09 / 10], rel=1e-3)
    assert added[0, :500].square().mean() > 0.001 < added[0, 1500:].square().mean()  # padding gets noise too


def test_a_clip_of_zeros_gets_no_noise_at_a_ratio_and_its_neighbour_does(waves):
    waves[0] = 0
    noisy = add(waves, ALL, drawn("pink"), Noise("pink", snr_db=-5))
    assert torch.equal(noisy[0], waves[0])
    assert noisy.isfinite().all() and not torch.equal(noisy[1], waves[1])


def test_noise_is_not_clipped():
    loud = torch.ones(2, LENGTH)
    assert add(loud, ALL, drawn(), Noise("white", snr_db=0)).max() > 3


def test_pink_noise_falls_by_three_decibels_an_octave():
    noise = drawn("pink", clips=[f"clip {number}" for number in range(8)]).double()
    power = torch.fft.rfft(noise).abs().square().mean(0)
    edges = [2**octave * LENGTH // 44100 for octave in range(6, 14)]  # 64 to 8192 Hz
    levels = [10 * math.log10(power[low:high].mean()) for low, high in itertools.pairwise(edges)]
    slopes = [high - low for low, high in itertools.pairwise(levels)]
    assert slopes == pytest.approx([-3.01] * 6, abs=0.5)
    assert (levels[-1] - levels[0]) / 6 == pytest.approx(-3.01, abs=0.1)
    assert noise.mean(1).abs().max() < 1e-4


@pytest.mark.parametrize("colour", ["white", "pink"])
def test_noise_depends_on_clip_colour_and_seed_alone(colour):
    both = drawn(colour, ("a", "b"))
    assert torch.equal(both, drawn(colour, ("a", "b")))
    assert torch.equal(both.flip(0), drawn(colour, ("b", "a")))
    assert torch.equal(both[1:], drawn(colour, ("b",)))
    assert both.dtype == torch.float32
    assert not torch.equal(both[0], both[1])
    assert not torch.equal(both, drawn(colour, seed=1))
    torch.rand(5)  # nor on what was drawn before
    assert torch.equal(both, drawn(colour))


def test_colours_have_draws_of_their_own():
    """White and pink noise of a clip do not belong together: pink is not its white noise filtered."""
    white, colourful = (torch.fft.rfft(drawn(colour).double()) for colour in ("white", "pink"))
    likeness = (white * colourful.conj() / (white.abs() * colourful.abs()))[:, 1:-1].real.mean(1)
    assert likeness.abs().max() < 0.02


def test_the_numbers_stay_the_same():
    """Published accuracies were measured with these."""
    assert drawn(clips=("1-100032-A",), length=5)[0].tolist() == pytest.approx(
        [-0.444621, 0.445428, -1.361449, 1.46105, 0.844572], abs=2e-6
    )
