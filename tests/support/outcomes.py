"""What trainings come to, compared; and a clock that asks for a checkpoint after every batch."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from soundclr.models.network import Network
from soundclr.training import state as checkpoints
from soundclr.training.state import State

TIMES = ("seconds", "clips_per_second")


def without_times(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A history without what no two trainings have in common."""
    return [{key: value for key, value in row.items() if key not in TIMES} for row in history]


def assert_equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    """The same weights, bit for bit."""
    assert one.keys() == other.keys()
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


def assert_same_outcome(state: State, network: Network, other_state: State, other_network: Network) -> None:
    """The same histories, predictions and weights, bit for bit."""
    assert without_times(state.history) == without_times(other_state.history)
    one, other = ((s.epoch, s.best.epoch, s.best.value) for s in (state, other_state))
    assert one == other
    assert state.last is not None and other_state.last is not None and torch.equal(state.last, other_state.last)
    best, other_best = state.best.probabilities, other_state.best.probabilities
    assert best is not None and other_best is not None and torch.equal(best, other_best)
    assert_equal(network.state_dict(), other_network.state_dict())


def always() -> Callable[[], float]:
    """A clock by which it is time for a checkpoint whenever it is asked."""
    return itertools.count(step=checkpoints.INTERVAL).__next__
