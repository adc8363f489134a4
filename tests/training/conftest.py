"""What the training's tests share: the toy problem as a task, its network, and a way to interrupt a training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import toy

from soundclr.audio.pipeline import Inputs
from soundclr.models.network import Network
from soundclr.params import RunSettings
from soundclr.training import state
from soundclr.training.task import Task


@pytest.fixture(autouse=True)
def checkpoints_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy's epochs are shorter than a checkpoint takes: one after each all the same."""
    monkeypatch.setattr(state, "SHARE", 1e9)


@pytest.fixture
def settings(repo: Path) -> Callable[..., RunSettings]:
    """``settings("hybrid", epochs=2)``: the toy study's settings of a recipe, with other training settings."""
    return lambda recipe, **training: toy.params(repo, **training).resolve("toy", "toy", recipe)


@pytest.fixture
def make_task() -> Callable[..., Task]:
    """``make_task(settings)``: the toy clips as a task, the third fold held out."""

    def make(settings: RunSettings, seed: tuple[int, int] = (0, 3)) -> Task:
        clips = toy.waveforms()
        return Task(
            identity="toy",
            stages=settings.stages,
            inputs=Inputs(clips, settings),
            labels=clips.labels,
            known=clips.labels,
            train=(clips.folds != 3).nonzero()[:, 0],
            val=(clips.folds == 3).nonzero()[:, 0],
            seed=seed,
            device=torch.device("cpu"),
        )

    return make


@pytest.fixture
def make_network() -> Callable[..., Network]:
    """``make_network(settings)``: the same initial weights each time."""

    def make(settings: RunSettings, frozen: int = 0) -> Network:
        torch.manual_seed(0)
        network = Network.of(settings, channels=1, classes=3)
        network.encoder.frozen = frozen
        return network

    return make


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """``interrupt(n)``: from now on, training is killed at the end of its n-th epoch, the checkpoint just written."""

    save = state.Saver.end_of_epoch

    def after(epochs: int) -> None:
        left = [epochs]

        def end_of_epoch(self: state.Saver, *arguments: Any) -> None:
            save(self, *arguments)
            left[0] -= 1
            if left[0] == 0:
                raise toy.Interrupted

        monkeypatch.setattr(state.Saver, "end_of_epoch", end_of_epoch)

    return after
