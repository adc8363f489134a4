"""Optimisers are torch's, with the settings that they are given."""

import torch

from soundclr.training.optimizers import OPTIMIZERS


def test_each_is_torchs_own_of_its_name():
    weight = torch.nn.Parameter(torch.ones(3))
    for name, kind in (("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam)):
        made = OPTIMIZERS[name](weight_decay=0.25, betas=(0.5, 0.75)).build([{"params": [weight]}])
        assert type(made) is kind
        assert (made.defaults["weight_decay"], made.defaults["betas"], made.defaults["fused"]) == (
            0.25,
            (0.5, 0.75),
            True,
        )
