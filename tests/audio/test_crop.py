"""The batched waveform steps against a plain version of one clip at a time, in NumPy."""

from unittest import mock

import numpy as np
import pytest
import torch

from soundclr.audio import crop
from soundclr.audio.crop import waveform_batch
from soundclr.audio.features import Waveforms

LENGTH = 1000


def plain(signal, length, scale=1.0, position=None):
    """One clip, float64, step by step; returns the samples and the name of the branch that was taken."""
    signal = np.asarray(signal, dtype=np.float64)
    count = max(1, int(len(signal) * scale))
    scaled = np.interp(np.arange(count) / scale, np.arange(len(signal)), signal)
    if count == length:
        return scaled, "exact"
    spare = abs(count - length)
    left = round(0.5 * spare) if position is None else int(position * spare)
    if count < length:
        return np.pad(scaled, (left, spare - left), mode="edge"), "pad"
    half = 0.5 * scaled.std(ddof=1)
    window = scaled[left : left + length]
    if window.std(ddof=1) >= half:
        return window, "random"
    first, last = scaled[:length], scaled[-length:]
    if half > first.std(ddof=1) > window.std(ddof=1):
        return last, "last"
    return first, "first"


def check(signals, length=LENGTH, scale=None, position=None):
    """Compare a batch with the plain version, row by row; return the branches."""
    waveforms = Waveforms.from_arrays([np.asarray(signal, np.int16) for signal in signals], 44100)
    indices = torch.arange(len(signals))
    scales = None if scale is None else torch.tensor(scale, dtype=torch.float64)
    positions = None if position is None else torch.tensor(position, dtype=torch.float64)
    batch = waveform_batch(waveforms, indices, length, scales, positions)
    assert batch.shape == (len(signals), length)
    assert batch.dtype == torch.float32
    branches = []
    for row, signal in enumerate(signals):
        factor, place = 1.0 if scale is None else scale[row], None if position is None else position[row]
        expected, branch = plain(signal, length, factor, place)
        # float32 holds int16 values and fractions of them to about 0.002, and places are right to 1e-5 sample
        close = 0.005 + 1e-5 * np.abs(np.diff(signal, prepend=signal[0])).max()
        np.testing.assert_allclose(batch[row].numpy() * 32768, expected, atol=close, err_msg=f"row {row}, {branch}")
        branches.append(branch)
    return branches


def noise(count, amplitude=3000, seed=0):
    return np.random.default_rng(seed).integers(-amplitude, amplitude + 1, count)


def test_many_lengths_scales_and_positions():
    random = np.random.default_rng(1)
    signals = [noise(count, seed=count) for count in random.integers(1, 2500, 200)]
    scale = 1.25 ** random.uniform(-1, 1, 200)
    branches = check(signals, LENGTH, scale.tolist(), random.uniform(0, 1, 200).tolist())
    assert set(branches) >= {"pad", "random"}
    check(signals, LENGTH, None, random.uniform(0, 1, 200).tolist())
    check(signals, LENGTH, scale.tolist(), None)
    check(signals)


@pytest.mark.parametrize("scale", [1.0, 0.8, 1.25, 1.1])
def test_every_branch_of_the_standard_deviation_rule(scale):
    loud, soft, faint = noise(700, 20000), noise(1500, 1500, 1), noise(1500, 100, 2)
    signals = [
        noise(3000),
        np.concatenate([loud, faint, faint]),  # quiet window, loud start
        np.concatenate([soft, faint, faint, loud]),  # quiet window, less quiet start, loud end
        np.concatenate([faint, soft, soft, loud]),  # quiet window, quieter start
        np.concatenate([np.zeros(1500), np.zeros(1500), loud]),  # silent window, silent start
        noise(700),
    ]
    position = [0.3, 0.9, 0.6, 0.6, 0.5, 0.5]
    assert check(signals, LENGTH, [scale] * 6, position) == [
        "random",
        "first",
        "last",
        "first",
        "first",
        "pad",
    ]
    assert check(signals[:3], LENGTH, [scale] * 3) == ["random", "first", "last"]


@pytest.mark.parametrize("devices", [("cpu",), ()], ids=["clip by clip", "at once, as on a GPU"])
@pytest.mark.parametrize("scale", [None, [1.0]])
@pytest.mark.parametrize(
    ("head", "window", "branch"),
    [(1.0, 0.55, "random"), (1.0, 0.45, "first"), (0.45, 0.4, "last"), (0.55, 0.4, "first"), (0.35, 0.4, "first")],
)
def test_the_rule_has_half_the_standard_deviation_as_limit(devices, scale, head, window, branch):
    """Four blocks: the standard deviations of two are given, as shares of the whole clip's; the others are loud."""
    rest = ((4 - head**2 - window**2) / 2) ** 0.5
    blocks = np.random.default_rng(0).standard_normal((4, LENGTH))
    blocks = (blocks - blocks.mean(1, keepdims=True)) / blocks.std(1, keepdims=True)
    clip = (3000 * blocks * [[head], [window], [rest], [rest]]).ravel()
    with mock.patch.object(crop, "ONE_BY_ONE", devices):
        assert check([clip.astype(np.int16)], LENGTH, scale, [1 / 3 + 1e-6]) == [branch]


@pytest.mark.parametrize("devices", [("cpu",), ()], ids=["clip by clip", "at once, as on a GPU"])
def test_standard_deviations_are_the_unbiased_ones(devices):
    """Of windows of two samples and clips of three to six, where the divisor decides."""
    random = np.random.default_rng(3)
    signals = [noise(count, seed=seed) for seed, count in enumerate(random.integers(3, 7, 400))]
    with mock.patch.object(crop, "ONE_BY_ONE", devices):
        branches = check(signals, 2, None, random.uniform(0, 1, 400).tolist())
    assert {"random", "first", "last"} <= set(branches)


@pytest.mark.parametrize("devices", [("cpu",), ()], ids=["clip by clip", "at once, as on a GPU"])
@pytest.mark.parametrize(
    ("signal", "branch"),
    [
        ([-3, -3, 3, 1, 2], "random"),  # the window's standard deviation is half of the clip's, the root of 8
        ([3, 1, -3, -3, 2], "first"),  # the first window's is
        ([1, 2, 5, 6, -100, 100], "first"),  # the first window's is that of the window it replaces
    ],
)
def test_a_standard_deviation_at_a_limit_is_not_beyond_it(devices, signal, branch):
    with mock.patch.object(crop, "ONE_BY_ONE", devices):
        assert check([signal], 2, None, [2.5 / (len(signal) - 2)]) == [branch]


def test_a_faint_clip_beside_a_longer_one_has_its_own_standard_deviation():
    """What a row has of places beyond its clip's end is not counted."""
    signals = [noise(LENGTH + 10, amplitude=1), noise(6 * LENGTH)]
    with mock.patch.object(crop, "ONE_BY_ONE", ()):
        assert check(signals, LENGTH, None, [0.5, 0.5]) == ["random", "random"]


@pytest.mark.parametrize("difference", [-3, -2, -1, 0, 1, 2, 3, 5])
def test_lengths_around_the_target(difference):
    # The centre of an odd difference is Python's round: half to even.
    for position in (None, [0.0], [0.999999]):
        branches = check([noise(LENGTH + difference)], LENGTH, None, position)
        assert branches == (["exact"] if difference == 0 else ["pad"] if difference < 0 else ["random"])


@pytest.mark.parametrize("scale", [None, [0.8], [1.25]])
@pytest.mark.parametrize("count", [1, 2, LENGTH, 2 * LENGTH])
def test_silent_and_tiny_clips(count, scale):
    check([np.zeros(count)], LENGTH, scale, [0.5])
    check([np.full(count, -77)], LENGTH, scale, [0.5])
    check([noise(count)], LENGTH, scale, [0.5])


def test_full_scale_is_within_one():
    batch = waveform_batch(Waveforms.from_arrays([np.array([-32768, 32767], np.int16)], 1), torch.tensor([0]), 4)
    assert batch.tolist() == [[-1.0, -1.0, 32767 / 32768, 32767 / 32768]]


def test_positions_stay_exact_to_the_end_of_a_long_clip():
    # In float32 alone, places near the end would be 1/64 sample apart: 1,500 times what is allowed.
    count = 400_000
    ramp = 200 * (np.arange(count) % 300 - 150)
    scale = 1.2345
    length = int(count * scale) - 7
    check([ramp], length, [scale], [0.999])


def test_one_scale_of_one_leaves_the_samples_alone():
    signal = noise(LENGTH)
    waveforms = Waveforms.from_arrays([signal.astype(np.int16)], 44100)
    batch = waveform_batch(waveforms, torch.tensor([0]), LENGTH)
    np.testing.assert_array_equal(batch[0].numpy() * 32768, signal)


def test_any_order_and_repeats_of_clips():
    signals = [noise(count, seed=count) for count in (500, 1000, 1700)]
    waveforms = Waveforms.from_arrays([signal.astype(np.int16) for signal in signals], 44100)
    indices = torch.tensor([2, 0, 2, 1])
    batch = waveform_batch(waveforms, indices, LENGTH)
    for row, index in enumerate(indices.tolist()):
        np.testing.assert_allclose(batch[row].numpy() * 32768, plain(signals[index], LENGTH)[0], atol=0.01)


@pytest.mark.parametrize("scaled", [False, True])
def test_many_clips_at_once_as_on_a_gpu_are_the_same(scaled):
    """A GPU gets all clips' numbers as columns; the arithmetic is the same, so it can be compared here."""
    random = np.random.default_rng(2)
    signals = [noise(count, seed=count) * np.linspace(0, 1, count) ** 8 for count in random.integers(1, 2500, 60)]
    waveforms = Waveforms.from_arrays([signal.astype(np.int16) for signal in signals], 44100)
    scale = torch.from_numpy(1.25 ** random.uniform(-1, 1, 60)) if scaled else None
    position = torch.from_numpy(random.uniform(0, 1, 60))
    one_by_one = waveform_batch(waveforms, torch.arange(60), LENGTH, scale, position)
    with mock.patch.object(crop, "ONE_BY_ONE", ()):
        at_once = waveform_batch(waveforms, torch.arange(60), LENGTH, scale, position)
    np.testing.assert_allclose(at_once.numpy(), one_by_one.numpy(), atol=1e-7)
