"""One run from its inputs to its files, as a Snakemake job or by hand."""

import csv
import datetime
import importlib.metadata
import io
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from soundclr import __version__
from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Inputs
from soundclr.devices import describe, warn_if_slow
from soundclr.errors import UserError
from soundclr.files import sha256_of_file, write_text
from soundclr.models import Network, build_encoder
from soundclr.params import EncoderSettings, Params, RunSettings
from soundclr.records import write_record
from soundclr.runs import Run, dataset_hash
from soundclr.training import budget
from soundclr.training.batches import seed_of
from soundclr.training.lock import only_one
from soundclr.training.loop import Task, evaluate, train
from soundclr.training.memory import is_out_of_memory
from soundclr.training.signals import Stop, never
from soundclr.training.state import State, save_tensors

Probabilities = dict[str, Tensor]  # of the held-out clips (clips, classes), at the epochs "best" and "last"


@dataclass(frozen=True)
class Paths:
    """Where a run's inputs are and where results go."""

    features: Path
    weights: Path | None
    results: Path = Path("results")


def run_job(run: Run, params: Params, paths: Paths, device: torch.device, stop: Stop = never) -> Path:
    """Train ``run`` on ``device`` and write its folder and model; returns the path of metrics.json.

    Resumes from the checkpoint that an interrupted job left, and removes it at the end. metrics.json is
    written last: where it is, everything is. Raises UserError, also where another process trains the run, and, when
    ``stop`` names a signal, Interrupted.
    """
    settings = params.resolve(run.study, run.dataset, run.recipe)
    waveforms = Waveforms.load(paths.features)
    check_features(waveforms, params, run, paths.features)
    weights = check_weights(paths.weights, params, settings.encoder)
    warn_if_slow(device, settings.precision)
    labels, inner = waveforms.labels.clone(), settings.stages[-1].training.validation == "inner"
    train_clips, watched, test_clips = split(waveforms.folds, run.fold, params.datasets[run.dataset].folds, inner)
    for line in budget.warnings(settings, len(train_clips)):
        print(f"{run.study}/{run.group}/{run.name}: warning: {line}", file=sys.stderr, flush=True)

    torch.manual_seed(seed_of(run.seed, run.fold, "network"))
    network = Network(build_encoder(settings.encoder, paths.weights), settings.projection.size, len(waveforms.classes))
    try:
        network.to(device)
        inputs = make_inputs(waveforms.to(device), settings)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            f"{describe(device)}: no memory for the network and the clips; share it with fewer jobs"
        ) from error
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch has it, its stubs do not
    task = Task(
        identity=f"{run.study}/{run.group}/{run.name}",
        stages=settings.stages,
        inputs=inputs,
        labels=labels,
        train=train_clips,
        watch=watched,
        seed=(run.seed, run.fold),
        device=device,
        watched="inner fold's" if inner else "held-out",
        keep_best=inner,
        features=waveforms.sha256,
    )
    model = run.model(paths.results)
    checkpoint = model.with_suffix(".resume")
    with only_one(model.with_suffix(".lock")):
        state = train(task, network, checkpoint, stop)

        save_tensors(model, {k: v.cpu() for k, v in network.state_dict().items()})
        probabilities = look(task, network, state, test_clips) if inner else watched_probabilities(state)
        folder = run.directory(paths.results)
        write_text(folder / "history.csv", history_csv(state))
        write_text(folder / "predictions.csv", predictions_csv(probabilities, waveforms, test_clips.tolist()))
        clips = {"train": len(train_clips), "test": len(test_clips)}
        metrics = {
            **describe_run(run, params, settings, state, device),
            "weights": {"name": settings.encoder.weights, "sha256": weights},
            "index_sha256": waveforms.index_sha256,
            "features_sha256": waveforms.sha256,
            "model_sha256": sha256_of_file(model),
            "clips": {**clips, "validation": len(watched)} if inner else clips,
            "classes": list(waveforms.classes),
            "files": {name: sha256_of_file(folder / name) for name in ("history.csv", "predictions.csv")},
        }
        metrics["accuracy"] = accuracies(probabilities, labels[test_clips])
        write_record(folder / "metrics.json", metrics)
        checkpoint.unlink(missing_ok=True)
    return folder / "metrics.json"


def split(folds: Tensor, held_out: int, count: int, inner: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The clips to train on, to watch meanwhile, and to test on, by their ``folds`` from 1 to ``count``.

    Watched is the held-out fold itself (the paper's protocol) or, ``inner``, the next one, which then trains nothing.
    """
    test = folds == held_out
    watched = folds == held_out % count + 1 if inner else test
    train, watch, tested = (mask.nonzero()[:, 0] for mask in (~(watched | test), watched, test))
    for clips, purpose in ((train, "train on"), (watch, "choose the epoch by")):
        if len(clips) == 0:
            raise UserError(f"fold {held_out} held out: there is no clip to {purpose}; the dataset's folds are wrong")
    return train, watch, tested


def watched_probabilities(state: State) -> Probabilities:
    """Those of the watched clips, where they are the held-out ones."""
    assert state.best.probabilities is not None and state.last is not None
    return {"best": state.best.probabilities, "last": state.last}


def look(task: Task, network: Network, state: State, clips: Tensor) -> Probabilities:
    """The probabilities of ``clips``, which no epoch has been judged on, at the best and at the last epoch."""
    assert state.best.network is not None
    found: Probabilities = {}
    last = {key: value.clone() for key, value in network.state_dict().items()}
    for epoch, weights in (("best", state.best.network), ("last", last)):
        network.load_state_dict(weights)
        found[epoch] = evaluate(task, task.stages[-1], network, clips, [])[1].softmax(dim=1)
    return found


def make_inputs(waveforms: Waveforms, settings: RunSettings) -> Inputs:
    """The run's input pipeline over ``waveforms``, on their device."""
    return Inputs(waveforms, settings.audio, settings.augment, settings.logmel, settings.encoder.channels)


def check_features(waveforms: Waveforms, params: Params, run: Run, path: Path) -> None:
    """Raise UserError for features that are not what params.yaml says of the run's dataset."""
    source = params.datasets[run.dataset]
    found = (waveforms.sample_rate, len(waveforms.classes))
    if found != (wanted := (source.sample_rate, source.classes or found[1])):
        raise UserError(
            f"{path}: has {found[0]} Hz and {found[1]} classes, params.yaml says {wanted[0]} Hz and "
            f"{wanted[1]} for {run.dataset}; make the features again"
        )
    if not bool((waveforms.folds == run.fold).any()):
        raise UserError(f"{path}: no clip of {run.dataset} is in fold {run.fold}; make the features again")


def check_weights(path: Path | None, params: Params, encoder: EncoderSettings) -> str | None:
    """The SHA-256 of a run's file of initial weights, None without one; UserError for another than params.yaml's."""
    if path is None:
        return None
    says, has = params.weights[encoder.weights].files[encoder.name].sha256, sha256_of_file(path)
    if not has.startswith(says):
        raise UserError(
            f"{path}: has SHA-256 {has}, params.yaml says {says}; remove it, then run "
            f"`soundclr weights {encoder.weights} {encoder.name}`"
        )
    return has


def accuracies(probabilities: Probabilities, labels: Tensor) -> dict[str, float]:
    """Held-out accuracy, a fraction, at the best epoch (the paper's protocol) and after the last (unbiased)."""
    return {
        f"{epoch}_epoch": float((values.argmax(dim=1) == labels).double().mean())
        for epoch, values in probabilities.items()
    }


def describe_run(run: Run, params: Params, settings: RunSettings, state: State, device: torch.device) -> dict[str, Any]:
    """What metrics.json says of how a run was made."""
    done = Counter(row["stage"] for row in state.history)
    seconds = sum(row["seconds"] for row in state.history)
    per_epoch = sorted(row["clips_per_second"] for row in state.history)
    return {
        "format": 2,
        **run.coordinates,
        "best_epoch": state.best.epoch,
        "epochs": state.epoch,
        "stopped_early": any(done[stage.name] < stage.training.epochs for stage in settings.stages),
        "settings": settings.model_dump(mode="json"),
        "dataset_hash": dataset_hash(params, run.dataset),
        "device": describe(device),
        "precision": settings.precision,
        "duration_seconds": round(seconds, 1),
        "clips_per_second": round(per_epoch[len(per_epoch) // 2], 2),
        "code": state.code,
        **git_state(),
        "versions": versions(),
        "created": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def versions(*others: str) -> dict[str, str]:
    """The versions of Python, of this package, and of what a run and ``others`` depend on."""
    names = ("torch", "torchvision", "torchaudio", *others)
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names},
        "soundclr": __version__,
    }


def git_state() -> dict[str, Any]:
    """The commit that the code is of, and whether code or parameters differ from it; None outside a repository."""
    root = Path(__file__).parents[3]

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "params.yaml")
    return {"git_commit": commit, "git_dirty": None if commit is None else bool(changed)}


def history_csv(state: State) -> str:
    """One row an epoch; fractions and losses with 6 decimals, an accuracy that does not exist left empty."""
    rows = [
        [f"{v:.6g}" if isinstance(v, float) else "" if v is None else v for v in row.values()] for row in state.history
    ]
    return to_csv([list(state.history[0]), *rows])


def predictions_csv(probabilities: Probabilities, waveforms: Waveforms, clips: Sequence[int]) -> str:
    """The held-out clips' class probabilities at the best and at the last epoch."""
    rows: list[list[Any]] = [["clip", "label", "epoch", *waveforms.classes]]
    for epoch, values in probabilities.items():
        for clip, row in zip(clips, values.tolist(), strict=True):
            rows.append([waveforms.clips[clip], int(waveforms.labels[clip]), epoch, *(f"{p:.6f}" for p in row)])
    return to_csv(rows)


def to_csv(rows: Sequence[Sequence[Any]]) -> str:
    """Rows as CSV text with Unix line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
