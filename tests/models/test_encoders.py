"""Encoders: shapes, frozen blocks, channels, and initial weights that are what they claim to be."""

import pickle

import pytest
import torch
import torchvision
from pydantic import ValidationError
from torch import nn

from soundclr.errors import UserError
from soundclr.method import check
from soundclr.models import encoders
from soundclr.models.encoders import ENCODERS
from soundclr.models.network import Encoder, Network
from soundclr.models.pooling import POOLINGS
from support import toy


def encoder(name="small", path=None, channels=1, frozen=0, **parameters):
    return Encoder(ENCODERS[name](frozen=frozen, **parameters), channels, path)


def images(channels=1, clips=4):
    return torch.randn(clips, channels, 32, 40, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def resnet18():
    return torchvision.models.resnet18(weights=None).state_dict()


@pytest.fixture
def weights(tmp_path, resnet18):
    path = tmp_path / "resnet18.pth"
    torch.save(resnet18, path)
    return path


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("name", "size"), [("small", 128), ("resnet18", 512), ("resnet50", 2048)])
def test_shapes(name, size, channels):
    with torch.device("meta"):  # shapes without the arithmetic
        built = encoder(name, channels=channels)
        assert built(torch.empty(2, channels, 128, 431)).shape == (2, size)
    assert built.size == size
    assert name in ENCODERS


def test_statistics_are_means_and_deviations_of_each_band():
    """Channel by channel; of twice as many bands, means of neighbours."""
    clips = images(channels=2)
    found = encoder("statistics", channels=2, bands=32)(clips)
    assert found.shape == (4, 128)
    torch.testing.assert_close(found[:, :64], clips.mean(dim=3).flatten(1))
    torch.testing.assert_close(found[:, 64:], clips.std(dim=3, correction=0).flatten(1))
    halved = encoder("statistics", channels=2, bands=16)(clips)
    neighbours = clips.unflatten(2, (16, 2)).mean(dim=3)
    torch.testing.assert_close(halved[:, :32], neighbours.mean(dim=3).flatten(1))


def test_a_1_d_encoder():
    built = encoder("small_1d")
    assert built(torch.randn(2, 1, 1000)).shape == (2, 128)


@pytest.mark.parametrize(
    ("name", "channels", "width", "parameters"),
    [
        ("resnet18", 3, None, 11_176_512),
        ("resnet18_2d", 3, 64, 11_176_512),
        ("resnet18_1d", 1, 64, 11_167_552),
    ],
)
def test_clars_encoders_have_so_many_parameters(name, channels, width, parameters):
    """Counted on the reference code's networks."""
    entry = ENCODERS[name](frozen=0, **({} if width is None else {"width": width}))
    with torch.device("meta"):
        assert sum(p.numel() for p in Encoder(entry, channels).parameters()) == parameters


def test_a_resnet_of_our_own_is_torchvisions_at_its_width(resnet18):
    theirs = torchvision.models.resnet18(weights=None)
    theirs.load_state_dict(resnet18)
    theirs.fc = nn.Identity()
    ours = encoder("resnet18_2d", channels=3)
    values = [value for key, value in resnet18.items() if not key.startswith("fc.")]
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))
    with torch.inference_mode():
        torch.testing.assert_close(ours.eval()(images(3)), theirs.eval()(images(3)))


@pytest.mark.parametrize(("samples", "first", "last"), [(16_000, 3997, 500), (64_000, 15_997, 2000)])
def test_lengths_in_the_1_d_resnet(samples, first, last):
    """After the stem and after the last stage, of a second and of four."""
    with torch.device("meta"):
        built = Encoder(ENCODERS["resnet18_1d"](frozen=0, width=16), 1)
        stem, *stages = built.blocks
        after = stem(torch.empty(2, 1, samples))
        assert after.shape == (2, 16, first)
        for stage in stages:
            after = stage(after)
        assert after.shape == (2, 128, last)
    assert built.size == 128


@pytest.mark.parametrize("name", ["resnet18", "resnet18_1d", "resnet18_2d"])
def test_convolutions_begin_with_kaimings_fan_out(name):
    torch.manual_seed(0)
    for module in encoder(name, channels=3 if name == "resnet18" else 1).modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d):
            weight = module.weight
            fan_out = weight.shape[0] * weight[0, 0].numel()
            assert float(weight.detach().std()) == pytest.approx((2 / fan_out) ** 0.5, rel=0.1)
            assert module.bias is None


@pytest.mark.parametrize("name", [name for name, entry in ENCODERS.items() if entry.blocks is not None])
def test_an_entry_knows_its_blocks(name):
    with torch.device("meta"):
        assert len(encoder(name).blocks) == ENCODERS[name].blocks


def test_features_are_the_mean_over_bands_and_frames():
    built = encoder().eval()
    torch.testing.assert_close(built(images()), built.blocks(images()).flatten(2).mean(dim=2))


def test_mean_max_is_the_pooling_of_cnn14():
    """The last lines of its forward in github.com/qiuqiangkong/audioset_tagging_cnn, whose frames come before bands."""
    maps = torch.randn(2, 5, 7, 3, generator=torch.Generator().manual_seed(0))
    x = torch.mean(maps.transpose(2, 3), dim=3)
    (x1, _) = torch.max(x, dim=2)
    x2 = torch.mean(x, dim=2)
    torch.testing.assert_close(POOLINGS["mean_max"](maps), x1 + x2)
    samples = maps.flatten(2)
    torch.testing.assert_close(POOLINGS["mean_max"](samples), samples.amax(2) + samples.mean(2))


@pytest.mark.parametrize("name", ["small", "small_1d"])
def test_a_run_has_the_pooling_of_its_encoder(repo, name):
    changes = {} if name == "small" else {"encoder": name, "representation": "waveform", "augment": []}
    chosen = toy.params(repo, pooling="mean_max", **changes).resolve("toy", "toy", "cross_entropy")
    check(chosen, "here")
    encoder = Network.from_settings(chosen, channels=1, classes=3).encoder.eval()
    inputs = images() if name == "small" else images().flatten(2)
    torch.testing.assert_close(encoder(inputs), POOLINGS["mean_max"](encoder.blocks(inputs)))


def test_an_unknown_pooling_is_one_line(repo):
    with pytest.raises(UserError, match="unknown pooling in here: 'mean_mix'; did you mean 'mean_max'"):
        check(toy.params(repo, pooling="mean_mix").resolve("toy", "toy", "cross_entropy"), "here")


def test_the_encoder_that_the_documentation_shows(repo, monkeypatch):
    """Run the example of docs/extending.md in its module."""
    text = (repo / "docs" / "extending.md").read_text()
    code = text.partition("### An encoder of your own")[2].partition("```python\n")[2].partition("```")[0]
    monkeypatch.setattr(encoders, "ENCODERS", dict(ENCODERS))
    exec(f"from __future__ import annotations\n{code}", vars(encoders))  # as the module has it
    monkeypatch.delattr(encoders, "Separable")
    built = Encoder(encoders.ENCODERS["separable"](frozen=1, width=8), channels=1)
    assert built(images()).shape == (4, 32) == (4, built.size)
    assert len(built.blocks) == encoders.ENCODERS["separable"].blocks
    with pytest.raises(ValidationError, match="width"):
        encoders.ENCODERS["separable"](frozen=0, width=0)


def test_resnet_is_torchvisions_without_its_last_layer(weights, resnet18):
    theirs = torchvision.models.resnet18(weights=None)
    theirs.load_state_dict(resnet18)
    theirs.fc = nn.Identity()
    ours = encoder("resnet18", weights, channels=3).eval()
    with torch.inference_mode():
        torch.testing.assert_close(ours(images(3)), theirs.eval()(images(3)))


def test_one_channel_gets_a_fresh_first_convolution_and_the_other_weights(weights, resnet18):
    blocks = encoder("resnet18", weights, channels=1).blocks
    assert blocks[0][0].weight.shape == (64, 1, 7, 7)
    torch.testing.assert_close(blocks[4][1].conv2.weight, resnet18["layer4.1.conv2.weight"])
    # Kaiming's fan-out: a standard deviation of sqrt(2 / (64 * 49)).
    assert float(blocks[0][0].weight.detach().std()) == pytest.approx((2 / (64 * 49)) ** 0.5, rel=0.1)


def test_half_precision_weights_become_float32(tmp_path, resnet18):
    half = {key: value.half() if value.is_floating_point() else value for key, value in resnet18.items()}
    torch.save(half, tmp_path / "half.pth")
    built = encoder("resnet18", tmp_path / "half.pth", channels=3)
    assert {p.dtype for p in built.parameters()} == {torch.float32}
    torch.testing.assert_close(built.blocks[0][0].weight, half["conv1.weight"].float())


@pytest.mark.parametrize("frozen", range(5))
def test_frozen_blocks_do_not_learn_but_their_statistics_move(frozen):
    built = encoder(frozen=frozen).train()
    built.freeze()
    before = {key: value.clone() for key, value in built.state_dict().items()}
    trainable = [p for p in built.parameters() if p.requires_grad]
    assert len(trainable) == 3 * (4 - frozen)
    output = built(images()).square().sum()
    if trainable:
        output.backward()
        torch.optim.SGD(trainable, lr=0.1).step()
    for place, block in enumerate(built.blocks):
        moved = place >= frozen
        for name, parameter in block.named_parameters():
            assert (parameter.grad is not None) == moved
            assert torch.equal(parameter, before[f"blocks.{place}.{name}"]) != moved
        assert not torch.equal(block[1].running_mean, before[f"blocks.{place}.1.running_mean"])


class Trap:
    """Makes the file ``caught`` when unpickled by something that runs what it reads."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return open, (self.place, "w")


@pytest.mark.parametrize(
    "kind", ["other", "more", "shape", "pickle", "trap", "truncated", "empty", "text", "list", "missing"]
)
def test_a_file_that_will_not_do_is_refused_in_one_line(tmp_path, weights, resnet18, kind):
    if kind == "other":
        torch.save(nn.Linear(3, 4).state_dict(), weights)
    elif kind == "more":
        torch.save({**resnet18, "layer5.weight": torch.zeros(1)}, weights)
    elif kind == "shape":
        torch.save({**resnet18, "conv1.weight": torch.zeros(64, 1, 7, 7)}, weights)
    elif kind == "pickle":
        weights.write_bytes(pickle.dumps(Trap(tmp_path / "caught"), protocol=2))
    elif kind == "trap":
        torch.save({**resnet18, "extra": Trap(tmp_path / "caught")}, weights)
    elif kind == "truncated":
        weights.write_bytes(weights.read_bytes()[:1_000_000])
    elif kind == "empty":
        weights.write_bytes(b"")
    elif kind == "text":
        weights.write_text("<html>not found</html>")
    elif kind == "list":
        torch.save([1, 2], weights)
    else:
        weights.unlink()
    with pytest.raises(UserError, match=r"resnet18\.pth") as error:
        encoder("resnet18", weights, channels=3)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "caught").exists()
