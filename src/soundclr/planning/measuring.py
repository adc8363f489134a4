"""Measures the training speed of a study's stages on this device: `soundclr plan --measure`."""

import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import yaml

from soundclr import datasets
from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Inputs
from soundclr.audio.representations import representation_of
from soundclr.datasets.decoding import decode_clips
from soundclr.errors import UserError
from soundclr.machine.devices import describe
from soundclr.machine.provenance import git_state, now
from soundclr.models.network import Network
from soundclr.params import Params, RunSettings, Selection, StageSettings
from soundclr.planning.rates import Kind, Rate, Rates, Speed, kinds, slug
from soundclr.run import runs
from soundclr.run.records import Metrics
from soundclr.training.loop import train
from soundclr.training.task import Task

CPU_BATCH = 16  # the largest batch on a CPU; larger ones are hardly faster per clip
CLIPS, CLASSES = 20, 10  # of synthetic data; clips are repeated as needed
START = "a_start"  # the recipe of the job whose start-up time is measured


def measure(params: Params, study: str, folder: Path) -> Path:
    """Measure every kind of stage of ``study`` on this machine's device, and a job's start-up time.

    Returns the file with the results, ``rates-DEVICE.json`` below ``folder``. It keeps the kinds of other studies.
    """
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    path = folder / f"rates-{slug(describe(device))}.json"
    found = dict(Rates.read(path).by_kind) if path.exists() else {}
    with tempfile.TemporaryDirectory(prefix="soundclr-rates-") as temporary:
        start = start_seconds(params, study, Path(temporary))
    for kind, (settings, stage) in kinds(params, study).items():
        found[kind] = rate_of(kind, settings, stage, device, batches=20 if device.type == "cuda" else 2)
    rates = tuple(found.values())
    Rates(device=describe(device), created=now(), **git_state(), start_seconds=start, rates=rates).write(path)
    return path


def rate_of(
    kind: Kind, settings: RunSettings, stage: StageSettings, device: torch.device, batches: int, repeats: int = 3
) -> Rate:
    """Train the stage from scratch for 1 + ``repeats`` epochs of ``batches`` batches of synthetic clips.

    An epoch that does not count warms up the device first. The rate of later epochs is their median.
    """
    size = kind.batch_size if device.type == "cuda" else min(CPU_BATCH, kind.batch_size)
    waveforms = made_up(settings)
    clips = torch.arange(batches * size)
    for epochs in (1, 1 + repeats):
        budget = {
            "batch_size": size,
            "epochs": epochs,
            "patience": epochs,
            "keep": "last",
            "lr": 1e-6,
            "probe_every": 0,
        }
        short = stage.model_copy(update={"training": stage.training.model_copy(update=budget)})
        task = Task(
            identity=f"measuring {settings.encoder.name}",
            stages=(short,),
            inputs=Inputs(waveforms.to(device), settings),
            labels=waveforms.labels,
            known=waveforms.labels,
            train=clips % CLIPS,
            val=clips % CLIPS,
            seed=(0, 1),
            device=device,
        )
        network = Network.from_settings(settings, representation_of(settings).channels, CLASSES).to(device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch has it, its stubs do not
        with tempfile.TemporaryDirectory(prefix="soundclr-rates-") as folder:
            history = train(task, network, Path(folder) / "checkpoint").history
    first, *later = (len(clips) / row["clips_per_second"] for row in history)
    first_val, *later_val = (row["seconds"] - len(clips) / row["clips_per_second"] for row in history)
    return Rate(
        kind=kind,
        measured_batch_size=size,
        first=speed(len(clips), first, first_val),
        later=speed(len(clips), statistics.median(later or [first]), statistics.median(later_val or [first_val])),
    )


def speed(clips: int, train: float, val: float) -> Speed:
    """The speed of an epoch that trained on ``clips`` clips in ``train`` seconds and evaluated as many in ``val``."""
    return Speed(train=float(f"{clips / train:.4g}"), val=float(f"{clips / val:.4g}"))


def made_up(settings: RunSettings) -> Waveforms:
    """Clips of noise as long as the dataset's, or pictures of noise."""
    random = np.random.default_rng(0)
    size, rate = settings.audio.samples, settings.audio.sample_rate
    if rate:
        bare = Waveforms.from_arrays([random.integers(-8000, 8000, size, dtype=np.int16) for _ in range(CLIPS)], rate)
    else:
        bare = Waveforms.from_arrays([random.integers(0, 256, size, dtype=np.uint8) for _ in range(CLIPS)], rate)
    classes = tuple(f"class{label}" for label in range(CLASSES))
    return dataclasses.replace(bare, labels=torch.arange(CLIPS) % CLASSES, classes=classes)


def start_seconds(params: Params, study: str, folder: Path, repeats: int = 3) -> float:
    """Seconds that a job of the study takes besides its epochs: the median of new processes, after a first one.

    Its data and results are synthetic, below ``folder``.
    """
    short = start_params(params, study)
    dataset = short.studies[study].datasets[0]
    source = short.datasets[dataset]
    file, data = folder / "params.yaml", folder / "data"
    file.write_text(yaml.safe_dump(short.model_dump(mode="json")), encoding="utf-8")
    index = datasets.fetch_dataset(dataset, source, data, None)
    decode_clips(index, runs.features_path(short, dataset, data), source.sample_rate, workers=1)
    run = runs.find_run(short, study, dataset, START, fold=1, seed=0)
    seconds = []
    for number in range(1 + repeats):
        results = folder / f"results{number}"
        places = ["--data", str(data), "--results", str(results)]
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "soundclr", "--params", str(file), *run.train_command.split()[1:], *places],
            capture_output=True,
            text=True,
        )
        passed = time.perf_counter() - started
        if done.returncode:
            raise UserError(f"measuring a job's start: {done.stderr.strip() or f'it ended with {done.returncode}'}")
        record = Metrics.read(run.directory(results) / "metrics.json", run)
        seconds.append(passed - record.duration_seconds)
    return round(statistics.median(seconds[1:]), 2)


def start_params(params: Params, study: str) -> Params:
    """``params`` with a single run that trains for an epoch from scratch on a dataset of six clips.

    It has the representation and encoder of the study's first recipe, and clips as long as its first dataset's.
    """
    chosen = params.selection(study, Selection())
    assert chosen.datasets and chosen.recipes
    dataset, recipe = chosen.datasets[0], chosen.recipes[0]
    content = params.model_dump(mode="json")
    source = {key: content["datasets"][dataset][key] for key in ("sample_rate", "samples")}
    made = {"adapter": "synthetic", "title": START, "classes": 2, "folds": 3}
    content["study"] = study
    content["datasets"][dataset] = {**source, **made, "synthetic": {"clips_per_fold": 1, "seed": 0}}
    settings = {
        "start": {"weights": "none", "run": None, "dataset": None, "fold": None},
        "stages": [{"name": "start", "trains": ["encoder", "projection", "classifier"]}],
        "training": {"epochs": 1, "monitor": "loss"},
    }
    content["recipes"][START] = {"title": START, "base": recipe, "settings": settings}
    own = {"settings": content["studies"][study]["settings"], "title": START, "note": START, "seeds": [0]}
    content["studies"] = {study: {**own, "datasets": [dataset], "recipes": [START]}}
    return Params.model_validate(content)
