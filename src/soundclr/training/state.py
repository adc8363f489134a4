"""A training's state, and the checkpoint that it resumes from."""

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
INTERVAL = 60.0  # seconds between checkpoints within an epoch
SHARE = 0.05  # the largest share of the time for checkpoints: not every short epoch needs one


@dataclass
class Best:
    """A stage's epoch with the best monitored value, counted from 1, and its predictions."""

    epoch: int = 0
    value: float = -float("inf")
    probabilities: Tensor | None = None
    network: dict[str, Tensor] | None = None


@dataclass
class Partial:
    """An unfinished epoch: ``batches`` are done, in ``seconds``.

    ``losses`` (batches of the epoch,) holds their losses, ``right`` how many of their clips were classified correctly,
    ``random`` the state of the epoch's random generator after them.
    """

    batches: int
    losses: Tensor
    right: Tensor
    seconds: float
    random: Tensor


@dataclass
class State:
    """A run's progress: ``epoch`` epochs of stage ``stage`` are done; ``history`` has a row for each epoch.

    ``code`` lists the versions of the code that have trained it so far.
    """

    stage: int = 0
    epoch: int = 0
    best: Best = field(default_factory=Best)
    last: Tensor | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    partial: Partial | None = None
    code: list[str] = field(default_factory=list)


class Checkpoint(NamedTuple):
    """A run's state, and the state dicts of its network, its optimiser and its loss."""

    state: State
    network: dict[str, Any]
    optimizer: dict[str, Any]
    loss: dict[str, Any]


class Stateful(Protocol):
    """An object with a state dict: a module or an optimiser."""

    def state_dict(self) -> dict[str, Any]:
        """Its values by name."""


class Saver:
    """Saves a run's checkpoints: at the end of an epoch, once a minute within one, and when asked to stop."""

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
        """Whether to save within an epoch: a minute has passed, or a signal asks to stop."""
        return self.stop() is not None or self.clock() - self.saved >= INTERVAL

    def save(self, state: State, *parts: Stateful) -> None:
        """Write a checkpoint; ``parts`` are the network, the optimiser and the loss's modules."""
        started = self.clock()
        save(self.path, self.identity, state, *(part.state_dict() for part in parts))
        self.saved = self.clock()
        self.cost = self.saved - started
        self.in_checkpoint = len(state.history)
        self.beat(state, always=True)

    def end_of_epoch(self, state: State, *parts: Stateful) -> None:
        """Save unless that takes more than its share of the time; Interrupted if a signal asks to stop."""
        asked, since = self.stop(), self.clock() - self.saved
        if asked or since >= INTERVAL or self.cost <= SHARE * since:
            self.save(state, *parts)
        else:
            self.beat(state)
        if asked:
            raise Interrupted(asked, state.epoch)

    def beat(self, state: State, always: bool = False) -> None:
        """Write the progress beside the checkpoint, at most once a second unless ``always``."""
        if always or time.monotonic() - self.beaten >= heartbeat.SECONDS:
            beat = Heartbeat(self.device, state.history, self.in_checkpoint)
            beat.write(self.path.with_suffix(heartbeat.SUFFIX))
            self.beaten = time.monotonic()

    def stop_if_asked(self, state: State) -> None:
        """Raise Interrupted if a signal asks to stop; call it after saving."""
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
    """Write a checkpoint for :func:`load`, completely or not at all."""
    position = {**vars(state), "best": vars(state.best), "partial": state.partial and vars(state.partial)}
    content = {"format": FORMAT, "identity": identity, "state": position, "network": network, "optimizer": optimizer}
    save_tensors(path, content | ({"loss": loss} if loss else {}))


def save_tensors(path: Path, content: Any) -> None:
    """``torch.save``, completely or not at all; a full disk is a UserError with the file's name."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        torch.save(content, file)


def load(path: Path, identity: str, check: Callable[[Checkpoint], None] = lambda _: None) -> Checkpoint | None:
    """Load a run's checkpoint; None if it has none.

    If the checkpoint is damaged, belongs to another run, or ``check`` raises an error, it is renamed to `.damaged` with
    a message, and the run starts over.
    """
    if not path.exists():
        return None
    try:
        # torch.save writes a zip archive, whose checksums torch.load does not verify
        with open(path, "rb", opener=regular) as file, zipfile.ZipFile(file) as archive:
            if broken := archive.testzip():
                raise ValueError(f"its {broken} is damaged")
        content = torch.load(path, map_location="cpu", weights_only=True)
        if (content["format"], content["identity"]) != (FORMAT, identity):
            raise ValueError(f"it belongs to {content['identity']}, format {content['format']}")
        position = content["state"]
        partial = position["partial"] and Partial(**position["partial"])
        state = State(**{**position, "best": Best(**position["best"]), "partial": partial})
        saved = Checkpoint(state, content["network"], content["optimizer"], content.get("loss", {}))
        check(saved)
        return saved
    except Exception as error:  # torch.load raises many kinds; in each case training must go on
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        print(f"{path}: cannot resume from it ({reason}); kept as {aside.name}, starting over", file=sys.stderr)
        return None
