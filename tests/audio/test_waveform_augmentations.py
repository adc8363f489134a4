"""Augmentations of waveforms against plain versions, clip by clip, and by what they must do."""

import numpy as np
import pytest
import torch

from soundclr.audio.augmentations import AUGMENTATIONS
from soundclr.audio.waveform_augmentations import (
    Fade,
    MixedNoise,
    PitchAndStretch,
    PitchShift,
    TimeShift,
    TimeStretch,
    WhiteNoise,
)
from soundclr.audio.waveform_changes import coloured, faded, masked, shifted, with_noise
from soundclr.errors import UserError
from soundclr.params import validated

SAMPLES = 2000
PAPER = {
    "pitch_shift": {"lowest": -15, "highest": 15, "n_fft": 256},
    "time_stretch": {"slowest": 0.5, "fastest": 1.5, "n_fft": 256},
    "pitch_and_stretch": {"lowest": -2, "highest": 2, "slowest": 0.9, "fastest": 1.2, "n_fft": 256},
    "time_shift": {"most": 0.5},
    "fade": {"curves": ["linear", "logarithmic", "exponential"]},
    "white_noise": {"lowest": 0.0, "highest": 20.0},
    "mixed_noise": {"lowest": 0.0, "highest": 20.0, "colours": ["white", "pink", "brown"]},
    "waveform_mask": {"most": 0.125, "sigma": 0.01},
}
ALL = sorted(PAPER)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def clips(count=6, samples=SAMPLES):
    """Different tones in noise."""
    time, hertz = torch.arange(samples) / 16_000, 300 * (1 + torch.arange(count))[:, None]
    return 0.5 * torch.sin(2 * torch.pi * hertz * time) + 0.05 * torch.randn(count, samples, generator=seeded(9))


def make(name, **changes):
    return AUGMENTATIONS[name](**{**PAPER[name], **changes})


@pytest.mark.parametrize("name", ALL)
def test_a_batch_is_its_clips_one_by_one_and_is_left_alone(name):
    """As many clips at a time as a GPU has, or one, as a CPU has."""
    entry, batch = make(name), clips()
    before = batch.clone()
    changed = entry(batch, seeded())
    assert changed.shape == batch.shape and changed.dtype == torch.float32 and changed.isfinite().all()
    together = entry.change(batch, *entry.draw(*batch.shape, seeded()))
    torch.testing.assert_close(changed, together, rtol=0, atol=1e-4)
    assert torch.equal(batch, before)
    assert not torch.equal(changed, batch)
    assert torch.equal(changed, entry(batch, seeded()))
    assert not torch.equal(changed, entry(batch, seeded(1)))


@pytest.mark.parametrize("name", ALL)
def test_a_probability_is_the_share_of_clips_that_change(name):
    entry, batch = make(name, probability=0.25), clips(200, 300)
    changed = (entry(batch, seeded()) != batch).any(1)
    assert 0.1 < changed.float().mean() < 0.4
    assert torch.equal(make(name, probability=0)(batch, seeded()), batch)
    [rows] = changed.nonzero(as_tuple=True)
    torch.testing.assert_close(entry(batch, seeded())[rows], make(name)(batch, seeded())[rows], rtol=0, atol=1e-4)


@pytest.mark.parametrize("samples", [1, 2, 3, 17])
@pytest.mark.parametrize("name", ALL)
def test_very_short_and_silent_clips(name, samples):
    for batch in (clips(3, samples), torch.zeros(3, samples)):
        changed = make(name)(batch, seeded())
        assert changed.shape == batch.shape and changed.isfinite().all()
    assert not changed.any() or name == "waveform_mask"


def plain_curve(name, r):
    """A fade's gain where the ramp is r, by the formulas of CLAR's code."""
    gain = {
        "linear": r,
        "exponential": 2 ** (r - 1) * r,
        "logarithmic": np.log10(0.1 + r) + 1,
        "quarter_sine": np.sin(r * np.pi / 2),
        "half_sine": np.sin(r * np.pi - np.pi / 2) / 2 + 0.5,
    }[name]
    return min(max(gain, 0.0), 1.0)


def test_fades_against_a_loop():
    names = ("linear", "logarithmic", "exponential", "quarter_sine", "half_sine")
    waves, curve = clips(6, 40), torch.tensor([0, 1, 2, 3, 4, 2])
    lengths = torch.tensor([[10, 20], [0, 7], [19, 0], [2, 3], [20, 20], [0, 0]])
    expected = waves.clone().numpy()
    for clip in range(6):
        into, out = lengths[clip].tolist()
        for place in range(into):
            expected[clip, place] *= plain_curve(names[curve[clip]], place / (into - 1))
        for place in range(out):
            expected[clip, -1 - place] *= plain_curve(names[curve[clip]], place / (out - 1))
    np.testing.assert_allclose(faded(waves, names, curve, lengths).numpy(), expected, rtol=0, atol=1e-6)


def test_fades_are_drawn_as_the_paper_has_them():
    curve, lengths = Fade(**PAPER["fade"]).draw(6000, 100, seeded())
    np.testing.assert_allclose(torch.bincount(curve).numpy() / 6000, [1 / 3] * 3, atol=0.02)
    assert lengths.amin(0).tolist() == [0, 0] and lengths.amax(0).tolist() == [49, 49]
    assert np.corrcoef(lengths.numpy().T)[0, 1] == pytest.approx(0, abs=0.05)


def test_masks_against_a_loop():
    waves = clips(4, 64)
    start, width = torch.tensor([[0], [60], [10], [64]]), torch.tensor([[8], [4], [3], [0]])
    filling = torch.randn(4, 8, generator=seeded())
    expected = waves.clone()
    for clip in range(4):
        begin, wide = int(start[clip]), int(width[clip])
        places = torch.arange(begin, begin + wide)
        expected[clip, places] = filling[clip, places - min(begin, 64 - 8)]
    assert torch.equal(masked(waves, start, width, filling), expected)


def test_a_mask_covers_at_most_an_eighth_anywhere_with_noise_of_its_level():
    waves = torch.full((3000, 80), 7.0)
    changed = make("waveform_mask")(waves, seeded()) != 7
    widths = changed.sum(1)
    np.testing.assert_allclose(torch.bincount(widths, minlength=11).numpy() / 3000, [1 / 11] * 11, atol=0.02)
    first = changed.int().argmax(1)[widths == 4]
    assert first.min() == 0 and first.max() == 76
    assert (changed.int().diff(dim=1) == 1).sum(1).max() <= 1  # one stretch
    filled = make("waveform_mask")(waves, seeded())[changed]
    assert filled.std().item() == pytest.approx(0.01, rel=0.05) and filled.mean().item() == pytest.approx(0, abs=3e-4)


def test_a_shift_is_a_rotation():
    waves = clips(5, 30)
    shift = torch.tensor([[0], [1], [-1], [-15], [14]])
    for wave, by, moved in zip(waves, shift, shifted(waves, shift), strict=True):
        assert torch.equal(moved, wave.roll(int(by)))


def test_shifts_are_up_to_half_the_clip_either_way():
    [shift] = TimeShift(most=0.5).draw(20_000, 10, seeded())
    np.testing.assert_allclose(torch.bincount(shift[:, 0] + 5).numpy() / 20_000, [0.1] * 10, atol=0.01)
    assert TimeShift(most=0.1).draw(100, 10, seeded())[0].unique().tolist() == [-1, 0]
    assert TimeShift(most=0).draw(100, 10, seeded())[0].unique().tolist() == [0]


def test_noise_has_the_ratio_that_was_drawn():
    waves, noise = clips(3), torch.randn(3, SAMPLES, generator=seeded())
    ratio = torch.tensor([[0.0], [10.0], [20.0]], dtype=torch.float64)
    added = with_noise(waves, noise, ratio) - waves
    powers = waves.square().mean(1) / added.square().mean(1)
    np.testing.assert_allclose(10 * powers.log10().numpy(), ratio[:, 0].numpy(), atol=1e-3)
    shape = added / added.norm(dim=1, keepdim=True)
    torch.testing.assert_close(shape, noise / noise.norm(dim=1, keepdim=True), rtol=0, atol=1e-5)


def test_ratios_are_uniform():
    for entry in (make("white_noise"), make("mixed_noise")):
        ratios = entry.draw(4000, 4, seeded())[-1]
        assert 0 <= ratios.min() < 0.1 and 19.9 < ratios.max() < 20
        assert ratios.mean().item() == pytest.approx(10, abs=0.3) and ratios.std().item() == pytest.approx(
            5.77, abs=0.2
        )
    assert (WhiteNoise(lowest=3, highest=3).draw(5, 4, seeded())[-1] == 3).all()


@pytest.mark.parametrize(("colour", "octave"), [("white", 0.0), ("pink", -3.01), ("brown", -6.02)])
def test_noises_fall_by_so_many_decibels_an_octave(colour, octave):
    [normal, drawn, _] = MixedNoise(lowest=0, highest=0, colours=["white", colour]).draw(200, 4096, seeded())
    assert torch.bincount(drawn).min() > 60
    noise = coloured(normal, ["white", colour], torch.ones(200, dtype=torch.int64), 4096)
    power = torch.fft.rfft(noise).abs().square().mean(0).numpy()
    octaves = [10 * np.log10(power[low : 2 * low].mean()) for low in (32, 64, 128, 256, 512)]
    np.testing.assert_allclose(np.diff(octaves), octave, atol=0.35)
    assert noise.mean(1).abs().max() < 1e-4 * noise.abs().max()


def test_noise_of_an_odd_length_against_a_plain_sum_of_cosines():
    normal = torch.randn(2, 4, 2, generator=seeded())
    noise = coloured(normal, ("pink", "brown"), torch.tensor([1, 0]), 7)
    place = np.arange(7)
    for clip, exponent in ((0, 1.0), (1, 0.5)):
        expected = np.zeros(7)
        for cycles in (1, 2, 3):
            real, imaginary = normal[clip, cycles].tolist()
            angle = 2 * np.pi * cycles * place / 7
            expected += 2 / 7 * cycles**-exponent * (real * np.cos(angle) - imaginary * np.sin(angle))
        np.testing.assert_allclose(noise[clip].numpy(), expected, atol=1e-6)


def test_pitches_and_rates_are_drawn_as_the_papers_have_them():
    semitones, rates = PitchShift(**PAPER["pitch_shift"]).draw(20_000, 1, seeded())
    np.testing.assert_allclose(torch.bincount(semitones + 15).numpy() / 20_000, [1 / 31] * 31, atol=0.006)
    assert (rates == 1).all()
    semitones, rates = TimeStretch(**PAPER["time_stretch"]).draw(4000, 1, seeded())
    assert not semitones.any() and 0.5 <= rates.min() < 0.51 and 1.49 < rates.max() < 1.5
    semitones, rates = PitchAndStretch(**PAPER["pitch_and_stretch"]).draw(4000, 1, seeded())
    assert semitones.unique().tolist() == [-2, -1, 0, 1, 2] and 0.9 <= rates.min() < 0.91 and 1.19 < rates.max() < 1.2


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        (
            "pitch_shift",
            {"highest": -16},
            "highest_semitones: Input should not be less than lowest_semitones: -15, found -16",
        ),
        (
            "pitch_shift",
            {"lowest": 0.5},
            "lowest_semitones: Input should be a whole number",
        ),
        ("pitch_shift", {"highest": 25}, "highest_semitones: Input should be less than or equal to 24, found 25"),
        ("pitch_shift", {"n_fft": 1022}, "n_fft: Input should be a multiple of 4, found 1022"),
        ("time_stretch", {"fastest": 0.2}, "fastest: Input should not be less than slowest: 0.5, found 0.2"),
        ("time_stretch", {"slowest": 0}, "slowest: Input should be greater than or equal to 0.1, found 0"),
        (
            "pitch_and_stretch",
            {"highest": -3},
            "highest_semitones: Input should not be less than lowest_semitones: -2, found -3",
        ),
        ("pitch_and_stretch", {"fastest": 0.8}, "fastest: Input should not be less than slowest: 0.9, found 0.8"),
        ("time_shift", {"most": 0.6}, "most_share: Input should be less than or equal to 0.5, found 0.6"),
        ("fade", {"curves": []}, "curves: Input should have at least 1 value, found []"),
        ("fade", {"curves": ["cubic"]}, "curves.0: Input should be 'linear', 'logarithmic', 'exponential', "),
        ("white_noise", {"highest": -1}, "highest_db: Input should not be less than lowest_db: 0.0, found -1"),
        ("mixed_noise", {"colours": ["fan"]}, "colours.0: Input should be 'white', 'pink' or 'brown', found 'fan'"),
        ("waveform_mask", {"most": 1.5}, "most_share: Input should be less than or equal to 1, found 1.5"),
        ("waveform_mask", {"sigma": -0.1}, "sigma: Input should be greater than or equal to 0, found -0.1"),
    ],
)
def test_a_wrong_parameter_is_one_line(name, changes, said):
    with pytest.raises(UserError) as error:
        validated(AUGMENTATIONS[name], {**PAPER[name], **changes}, "here")
    assert str(error.value).startswith(f"here: {said}") and "\n" not in str(error.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ALL)
def test_a_gpu_makes_the_same_batch(name):
    changed = make(name)(clips().to("cuda"), seeded())
    torch.testing.assert_close(changed.cpu(), make(name)(clips(), seeded()), rtol=0, atol=1e-3)
