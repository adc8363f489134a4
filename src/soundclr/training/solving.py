"""A stage whose classifier a solver finds in one epoch, on the representations of a fixed encoder."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from soundclr.losses import UNLABELLED, CrossEntropy, Loss
from soundclr.models.network import Network
from soundclr.params import StageSettings
from soundclr.params.entries import entry_of
from soundclr.training.evaluator import Evaluator
from soundclr.training.progress import Progress
from soundclr.training.solvers import SOLVERS
from soundclr.training.state import Best, Saver, State
from soundclr.training.task import Task

if TYPE_CHECKING:
    from soundclr.audio.features import Waveforms

PART = 5  # with a single training fold, one clip in five of each class is an inner one


def solve_stage(task: Task, stage: StageSettings, network: Network, state: State, saver: Saver) -> None:
    """Set ``network``'s classifier to the solver's solution and add the stage's only epoch to ``state``.

    Each clip is encoded once, without augmentation. Raises Interrupted if a signal asks to stop; nothing is saved.
    """
    progress = Progress(f"{task.identity} {stage.name}", 1, 0, len(task.train), task.val_name)
    started = time.perf_counter()
    network.eval()
    evaluator = Evaluator(network, task.inputs, stage, task.seed, fixed=True)
    clips = task.train[task.known[task.train] != UNLABELLED]
    features = evaluator.represent(clips, lambda: saver.stop_if_asked(state))
    set_classifier(task, stage, network, clips, features)
    seconds = time.perf_counter() - started

    def judged(clips: Tensor) -> tuple[Tensor, float, float]:
        logits = evaluator.forward(clips, lambda: saver.stop_if_asked(state))[1].float().cpu()
        labels = task.labels[clips]
        return logits, float(cross_entropy(logits, labels)), float((logits.argmax(dim=1) == labels).float().mean())

    _, train_loss, train_accuracy = judged(clips)
    logits, val_loss, val_accuracy = judged(task.val)
    row = {
        "stage": stage.name,
        "epoch": 1,
        "lr": 0.0,
        "train_loss": train_loss,
        "train_accuracy": train_accuracy,
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
        "seconds": time.perf_counter() - started,
        "clips_per_second": len(clips) / seconds,
    }
    state.epoch, state.last = 1, logits.softmax(dim=1)
    state.history.append(row)
    kept = {k: v.cpu().clone() for k, v in network.state_dict().items()} if task.keeps_best(stage) else None
    state.best = Best(1, val_accuracy if stage.training.monitor == "accuracy" else -val_loss, state.last, kept)
    progress.epoch(row)
    task.on_epoch(len(state.history), row)
    progress.close()


def set_classifier(task: Task, stage: StageSettings, network: Network, clips: Tensor, features: Tensor) -> None:
    """Solve for the classifier of ``clips`` (indices) from their ``features`` (clips, features), and set it."""
    solver = entry_of(SOLVERS, stage.optimizer, "optimizer", f"stage '{stage.name}'")
    labels = task.known[clips]
    inner = inner_clips(task.inputs.waveforms, clips, labels, held_out=task.seed[1])
    [(_, term)] = Loss.from_stage(stage).terms
    assert isinstance(term, CrossEntropy)  # solvers.check_solved allows no other
    balanced = term.class_weights == "balanced"
    weights, biases = solver.solve(
        features.double().cpu().numpy(), labels.numpy(), inner.numpy(), network.classes, balanced
    )
    linear = network.classifier[0]
    assert isinstance(linear, nn.Linear)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(weights))
        linear.bias.copy_(torch.from_numpy(biases))


def inner_clips(waveforms: Waveforms, clips: Tensor, labels: Tensor, held_out: int) -> Tensor:
    """A mask of the ``clips`` (clips,) that choose a solver's parameters: those of the fold after ``held_out``.

    If all clips are in one fold, it is a fifth of each class, chosen by the hash of the clips' names.
    """
    folds = waveforms.folds[clips]
    if len(others := sorted(set(folds.tolist()))) > 1:
        return folds == next((fold for fold in others if fold > held_out), others[0])
    inner = torch.zeros(len(clips), dtype=torch.bool)
    for label in labels.unique():
        places = (labels == label).nonzero()[:, 0].tolist()
        places.sort(key=lambda place: hashlib.sha256(waveforms.clips[clips[place]].encode()).digest())
        inner[places[: len(places) // PART or len(places) // 2]] = True
    return inner
