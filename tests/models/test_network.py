"""The network: lengths, the heads' precision, and which parts learn."""

import pytest
import torch
from torch.nn.functional import normalize

from soundclr.models.encoders import Small
from soundclr.models.network import Encoder, Network
from soundclr.params import HeadSettings

PARTS = ("encoder", "projection", "classifier")


def build(projection, classifier):
    return Network(Encoder(Small(frozen=1), 1), HeadSettings(**projection), HeadSettings(**classifier), classes=3)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build({"layers": ["normalise", {"linear": 8}]}, {"layers": ["normalise", {"linear": "classes"}]})


@pytest.fixture
def images():
    return torch.randn(5, 1, 32, 33, generator=torch.Generator().manual_seed(0))


def test_shapes(network, images):
    v, logits = network(images)
    assert v.shape == (5, 8) and logits.shape == (5, 3)


def test_soundclrs_heads_see_the_normalised_features(network, images):
    network.eval()
    h = network.represent(images)
    torch.testing.assert_close(h, network.encoder(images), rtol=0, atol=0)
    h = normalize(h, dim=1)
    v, logits = network(images)
    torch.testing.assert_close(logits, h @ network.classifier[1].weight.T + network.classifier[1].bias)
    torch.testing.assert_close(v, h @ network.projection[1].weight.T + network.projection[1].bias)


def test_a_classifier_on_the_projection(images):
    """CLAR's heads: two layers to v, for NT-Xent; batch norm, ReLU and another layer to the classes."""
    network = build(
        {"layers": [{"linear": 16}, "batch_norm", "relu", {"linear": 8}]},
        {"input": "projection", "layers": ["batch_norm", "relu", {"linear_without_bias": "classes"}]},
    ).eval()
    v, logits = network(images)
    hidden = network.projection[0](network.encoder(images))
    torch.testing.assert_close(v, network.projection[3](network.projection[1](hidden).relu()))
    torch.testing.assert_close(logits, network.classifier[0](v).relu() @ network.classifier[2].weight.T)
    assert v.shape == (5, 8) and logits.shape == (5, 3) and network.classifier[2].bias is None


def test_heads_compute_in_float32_under_autocast(network, images):
    network.eval()
    seen = {}
    for name in PARTS:
        network.get_submodule(name).register_forward_hook(
            lambda module, given, out, name=name: seen.update({name: out})
        )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        v, logits = network(images)
    assert seen["encoder"].dtype == torch.bfloat16  # autocast was on
    assert v.dtype == logits.dtype == seen["projection"].dtype == torch.float32
    # Exactly the heads' float32 arithmetic on the encoder's rounded features.
    torch.testing.assert_close(logits, network.classifier(seen["encoder"].float()), rtol=0, atol=0)


@pytest.mark.parametrize("parts", [PARTS, ("encoder", "projection"), ("encoder", "classifier"), ("classifier",)])
def test_the_named_parts_learn_and_the_others_are_fixed(network, images, parts):
    network.set_training(PARTS)  # whatever was before
    network.set_training(parts)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    v, logits = network(images)
    (v.sum() + logits.sum()).backward()
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
