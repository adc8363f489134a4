"""Networks of other libraries train, and go on bit for bit."""

import pytest
import torch

from soundclr.method import check
from soundclr.training.loop import train
from support import toy


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mobilenet_v3_small", "convnext_tiny"])
def test_it_trains_and_goes_on_bit_for_bit(repo, make_task, make_network, tmp_path, interrupt, network):
    """Dropout and stochastic depth too, which draw for each batch."""
    changes = {"encoder": "torchvision", "encoders": {"torchvision": {"network": network}}}
    chosen = toy.params(repo, **changes).resolve("toy", "toy", "cross_entropy")
    check(chosen, "here")
    stage = chosen.stages[0]
    short = stage.model_copy(update={"training": stage.training.model_copy(update={"epochs": 2, "batch_size": 9})})
    task = make_task(chosen.model_copy(update={"stages": (short,)}))
    whole, pieces = make_network(chosen), make_network(chosen)
    history = train(task, whole, tmp_path / "whole.resume").history
    interrupt(1)
    with pytest.raises(toy.Interrupted):
        train(task, pieces, tmp_path / "x.resume")
    interrupt(9)
    pieces = make_network(chosen)
    again = train(task, pieces, tmp_path / "x.resume").history
    assert [row["train_loss"] for row in history] == [row["train_loss"] for row in again]
    for one, other in zip(whole.state_dict().values(), pieces.state_dict().values(), strict=True):
        assert torch.equal(one, other)
