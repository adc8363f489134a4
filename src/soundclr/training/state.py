"""What a run has come to so far, and the checkpoint it resumes from."""

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from soundclr.files import atomic_path

FORMAT = 1


@dataclass
class Best:
    """The epoch with the best held-out value of a stage, counted from 1, and its predictions."""

    epoch: int = 0
    value: float = -float("inf")
    probabilities: Tensor | None = None
    network: dict[str, Tensor] | None = None


@dataclass
class State:
    """Where a run stands: ``epoch`` epochs of stage ``stage`` are done; ``history`` has a row for each epoch."""

    stage: int = 0
    epoch: int = 0
    best: Best = field(default_factory=Best)
    last: Tensor | None = None
    history: list[dict[str, Any]] = field(default_factory=list)


def save(path: Path, identity: str, state: State, network: dict[str, Any], optimizer: dict[str, Any]) -> None:
    """Write a checkpoint that :func:`load` reads, whole or not at all."""
    content = {
        "format": FORMAT,
        "identity": identity,
        "state": dataclasses.asdict(state),
        "network": network,
        "optimizer": optimizer,
    }
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        torch.save(content, file)


def load(path: Path, identity: str) -> tuple[State, dict[str, Any], dict[str, Any]] | None:
    """The state, network and optimiser of a checkpoint, or None where there is none for this run.

    A checkpoint that is damaged or another run's is named and set aside under `.damaged`, and the run starts over.
    """
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if (content["format"], content["identity"]) != (FORMAT, identity):
            raise ValueError(f"it is of {content['identity']}, format {content['format']}")
        state = State(**{**content["state"], "best": Best(**content["state"]["best"])})
        return state, content["network"], content["optimizer"]
    except Exception as error:  # torch.load raises many kinds; whatever it is, training must go on
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        reason = " ".join(str(error).split())[:200]
        print(f"{path}: cannot resume from it ({reason}); kept as {aside.name}, starting over", file=sys.stderr)
        return None
