"""The network: lengths, the heads' precision, and which parts learn."""

import pytest
import torch
from torch.nn.functional import normalize

from soundclr.models import Network, build_encoder
from soundclr.params import EncoderSettings

PARTS = ("encoder", "projection", "classifier")


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Network(build_encoder(EncoderSettings(name="small", weights="none", channels=1, frozen=1), None), 8, 3)


@pytest.fixture
def images():
    return torch.randn(5, 1, 32, 33, generator=torch.Generator().manual_seed(0))


def test_shapes_and_lengths(network, images):
    z, logits = network(images)
    assert z.shape == (5, 8) and logits.shape == (5, 3)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(5))


def test_both_heads_see_the_normalised_features(network, images):
    network.eval()
    h = normalize(network.encoder(images), dim=1)
    z, logits = network(images)
    torch.testing.assert_close(network.represent(images), h, rtol=0, atol=0)
    torch.testing.assert_close(logits, h @ network.classifier.weight.T + network.classifier.bias)
    torch.testing.assert_close(z, normalize(h @ network.projection.weight.T + network.projection.bias, dim=1))


def test_heads_compute_in_float32_under_autocast(network, images):
    network.eval()
    seen = {}
    for name in PARTS:
        network.get_submodule(name).register_forward_hook(
            lambda module, given, out, name=name: seen.update({name: out})
        )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        z, logits = network(images)
    assert seen["encoder"].dtype == torch.bfloat16  # autocast was on
    assert z.dtype == logits.dtype == seen["projection"].dtype == torch.float32
    torch.testing.assert_close(z.norm(dim=1), torch.ones(5))
    # Exactly the heads' float32 arithmetic on the encoder's rounded features.
    h = normalize(seen["encoder"].float(), dim=1)
    torch.testing.assert_close(logits, network.classifier(h), rtol=0, atol=0)


@pytest.mark.parametrize("parts", [PARTS, ("encoder", "projection"), ("encoder", "classifier"), ("classifier",)])
def test_the_named_parts_learn_and_the_others_are_fixed(network, images, parts):
    network.set_training(PARTS)  # whatever was before
    network.set_training(parts)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    z, logits = network(images)
    (z.sum() + logits.sum()).backward()
    for name in PARTS:
        part = network.get_submodule(name)
        assert part.training == (name in parts)
        for key, parameter in part.named_parameters():
            learns = name in parts and not key.startswith("blocks.0.")  # one block is frozen
            assert parameter.requires_grad == learns, (name, key)
            assert (parameter.grad is not None) == learns, (name, key)
    statistics = [key for key in before if "running" in key]
    moved = {not torch.equal(network.state_dict()[key], before[key]) for key in statistics}
    assert moved == {"encoder" in parts}


def test_a_part_that_was_fixed_learns_again(network):
    network.set_training(["classifier"])
    network.set_training(PARTS)
    assert all(p.requires_grad for key, p in network.named_parameters() if not key.startswith("encoder.blocks.0."))
    assert not any(p.requires_grad for p in network.encoder.blocks[0].parameters())
