"""Pictures decoded, and their augmentations against torchvision's and against loops."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional

from soundclr.audio.augmentations import AUGMENTATIONS
from soundclr.audio.pictures import (
    blurred,
    brighter,
    contrasted,
    cropped,
    grey,
    hued,
    jittered,
    read_picture,
    saturated,
)
from soundclr.errors import UserError
from soundclr.params import read_params

SIDE = 16
DEFAULTS = read_params(Path(__file__).parents[2] / "params.yaml")["defaults"]["augmentations"]
NAMES = ("resized_crop", "flip", "colour_jitter", "grey", "blur")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(count=6, side=SIDE):
    return torch.rand(count, 3, side, side, generator=seeded())


def entry(name, **changes):
    return AUGMENTATIONS[name](**{**DEFAULTS[name], **changes})


def saved(path, pixels, **how):
    Image.fromarray(pixels).save(path, **how)
    return path


def test_a_picture_is_its_red_then_green_then_blue(tmp_path):
    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    read = read_picture(saved(tmp_path / "a.png", pixels), 8)
    assert read.dtype == np.uint8 and np.array_equal(read.reshape(3, 8, 8), pixels.transpose(2, 0, 1))
    grey_one = read_picture(saved(tmp_path / "b.png", pixels[..., 0]), 8).reshape(3, 8, 8)
    assert all(np.array_equal(channel, pixels[..., 0]) for channel in grey_one)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("another size", "has 9 x 8 pixels, not 8 x 8; replace it"),
        ("transparent", "is neither RGB nor grey but RGBA; replace it"),
        ("cut off", "cannot be decoded as JPEG or PNG, it is damaged or cut off"),
        ("text", "cannot be decoded as JPEG or PNG, it is damaged or cut off"),
        ("missing", "No such file"),
    ],
)
def test_what_is_no_such_picture_is_refused_in_a_line(tmp_path, what, said):
    path, noise = tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (8, 9, 4), dtype=np.uint8)
    if what == "another size":
        saved(path, noise[..., :3])
    elif what == "transparent":
        saved(path, noise[:, :8])
    elif what == "cut off":
        path = saved(tmp_path / "a.jpg", noise[:, :8, :3])
        path.write_bytes(path.read_bytes()[:-40])
    elif what == "text":
        path.write_text("no picture")
    with pytest.raises(UserError) as caught:
        read_picture(path, 8)
    assert str(path) in str(caught.value) and said in str(caught.value) and "\n" not in str(caught.value)


def test_a_box_is_resized_as_by_torchvision():
    boxes = torch.tensor([[0, 0, 16, 16], [3, 2, 5, 9], [15, 15, 1, 1], [0, 8, 16, 8], [4, 0, 12, 3], [1, 1, 14, 14]])
    found = cropped(pictures(), boxes)
    for picture, box, result in zip(pictures(), boxes.tolist(), found, strict=True):
        wanted = functional.resized_crop(picture, *box, [SIDE, SIDE], antialias=True)
        torch.testing.assert_close(result, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("change", "theirs", "factors"),
    [
        (brighter, functional.adjust_brightness, (0.0, 0.6, 1.0, 1.4)),
        (contrasted, functional.adjust_contrast, (0.0, 0.6, 1.0, 1.4)),
        (saturated, functional.adjust_saturation, (0.0, 0.6, 1.0, 1.4)),
        (hued, functional.adjust_hue, (-0.5, -0.1, 0.0, 0.03, 0.3, 0.5)),
    ],
)
def test_colours_change_as_by_torchvision(change, theirs, factors):
    batch = torch.cat([pictures(), torch.zeros(1, 3, SIDE, SIDE), torch.full((1, 3, SIDE, SIDE), 0.4)])
    for factor in factors:
        found = change(batch, torch.full((len(batch), 1, 1, 1), factor))
        torch.testing.assert_close(found, theirs(batch, factor), atol=1e-5, rtol=0)


def test_grey_and_blur_are_torchvisions():
    torch.testing.assert_close(grey(pictures()), functional.rgb_to_grayscale(pictures()), atol=1e-6, rtol=0)
    sigmas = torch.tensor([0.1, 0.5, 1.0, 1.5, 2.0, 9.0], dtype=torch.float64)
    for picture, sigma, found in zip(pictures(), sigmas.tolist(), blurred(7, pictures(), sigmas), strict=True):
        torch.testing.assert_close(found, functional.gaussian_blur(picture, [7, 7], [sigma]), atol=1e-5, rtol=0)


def test_each_picture_has_its_own_order_of_the_four_changes():
    factors = torch.tensor([[1.4, 0.7, 1.3, 0.1]] * 2, dtype=torch.float64)
    order = torch.tensor([[0, 1, 2, 3], [3, 1, 0, 2]])
    found = jittered(pictures(2), factors, order)
    for place, numbers in enumerate(order.tolist()):
        wanted = pictures(2)[place : place + 1]
        for number in numbers:
            change = (brighter, contrasted, saturated, hued)[number]
            wanted = change(wanted, factors[0, number].float().view(1, 1, 1, 1))
        torch.testing.assert_close(found[place : place + 1], wanted)
    assert not torch.equal(found[0], jittered(pictures(2), factors, order.flip(0))[0])


def test_boxes_are_those_of_a_loop_over_ten_tries():
    crop = entry("resized_crop", narrowest=0.2, widest=5.0)
    [boxes] = crop.draw(300, 3 * SIDE**2, seeded())
    numbers = torch.rand(22, 300, generator=seeded(), dtype=torch.float64).numpy()
    tries = []
    for place in range(300):
        height = width = SIDE
        for number in range(10):
            area = SIDE**2 * (0.2 + 0.8 * numbers[number, place])
            ratio = 0.2 * 25 ** numbers[10 + number, place]
            h, w = np.rint((area / ratio) ** 0.5), np.rint((area * ratio) ** 0.5)
            if 1 <= h <= SIDE and 1 <= w <= SIDE:
                height, width = h, w
                break
        tries.append(number)
        top, left = (int(numbers[20 + k, place] * (SIDE - size + 1)) for k, size in enumerate((height, width)))
        assert boxes[place].tolist() == [top, left, height, width]
    assert max(tries) > 1
    assert (boxes[:, :2] >= 0).all() and (boxes[:, :2] + boxes[:, 2:] <= SIDE).all()


def test_jitter_is_uniform_in_its_bounds():
    factors, order = entry("colour_jitter").draw(20_000, 3 * SIDE**2, seeded())
    for column, (least, most) in zip(factors.T, [(0.6, 1.4)] * 3 + [(-0.1, 0.1)], strict=True):
        assert (
            least <= column.min() < least + 0.01 * (most - least) and most - 0.01 * (most - least) < column.max() < most
        )
        assert column.std().item() == pytest.approx((most - least) / 12**0.5, rel=0.02)
    assert len(order.unique(dim=0)) == 24 and (order.sort(1)[0] == torch.arange(4)).all()


@pytest.mark.parametrize("name", NAMES)
def test_each_changes_its_share_of_pictures_and_leaves_the_batch_alone(name):
    batch = pictures(400)
    before = batch.clone()
    found = entry(name, probability=0.25)(batch, seeded())
    assert torch.equal(batch, before) and found.shape == batch.shape
    assert found.min() >= 0 and found.max() <= 1
    share = (found != batch).flatten(1).any(1).float().mean().item()
    assert share == pytest.approx(0.25, abs=0.05)
    assert torch.equal(found, entry(name, probability=0.25)(batch, seeded()))
    assert not torch.equal(found, entry(name, probability=0.25)(batch, seeded(1)))


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("resized_crop", {"smallest": 0.9, "largest": 0.5}, "smallest"),
        ("resized_crop", {"narrowest": 2.0}, "narrowest"),
        ("blur", {"kernel": 6}, "odd"),
        ("blur", {"least": 3.0}, "least"),
        ("colour_jitter", {"hue": 0.6}, "0.5"),
    ],
)
def test_parameters_that_cannot_be_are_refused(name, changes, said):
    with pytest.raises(ValueError, match=said):
        entry(name, **changes)
