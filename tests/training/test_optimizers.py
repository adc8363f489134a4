"""Optimisers are torch's, with the settings that they are given, or LARS's formula before them."""

import math

import pytest
import torch
from torch import nn

from soundclr.training.lars import scaled
from soundclr.training.optimizers import OPTIMIZERS, make_optimizer


def test_each_is_torchs_own_of_its_name():
    weight = nn.Parameter(torch.ones(3))
    for name, kind in (("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam)):
        made = OPTIMIZERS[name](weight_decay=0.25, betas=(0.5, 0.75)).build([{"params": [weight]}])
        assert type(made) is kind
        assert (made.defaults["weight_decay"], made.defaults["betas"], made.defaults["fused"]) == (
            0.25,
            (0.5, 0.75),
            True,
        )


def test_all_parameters_decay_by_default():
    parameters = [nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(3))]
    groups = OPTIMIZERS["adamw"](weight_decay=0.25).groups(parameters, factor=2.0)
    assert groups == [{"params": parameters, "factor": 2.0}]


@pytest.mark.parametrize("name", ["adam", "lars_adam"])
def test_biases_and_norms_may_be_left_out_of_the_decay(settings, make_network, name):
    trust = {"trust": 0.02} if name == "lars_adam" else {}
    parameters = {"weight_decay": 0.5, "decay_vectors": False, **trust}
    chosen = settings("hybrid", optimizer=name, optimizers={name: parameters}, head_factor=7.0)
    network = make_network(chosen)
    optimizer = make_optimizer(network, chosen.stages[0])
    found = {
        id(p): (group["weight_decay"], group["factor"]) for group in optimizer.param_groups for p in group["params"]
    }
    assert len(found) == len(list(network.parameters()))
    for key, parameter in network.named_parameters():
        vector = key.endswith("bias") or parameter.dim() == 1  # a batch norm's weight too
        assert found[id(parameter)] == (0.0 if vector else 0.5, 1.0 if key.startswith("encoder.") else 7.0)


def by_formula(p, g, lr, decay, trust):
    """The gradient that bolts 0.2.2's LARSWrapper gives its optimiser, number by number."""
    size, slope = (math.sqrt(sum(x * x for x in values)) for values in (p, g))
    if not size or not slope:
        return g
    ratio = min(trust * size / (slope + decay * size + 1e-8) / lr, 1)
    return [(slope_of + decay * at) * ratio for at, slope_of in zip(p, g, strict=True)]


@pytest.mark.parametrize("lr", [1.0, 1e-3])
@pytest.mark.parametrize(("decay", "trust"), [(0.0, 0.02), (0.1, 0.02), (0.1, 50.0)])
@pytest.mark.parametrize("zero", [None, "parameter", "gradient"])
def test_lars_scales_each_tensors_gradient(lr, decay, trust, zero):
    random = torch.Generator().manual_seed(0)
    parameter, gradient = torch.randn(2, 12, generator=random, dtype=torch.float64)
    if zero == "parameter":
        parameter.zero_()
    elif zero == "gradient":
        gradient.zero_()
    found = scaled(parameter, gradient, lr, decay, trust)
    assert found.tolist() == pytest.approx(by_formula(parameter.tolist(), gradient.tolist(), lr, decay, trust))


def test_lars_adam_is_adam_without_decay_on_the_scaled_gradients():
    random = torch.Generator().manual_seed(0)
    ours = [nn.Parameter(torch.randn(4, 3, generator=random)), nn.Parameter(torch.randn(4, generator=random))]
    plain = [nn.Parameter(p.detach().clone()) for p in ours]
    made = OPTIMIZERS["lars_adam"](weight_decay=0.1, decay_vectors=False, trust=0.02)
    optimizer = made.build([{"lr": 0.5, **group} for group in made.groups(ours, factor=1.0)])
    adam = torch.optim.Adam(plain, lr=0.5)
    for _ in range(3):
        for mine, its, decay in zip(ours, plain, (0.1, 0.0), strict=True):
            mine.grad = torch.randn(mine.shape, generator=random)
            numbers = by_formula(its.flatten().tolist(), mine.grad.flatten().tolist(), 0.5, decay, 0.02)
            its.grad = torch.tensor(numbers).view(its.shape)
        optimizer.step()
        adam.step()
        for mine, its in zip(ours, plain, strict=True):
            torch.testing.assert_close(mine, its)
            assert not mine.grad.requires_grad  # no graph grows from step to step
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0.0]  # as a checkpoint has them
