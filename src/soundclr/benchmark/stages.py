"""How fast each kind of training stage of a study goes on this machine: what an estimate of its cost rests on."""

import dataclasses
import datetime
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from soundclr.benchmark import problem
from soundclr.benchmark.context import Context
from soundclr.benchmark.machine import slug
from soundclr.benchmark.start import start_seconds
from soundclr.benchmark.timing import timed
from soundclr.benchmark.trainer import Trainer
from soundclr.devices import describe
from soundclr.files import read_json, sha256_of_json, write_json
from soundclr.params import Params, RunSettings, StageSettings
from soundclr.plan import kinds
from soundclr.training.job import git_state

CPU_BATCH = 16
CLIPS = 20  # distinct ones


def write_rates(params: Params, study: str, folder: Path) -> Path:
    """Measure every kind of stage of ``study`` on this machine's device, and a job's start; returns the file.

    The file is ``rates-DEVICE.json`` below ``folder``, which :func:`soundclr.plan.read_rates` reads. Kinds that it
    has of other studies stay in it.
    """
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    path = folder / f"rates-{slug(describe(device))}.json"
    rates = {sha256_of_json(rate["kind"]): rate for rate in read_json(path)["rates"]} if path.exists() else {}
    with tempfile.TemporaryDirectory(prefix="soundclr-rates-") as temporary:
        context = Context(params, device, Path(temporary), Path.cwd())
        encoder = next(iter(kinds(params, study))).encoder
        start = start_seconds(context, encoder)
    for rate in measure(params, study, device):
        rates[sha256_of_json(rate["kind"])] = rate
    created = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = {"device": describe(device), "created": created, **git_state(), "start_seconds": round(start, 2)}
    write_json(path, {**content, "rates": list(rates.values())})
    return path


def measure(
    params: Params, study: str, device: torch.device, batches: int | None = None, repeats: int = 3
) -> list[dict[str, Any]]:
    """Clips per second of every kind of stage of ``study``: medians.

    A row a kind: ``kind`` (the fields of :class:`soundclr.plan.Kind`), ``measured_batch_size`` (on a CPU 16 at most,
    which has nearly the same speed a clip), ``train`` and ``evaluate``, the clips a second in training and on
    held-out clips, from ``repeats`` epochs of ``batches`` batches (20, on a CPU 2) after one that does not count, on
    made-up clips.
    """
    count = batches or (20 if device.type == "cuda" else 2)
    rows = []
    for kind, (settings, stage) in kinds(params, study).items():
        trainer = prepare(settings, stage, device)
        size = trainer.stage.training.batch_size

        def speed(work: Callable[[int], None], size: int = size) -> float:
            times = [timed(lambda: work(count), device) for _ in range(1 + repeats)]
            return round(count * size / statistics.median(times[1:]), 2)

        rows.append(
            {
                "kind": {**dataclasses.asdict(kind), "trains": list(kind.trains)},
                "measured_batch_size": size,
                "train": speed(trainer.train),
                "evaluate": speed(trainer.evaluate),
            }
        )
    return rows


def prepare(settings: RunSettings, stage: StageSettings, device: torch.device) -> Trainer:
    """The stage from scratch on made-up clips of its length."""
    training = stage.training
    if device.type != "cuda":
        training = training.model_copy(update={"batch_size": min(CPU_BATCH, training.batch_size)})
    scratch = settings.model_copy(
        update={
            "stages": (stage.model_copy(update={"training": training}),),
            "encoder": settings.encoder.model_copy(update={"weights": "none"}),
        }
    )
    clips = problem.waveforms(problem.clips(CLIPS, settings.audio.samples))
    return Trainer(scratch, dataclasses.replace(clips, sample_rate=settings.audio.sample_rate), device)
