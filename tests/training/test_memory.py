"""Memory that runs out: one line with what would fit, and nothing of the run changed."""

import re

import pytest
import torch

from soundclr.errors import UserError
from soundclr.training import loop
from soundclr.training.loop import train
from soundclr.training.memory import is_out_of_memory, largest_that_fits


def test_signs():
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert is_out_of_memory(RuntimeError("CUDA error: out of memory"))
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60)
    assert is_out_of_memory(error.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def out_of_memory(*_):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.mark.parametrize(
    ("size", "room", "tried", "fits"),
    [(128, 40, [64, 32], 32), (128, 64, [64], 64), (9, 2, [4, 2], 2), (8, 1, [4, 2], None), (3, 9, [], None)],
)
def test_halves_are_tried(size, room, tried, fits):
    found = []

    def step(clips):
        found.append(clips)
        if clips > room:
            out_of_memory()

    assert largest_that_fits(size, step) == fits
    assert found == tried


def test_another_error_while_trying_is_not_hidden():
    with pytest.raises(RuntimeError, match="shapes"):
        largest_that_fits(8, lambda clips: torch.ones(2, 3) @ torch.ones(2, 3))


@pytest.fixture
def small_device(monkeypatch):
    """``small_device(network, n)``: a network that has memory for n clips."""

    def limit(network, clips):
        network.register_forward_pre_hook(lambda module, given: out_of_memory() if len(given[0]) > clips else None)
        return network

    return limit


@pytest.mark.parametrize(("room", "fit"), [(5, "4 fit"), (2, "2 fit"), (1, "not even 2 fit")])
def test_the_message_has_a_batch_size_that_fits(settings, make_task, make_network, tmp_path, small_device, room, fit):
    chosen = settings("hybrid", batch_size=8)
    network = small_device(make_network(chosen), room)
    with pytest.raises(UserError) as error:
        train(make_task(chosen), network, tmp_path / "x.resume")
    assert re.fullmatch(
        rf"toy, epoch 1 of stage 'joint': .*, 1 thread ran out of memory with batches of 8 in float32; {fit}: lower "
        r"training\.batch_size, .*",
        str(error.value),
    )
    assert error.value.__context__ is None  # which would hold the batch
    assert not (tmp_path / "x.resume").exists()


def test_views_are_named(settings, make_task, make_network, tmp_path, small_device):
    chosen = settings("hybrid", batch_size=8, views=2)
    with pytest.raises(UserError, match=r"with batches of 8 clips in 2 views in float32; 4 fit: lower"):
        train(make_task(chosen), small_device(make_network(chosen), 9), tmp_path / "x.resume")


def test_in_a_later_epoch_the_checkpoint_stays(settings, make_task, make_network, tmp_path, monkeypatch, interrupt):
    chosen = settings("hybrid")
    network = make_network(chosen)
    call, calls = loop.Loss.__call__, []

    def later(self, outputs):
        calls.append(len(outputs.labels))
        if len(calls) >= 8 and len(outputs.labels) > 2:
            out_of_memory()
        return call(self, outputs)

    monkeypatch.setattr(loop.Loss, "__call__", later)
    with pytest.raises(UserError, match=r"epoch 2 of stage 'joint': .* with batches of 5 in float32; 2 fit"):
        train(make_task(chosen), network, tmp_path / "x.resume")
    assert torch.load(tmp_path / "x.resume")["state"]["epoch"] == 1
