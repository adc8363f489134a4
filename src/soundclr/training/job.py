"""Trains one run from its inputs to its files, as a Snakemake job or by hand."""

import itertools
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Inputs
from soundclr.audio.representations import representation_of
from soundclr.errors import UserError
from soundclr.losses import classifies
from soundclr.machine.devices import describe, warn_if_slow
from soundclr.machine.files import record_of, recorded_sha256, sha256_of_file, to_csv, write_text
from soundclr.machine.locks import only_one
from soundclr.machine.provenance import made_with
from soundclr.machine.randomness import seed_of
from soundclr.models.load import start_from_run
from soundclr.models.network import Network
from soundclr.params import Params, RunSettings, WeightsFile
from soundclr.run.records import Accuracies, Clips, Identical, Metrics, StartUsed
from soundclr.run.runs import Run, dataset_hash, started_from
from soundclr.training import budget, heartbeat
from soundclr.training.evaluator import Evaluator
from soundclr.training.loop import train
from soundclr.training.memory import is_out_of_memory
from soundclr.training.signals import Stop, never
from soundclr.training.split import known_labels, label_warnings, split
from soundclr.training.state import State, save_tensors
from soundclr.training.task import Task
from soundclr.training.tensorboard import watched

Probabilities = dict[str, Tensor]  # "best" and "last" epoch -> held-out clips' probabilities (clips, classes), or empty


@dataclass(frozen=True)
class Paths:
    """A run's input files and results folder. ``weights`` is the file of its initial weights, if any."""

    features: Path
    weights: Path | None
    results: Path = Path("results")


def run_job(run: Run, params: Params, paths: Paths, device: torch.device, stop: Stop = never) -> Path:
    """Train ``run`` on ``device`` and write its folder and model; returns the path of metrics.json.

    It resumes from the checkpoint of an interrupted job and removes it at the end. It writes metrics.json last, so if
    that file exists, all others do. Raises UserError, for example if another process trains the run, and Interrupted
    when ``stop`` returns a signal.
    """
    settings = params.resolve(run.study, run.dataset, run.recipe)
    waveforms = Waveforms.load(paths.features)
    check_features(waveforms, params, run, paths.features)
    warn_if_slow(device, settings.precision)
    network, start = make_network(run, params, paths, settings, len(waveforms.classes))
    task, test = make_task(run, params, settings, waveforms, network, start, device)
    few = label_warnings(task.labels, task.train, settings.labels, waveforms.classes, run.fold)
    for line in itertools.chain(budget.warnings(settings, len(task.train), network.encoder), few):
        print(f"{task.identity}: warning: {UserError(line)}", file=sys.stderr, flush=True)
    model = run.model(paths.results)
    checkpoint = model.with_suffix(".resume")
    with only_one(model.with_suffix(".lock"), "this run is being trained"):
        print(f"{task.identity}: computes on {describe(device)}", file=sys.stderr, flush=True)
        with watched(run, paths.results, params.tensorboard) as on_epoch:
            state = train(replace(task, on_epoch=on_epoch), network, checkpoint, stop)

        save_tensors(model, {k: v.cpu() for k, v in network.state_dict().items()})
        probabilities = held_out_probabilities(task, network, state, test) if classifies(settings) else {}
        folder = run.directory(paths.results)
        write_text(folder / "history.csv", history_csv(state))
        write_text(folder / "predictions.csv", predictions_csv(probabilities, waveforms, test.tolist()))
        Metrics(
            **described(run, params, settings, state, device),
            start=start,
            index_sha256=waveforms.index_sha256,
            features_sha256=waveforms.sha256,
            model_sha256=sha256_of_file(model),
            clips=clips_of(task, test, waveforms),
            classes=waveforms.classes,
            accuracy=accuracies(probabilities, waveforms.labels[test]),
            files={name: sha256_of_file(folder / name) for name in ("history.csv", "predictions.csv")},
        ).write(folder / "metrics.json")
        for file in (checkpoint, checkpoint.with_suffix(heartbeat.SUFFIX)):
            file.unlink(missing_ok=True)
    return folder / "metrics.json"


def clips_of(task: Task, test: Tensor, waveforms: Waveforms) -> Clips:
    """The numbers of clips for metrics.json."""
    identical = None if waveforms.identical is None else Identical.model_validate(waveforms.identical)
    validation = len(task.val) if task.keep_best else None
    return Clips(train=len(task.train), test=len(test), validation=validation, identical=identical)


def make_network(
    run: Run, params: Params, paths: Paths, settings: RunSettings, classes: int
) -> tuple[Network, StartUsed]:
    """Build the run's network on the CPU; returns it and what its encoder starts from, whose hash it checks."""
    torch.manual_seed(seed_of(run.seed, run.fold, "network"))
    weights = check_weights(paths.weights, params, settings)
    mapping = file_of(params, settings).mapping if paths.weights else None
    network = Network.from_settings(settings, representation_of(settings).channels, classes, paths.weights, mapping)
    other = started_from(params, run)
    if other is None:
        return network, StartUsed(name=settings.start.weights, sha256=weights)
    metrics = start_from_run(network, other, paths.results)
    return network, StartUsed(name=f"{other.group}/{other.name}", sha256=metrics.model_sha256)


def make_task(
    run: Run,
    params: Params,
    settings: RunSettings,
    waveforms: Waveforms,
    network: Network,
    start: StartUsed,
    device: torch.device,
) -> tuple[Task, Tensor]:
    """Build the run's task, and move its clips and ``network`` to ``device``; also returns the held-out clips."""
    inner = settings.stages[-1].training.validation == "inner"
    train_clips, val, test = split(waveforms.folds, run.fold, params.datasets[run.dataset].folds, inner)
    try:
        network.to(device)
        inputs = Inputs(waveforms.to(device), settings)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            f"{describe(device)}: no memory for the network and the clips, {waveforms.samples.nbytes / 1e9:,.1f} GB; "
            "run fewer jobs on it"
        ) from error
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch has it, its stubs do not
    task = Task(
        identity=f"{run.study}/{run.group}/{run.name}",
        stages=settings.stages,
        inputs=inputs,
        labels=waveforms.labels.clone(),
        known=known_labels(waveforms, train_clips, settings.labels),
        train=train_clips,
        val=val,
        seed=(run.seed, run.fold),
        device=device,
        val_name="inner fold's" if inner else "held-out",
        keep_best=inner,
        source=f"{waveforms.sha256} {start.sha256}",
    )
    return task, test


def held_out_probabilities(task: Task, network: Network, state: State, clips: Tensor) -> Probabilities:
    """Probabilities of the held-out ``clips`` at both epochs; computed only if other clips chose the best epoch."""
    if not task.keep_best:
        assert state.best.probabilities is not None and state.last is not None
        return {"best": state.best.probabilities, "last": state.last}
    assert state.best.network is not None
    found: Probabilities = {}
    last = {key: value.clone() for key, value in network.state_dict().items()}
    evaluator = Evaluator(network, task.inputs, task.stages[-1], task.seed, fixed=False)
    for epoch, weights in (("best", state.best.network), ("last", last)):
        network.load_state_dict(weights)
        found[epoch] = evaluator.forward(clips)[1].float().cpu().softmax(dim=1)
    return found


def check_features(waveforms: Waveforms, params: Params, run: Run, path: Path) -> None:
    """Raise UserError for features that do not match the run's dataset in params.yaml."""
    source = params.datasets[run.dataset]
    found = (waveforms.sample_rate, len(waveforms.classes))
    if found != (wanted := (source.sample_rate, source.classes or found[1])):
        raise UserError(
            f"{path}: has {found[0]} Hz and {found[1]} classes, but {run.dataset} in params.yaml has {wanted[0]} Hz "
            f"and {wanted[1]}; make the features again"
        )
    if not bool((waveforms.folds == run.fold).any()):
        raise UserError(f"{path}: no clip of {run.dataset} is in fold {run.fold}; make the features again")


def check_weights(path: Path | None, params: Params, settings: RunSettings) -> str | None:
    """The SHA-256 of a run's file of initial weights, None without one.

    UserError if it differs from the hash in params.yaml or, without one there, from the hash recorded at the fetch.
    """
    if path is None:
        return None
    written, actual = file_of(params, settings).sha256, sha256_of_file(path)
    expected = written or recorded_sha256(path) or ""
    if not actual.startswith(expected):
        raise UserError(
            f"{path}: has SHA-256 {actual}, not {expected} as in {'params.yaml' if written else record_of(path)}; "
            f"remove it, then run `soundclr weights {settings.start.weights} {settings.network}`"
        )
    return actual


def file_of(params: Params, settings: RunSettings) -> WeightsFile:
    """The entry in params.yaml of the weights file that a run starts from."""
    return params.weights_file(settings.start.weights, settings.network)


def accuracies(probabilities: Probabilities, labels: Tensor) -> Accuracies:
    """Held-out accuracy, as a fraction, at the best epoch (the papers' protocol) and after the last (unbiased)."""
    return Accuracies(
        **{
            f"{epoch}_epoch": float((values.argmax(dim=1) == labels).double().mean())
            for epoch, values in probabilities.items()
        }
    )


def described(run: Run, params: Params, settings: RunSettings, state: State, device: torch.device) -> dict[str, Any]:
    """The fields of metrics.json about how a run was made."""
    done = Counter(row["stage"] for row in state.history)
    per_epoch = sorted(row["clips_per_second"] for row in state.history)
    return {
        **run.coordinates,
        "best_epoch": state.best.epoch,
        "epochs": state.epoch,
        "stopped_early": any(done[stage.name] < stage.training.epochs for stage in settings.stages),
        "settings": settings.model_dump(mode="json"),
        "dataset_hash": dataset_hash(params, run.dataset),
        "device": describe(device),
        "precision": settings.precision,
        "duration_seconds": round(sum(row["seconds"] for row in state.history), 1),
        "clips_per_second": round(per_epoch[len(per_epoch) // 2], 2),
        "code": state.code,
        **made_with(),
    }


def history_csv(state: State) -> str:
    """One row per epoch, numbers with 6 digits; accuracies that are not defined are empty."""
    rows = [
        [f"{v:.6g}" if isinstance(v, float) else "" if v is None else v for v in row.values()] for row in state.history
    ]
    return to_csv([list(state.history[0]), *rows])


def predictions_csv(probabilities: Probabilities, waveforms: Waveforms, clips: Sequence[int]) -> str:
    """The held-out clips' sources and class probabilities at the best and at the last epoch."""
    rows: list[list[Any]] = [["clip", "source", "label", "epoch", *waveforms.classes]]
    for epoch, values in probabilities.items():
        for clip, row in zip(clips, values.tolist(), strict=True):
            named = waveforms.clips[clip], waveforms.sources[clip], int(waveforms.labels[clip])
            rows.append([*named, epoch, *(f"{p:.6f}" for p in row)])
    return to_csv(rows)
