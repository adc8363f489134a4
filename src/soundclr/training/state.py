"""What a run has come to so far, and the checkpoint it resumes from."""

import math
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from soundclr.machine.files import atomic_path, regular
from soundclr.training import heartbeat
from soundclr.training.heartbeat import Heartbeat
from soundclr.training.signals import Interrupted, Stop, never

FORMAT = 2
INTERVAL = 60.0  # seconds from one checkpoint to the next where no epoch ends in between
SHARE = 0.05  # of the time at most goes into checkpoints: short epochs on a fast device do not each need one


@dataclass
class Best:
    """The epoch with the best watched value of a stage, counted from 1, and its predictions."""

    epoch: int = 0
    value: float = -float("inf")
    probabilities: Tensor | None = None
    network: dict[str, Tensor] | None = None


@dataclass
class Partial:
    """An epoch under way: ``batches`` are done, in ``seconds``.

    ``losses`` (batches of the epoch,) has theirs, ``right`` is how many of their clips were classified rightly,
    ``random`` the state of the epoch's generator after them.
    """

    batches: int
    losses: Tensor
    right: Tensor
    seconds: float
    random: Tensor


@dataclass
class State:
    """Where a run stands: ``epoch`` epochs of stage ``stage`` are done; ``history`` has a row for each epoch.

    ``code`` has the versions of the code that it was trained by so far.
    """

    stage: int = 0
    epoch: int = 0
    best: Best = field(default_factory=Best)
    last: Tensor | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    partial: Partial | None = None
    code: list[str] = field(default_factory=list)


class Checkpoint(NamedTuple):
    """What a run goes on from: where it stopped, and the state dicts of its network, its optimiser and its loss."""

    state: State
    network: dict[str, Any]
    optimizer: dict[str, Any]
    loss: dict[str, Any]


class Stateful(Protocol):
    """What has a state dict: modules, optimisers."""

    def state_dict(self) -> dict[str, Any]:
        """Its numbers, by name."""


class Saver:
    """Saves one run's checkpoints: at an epoch's end, within an epoch once a minute, and when asked to stop."""

    def __init__(
        self,
        path: Path,
        identity: str,
        stop: Stop = never,
        clock: Callable[[], float] = time.monotonic,
        device: str = "",
    ) -> None:
        self.path, self.identity, self.stop, self.clock, self.device = path, identity, stop, clock, device
        self.saved, self.cost = clock(), 0.0
        self.in_checkpoint, self.beaten = 0, -math.inf

    def due(self) -> bool:
        """Whether to save within an epoch: the time has come, or a signal asks to stop."""
        return self.stop() is not None or self.clock() - self.saved >= INTERVAL

    def save(self, state: State, *parts: Stateful) -> None:
        """Write the checkpoint of the network, the optimiser and the loss's modules."""
        started = self.clock()
        save(self.path, self.identity, state, *(part.state_dict() for part in parts))
        self.saved = self.clock()
        self.cost = self.saved - started
        self.in_checkpoint = len(state.history)
        self.beat(state, always=True)

    def end_of_epoch(self, state: State, *parts: Stateful) -> None:
        """Save, unless that would take more than its share of the time; Interrupted where a signal asks to stop."""
        asked, since = self.stop(), self.clock() - self.saved
        if asked or since >= INTERVAL or self.cost <= SHARE * since:
            self.save(state, *parts)
        else:
            self.beat(state)
        if asked:
            raise Interrupted(asked, state.epoch)

    def beat(self, state: State, always: bool = False) -> None:
        """Write how far the training is, beside the checkpoint; at most once a second unless ``always``."""
        if always or time.monotonic() - self.beaten >= heartbeat.SECONDS:
            beat = Heartbeat(self.device, state.history, self.in_checkpoint)
            beat.write(self.path.with_suffix(heartbeat.SUFFIX))
            self.beaten = time.monotonic()

    def stop_if_asked(self, state: State) -> None:
        """Raise Interrupted, which is for after a checkpoint, where a signal asks to stop."""
        if asked := self.stop():
            raise Interrupted(asked, state.epoch + (state.partial is not None))


def save(
    path: Path,
    identity: str,
    state: State,
    network: dict[str, Any],
    optimizer: dict[str, Any],
    loss: dict[str, Any] | None = None,
) -> None:
    """Write a checkpoint that :func:`load` reads, whole or not at all."""
    position = {**vars(state), "best": vars(state.best), "partial": state.partial and vars(state.partial)}
    content = {"format": FORMAT, "identity": identity, "state": position, "network": network, "optimizer": optimizer}
    save_tensors(path, content | ({"loss": loss} if loss else {}))


def save_tensors(path: Path, content: Any) -> None:
    """``torch.save``, whole or not at all; a disk that is full is a UserError that names the file."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        torch.save(content, file)


def load(path: Path, identity: str, check: Callable[[Checkpoint], None] = lambda _: None) -> Checkpoint | None:
    """A run's checkpoint, or None where there is none for this run.

    A checkpoint that is damaged, another run's, or that ``check`` raises an error for, is named and set aside under
    `.damaged`, and the run starts over.
    """
    if not path.exists():
        return None
    try:
        # torch.save's form, whose checksums torch.load does not look at
        with open(path, "rb", opener=regular) as file, zipfile.ZipFile(file) as archive:
            if broken := archive.testzip():
                raise ValueError(f"{broken} in it is damaged")
        content = torch.load(path, map_location="cpu", weights_only=True)
        if (content["format"], content["identity"]) != (FORMAT, identity):
            raise ValueError(f"it is of {content['identity']}, format {content['format']}")
        position = content["state"]
        partial = position["partial"] and Partial(**position["partial"])
        state = State(**{**position, "best": Best(**position["best"]), "partial": partial})
        saved = Checkpoint(state, content["network"], content["optimizer"], content.get("loss", {}))
        check(saved)
        return saved
    except Exception as error:  # torch.load raises many kinds; whatever it is, training must go on
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        print(f"{path}: cannot resume from it ({reason}); kept as {aside.name}, starting over", file=sys.stderr)
        return None
