"""How fast each kind of training stage of a study goes on this machine: what an estimate of its cost rests on."""

import dataclasses
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from soundclr.benchmark import problem
from soundclr.benchmark.timing import timed
from soundclr.benchmark.trainer import Trainer
from soundclr.params import Params, RunSettings, StageSettings
from soundclr.plan import kinds

CPU_BATCH = 16
CLIPS = 64  # distinct ones


def measure(
    params: Params, study: str, device: torch.device, batches: int = 8, repeats: int = 3
) -> list[dict[str, Any]]:
    """Clips per second of every kind of stage of ``study``, in training and on held-out clips: medians.

    A row a kind: the fields of :class:`soundclr.plan.Kind`, ``measured_batch_size`` (on a CPU 16 at most, which has
    nearly the same speed a clip), ``clips_per_second`` and ``held_out_clips_per_second``, from ``repeats`` epochs of
    ``batches`` batches each after one that does not count, on made-up clips.
    """
    arrays = problem.clips(CLIPS)
    rows = []
    for kind, (settings, stage) in kinds(params, study).items():
        trainer = prepare(settings, stage, device, arrays)
        size = trainer.stage.training.batch_size

        def speed(work: Callable[[int], None], size: int = size) -> float:
            times = [timed(lambda: work(batches), device) for _ in range(1 + repeats)]
            return batches * size / statistics.median(times[1:])

        rows.append(
            {
                **dataclasses.asdict(kind),
                "measured_batch_size": size,
                "clips_per_second": speed(trainer.train),
                "held_out_clips_per_second": speed(trainer.evaluate),
            }
        )
    return rows


def prepare(
    settings: RunSettings, stage: StageSettings, device: torch.device, arrays: list[np.ndarray[Any, Any]]
) -> Trainer:
    """The stage from scratch on ``arrays``, cut or repeated to the clips' length."""
    training = stage.training
    if device.type != "cuda":
        training = training.model_copy(update={"batch_size": min(CPU_BATCH, training.batch_size)})
    scratch = settings.model_copy(
        update={
            "stages": (stage.model_copy(update={"training": training}),),
            "encoder": settings.encoder.model_copy(update={"weights": "none"}),
        }
    )
    clips = problem.waveforms([np.resize(array, settings.audio.samples) for array in arrays])
    return Trainer(scratch, dataclasses.replace(clips, sample_rate=settings.audio.sample_rate), device)
