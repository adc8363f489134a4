"""What the training's tests share: the toy problem as a task, its network, ways to interrupt and script a training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from soundclr.audio.pipeline import Inputs
from soundclr.models.network import Network
from soundclr.params import RunSettings
from soundclr.training import loop, state
from soundclr.training.task import Task
from support import toy


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
        network = Network.from_settings(settings, channels=1, classes=3)
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


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float], list[int]], None]:
    """``scripted(losses, accuracies)``: the held-out values of each epoch; the training itself is left out."""

    def script(losses: list[float], accuracies: list[int]) -> None:
        epochs = iter(zip(losses, accuracies, strict=True))
        monkeypatch.setattr(loop.StageLoop, "train_epoch", lambda _: (1.0, 0.5, 1.0))

        def validate(self: loop.StageLoop) -> tuple[float, torch.Tensor]:
            loss, right = next(epochs)
            bias = self.network.classifier[-1].bias
            with torch.no_grad():  # so that each epoch has weights of its own
                bias += 1
            labels = self.task.labels[self.task.val]
            guesses = torch.where(torch.arange(len(labels)) < right, labels, (labels + 1) % 3)
            return loss, (5 + bias[0].item()) * torch.nn.functional.one_hot(guesses, 3)

        monkeypatch.setattr(loop.StageLoop, "validate", validate)

    return script
