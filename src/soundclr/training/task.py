"""The inputs of one training."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from soundclr.audio.pipeline import Inputs
from soundclr.params import StageSettings
from soundclr.training.tensorboard import EpochDone, nothing


@dataclass(frozen=True)
class Task:
    """The inputs of one training: ``train`` and ``val`` are clip indices, ``labels`` those of all clips.

    ``known`` are the labels that training may use, -1 for a training clip without one. The clips of ``val`` choose the
    best epoch and when to stop; messages call them ``val_name``. With ``keep_best``, the best weights of the last stage
    are kept too. ``source`` has the hashes of the clips and of the initial weights; a checkpoint with other hashes is
    not resumed. The loop calls ``on_epoch`` after each epoch.
    """

    identity: str
    stages: Sequence[StageSettings]
    inputs: Inputs
    labels: Tensor
    known: Tensor
    train: Tensor
    val: Tensor
    seed: tuple[int, int]
    device: torch.device
    val_name: str = "held-out"
    keep_best: bool = False
    source: str = ""
    on_epoch: EpochDone = nothing

    def keeps_best(self, stage: StageSettings) -> bool:
        """Whether the weights of the stage's best epoch are needed afterwards."""
        return self.keep_best if stage is self.stages[-1] else stage.training.keep == "best"
