"""What the tests on the pretended device share: the device, and the CPU going a GPU's way."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from soundclr.audio import augmentation, crop, vocoder
from soundclr.training import loop
from soundclr.training import state as checkpoints
from support import pretended_device, toy
from support.pretended_device import waits

CPU = torch.device("cpu")


@pytest.fixture
def large_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU works on whole batches, as a GPU does: then both give the same numbers bit for bit."""
    monkeypatch.setattr(crop, "ONE_BY_ONE", ())
    for module in (augmentation, vocoder):
        monkeypatch.setattr(module, "SAMPLES_AT_ONCE_ON_CPU", 2**62)


@pytest.fixture
def device() -> Iterator[torch.device]:
    """The pretended device; modules move to it by swapping, since their ``data`` cannot change its kind."""
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    waits.clear()
    yield pretended_device.set_up()
    torch.__future__.set_swap_module_params_on_conversion(before)


@pytest.fixture
def agree(device: torch.device, large_batches: None) -> Callable[[Callable[[torch.device], Callable[[], Any]]], None]:
    """``agree(make)``: what ``make(device)`` prepares gives the CPU's numbers on the device, and waits for nothing."""

    def compare(make: Callable[[torch.device], Callable[[], Any]]) -> None:
        expected = tensors(make(CPU)())
        prepared = make(device)
        waits.clear()
        found = tensors(prepared())
        assert waits == []
        assert len(found) == len(expected) > 0
        for one, other in zip(found, expected, strict=True):
            assert one.device == device and one.dtype == other.dtype and one.stride() == other.stride()
            torch.testing.assert_close(one.cpu(), other, rtol=0, atol=0, equal_nan=True)

    return compare


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy clips' file."""
    return toy.write_features(tmp_path_factory.mktemp("features") / "toy.safetensors")


@pytest.fixture(autouse=True)
def checkpoints_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after each of the toy's short epochs."""
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)


@pytest.fixture
def epochs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """Of each epoch trained from now on: waits in its steps, and in all; and what a better epoch's weights are."""
    seen: list[tuple[int, int, int]] = []
    steps, whole = loop.StageLoop.train_epoch, loop.StageLoop.epoch

    def train_epoch(self: loop.StageLoop) -> Any:
        before = len(waits)
        result = steps(self)
        seen.append((len(waits) - before, 0, 0))
        return result

    def epoch(self: loop.StageLoop, lr: float) -> None:
        before = len(waits)
        whole(self, lr)
        kept = len(self.network.state_dict()) if self.keeps_best and self.state.best.epoch == self.state.epoch else 0
        seen[-1] = (seen[-1][0], len(waits) - before, kept)

    monkeypatch.setattr(loop.StageLoop, "train_epoch", train_epoch)
    monkeypatch.setattr(loop.StageLoop, "epoch", epoch)
    return seen


def tensors(values: Any) -> list[Tensor]:
    """All tensors in nested lists and dictionaries."""
    return [value for value in tree_leaves(values) if isinstance(value, Tensor)]
