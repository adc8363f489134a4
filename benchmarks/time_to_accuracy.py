"""Wall-clock until a study's folds are learnt: `soundclr train`, and the usual way, both to one accuracy.

Takes hours: it is measured only where it is asked for, each side once, one after the other. Clips and weights come from
the mirror that SOUNDCLR_MIRROR names, or from their hosts.
"""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.context import Context, Row, counted
from benchmarks.timing import wait_for
from soundclr import datasets
from soundclr.audio.features import Waveforms
from soundclr.params import Params, RunSettings
from soundclr.run import runs

RECIPE = "cross_entropy"


@dataclass(frozen=True)
class Trial:
    """What is trained: a study's recipe on its dataset, until the mean over ``folds`` is ``target`` percent.

    ``lengths`` are the epochs of the usual way, from the longest down: a shorter schedule is tried only where the
    longer one came to the target.
    """

    params: Params
    study: str
    dataset: str
    folds: tuple[int, ...]
    target: float
    lengths: tuple[int, ...]

    @property
    def settings(self) -> RunSettings:
        """Those of the study's recipe."""
        return self.params.resolve(self.study, self.dataset, RECIPE)


@dataclass(frozen=True)
class Result:
    """All folds trained: the mean of their last epochs' accuracies in percent, wall-clock, and clips learnt from."""

    percent: float
    seconds: float
    clips: int
    epochs: int

    @property
    def text(self) -> str:
        """As a note says it."""
        rate = self.clips / self.seconds
        return f"{self.percent:.2f} % after {counted(self.epochs, 'epoch')} in {self.seconds:.0f} s, {rate:.1f} clips/s"


def measure(context: Context) -> Iterator[Row]:
    """The trainings of a scheme's folds, ours once, the usual way by ever shorter schedules while they suffice."""
    trial = trial_of(context)
    data = context.folder / "data"
    fetch(trial, data)
    ours = train_ours(context, trial, data)
    print(f"ours: {ours.text}", file=sys.stderr, flush=True)
    others: list[Result] = []
    for epochs in trial.lengths:
        others.append(train_usual(context, trial, data, epochs))
        print(f"the other: {others[-1].text}", file=sys.stderr, flush=True)
        if others[-1].percent < trial.target:
            break
    yield from rows(context, trial, ours, others)


def trial_of(context: Context) -> Trial:
    """Real ESC-10 by `make esc10`; for a quick run two folds of the demo and a few epochs."""
    if not context.quick:
        folds = tuple(context.params.held_out("esc10"))
        return Trial(context.params, "esc10_quick", "esc10", folds, 94.0, (100, 50, 25))
    content = context.params.model_dump(mode="json")
    content["studies"]["demo"]["settings"]["training"] |= {"epochs": 2, "patience": 2}
    return Trial(Params.model_validate(content), "demo", "demo", (1, 2), 30.0, (2, 1))


def fetch(trial: Trial, data: Path) -> None:
    """The clips and the weights, which neither side is timed for."""
    folder = os.environ.get("SOUNDCLR_MIRROR")
    mirror = Path(folder) if folder else None
    datasets.fetch_dataset(trial.dataset, trial.params.datasets[trial.dataset], data, mirror)
    weights, encoder = trial.settings.start.weights, trial.settings.network
    if weights != "none":
        datasets.fetch_weights(weights, encoder, trial.params.weights_file(weights, encoder), data, mirror)


def train_ours(context: Context, trial: Trial, data: Path) -> Result:
    """Decode, then `soundclr train` of each fold: on a CPU as many at once as cores, as the workflow does."""
    path, results = context.folder / "params.yaml", context.folder / "results"
    path.write_text(yaml.safe_dump(trial.params.model_dump(mode="json")))
    command = [sys.executable, "-m", "soundclr", "--params", str(path)]
    gpu = context.device.type == "cuda"
    found = [runs.find_run(trial.params, trial.study, trial.dataset, RECIPE, fold, 0) for fold in trial.folds]

    def call(*arguments: str) -> None:
        done = subprocess.run(
            [*command, *arguments, "--data", str(data)],
            cwd=context.folder,
            env=context.environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"soundclr {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}")

    def train(run: runs.Run) -> None:
        place = ("--study", run.study, "--dataset", run.dataset, "--recipe", run.recipe, "--fold", str(run.fold))
        call("train", *place, "--slots", str(int(gpu)), "--results", str(results))

    start = time.perf_counter()
    call("features", trial.dataset, "--threads", str(context.cores))
    with ThreadPoolExecutor(1 if gpu else context.cores) as pool:
        list(pool.map(train, found))
    seconds = time.perf_counter() - start
    said: list[dict[str, Any]] = [json.loads((run.directory(results) / "metrics.json").read_text()) for run in found]
    percent = 100 * float(np.mean([one["accuracy"]["last_epoch"] for one in said]))
    return Result(percent, seconds, sum(one["epochs"] * one["clips"]["train"] for one in said), said[0]["epochs"])


def train_usual(context: Context, trial: Trial, data: Path, epochs: int) -> Result:
    """Each fold in turn with all cores; clips are decoded, and libraries loaded, before the clock starts."""
    from benchmarks.baseline import write_wavs  # needs librosa
    from benchmarks.usual import Usual, usual_settings

    settings = usual_settings(trial.params, trial.study, trial.dataset, RECIPE, epochs)
    waveforms = Waveforms.load(runs.features_path(trial.params, trial.dataset, data))
    clips = waveforms.samples.tensor_split(waveforms.offsets[1:-1])
    paths = write_wavs([clip.numpy() for clip in clips], waveforms.sample_rate, context.folder / "wav")
    name, encoder = settings.start.weights, settings.network
    weights = None if name == "none" else runs.weights_path(name, encoder, data)
    usual = Usual(context, settings, waveforms, paths, weights)
    wait_for(context.device)
    start = time.perf_counter()
    percents = [usual.train(fold) for fold in trial.folds]
    wait_for(context.device)
    seconds = time.perf_counter() - start
    learnt = epochs * sum(len(usual.train_clips(fold)) for fold in trial.folds)
    return Result(float(np.mean(percents)), seconds, learnt, epochs)


def rows(context: Context, trial: Trial, ours: Result, others: Sequence[Result]) -> Iterator[Row]:
    """The comparison, without a ratio where a side did not come to the target, and the speed of the same trainings."""
    usual = next((other for other in reversed(others) if other.percent >= trial.target), others[0])
    missed = [side for side, result in (("ours", ours), ("the other", usual)) if result.percent < trial.target]
    precision = trial.settings.precision
    ours_is = f"soundclr train, {precision}, the study {trial.study}'s recipe, decoding and start included"
    usual_is = f"float32, contiguous, librosa in {counted(context.cores, 'data-loader worker')}, the paper's schedule"
    tried = "; ".join(result.text for result in others)
    note = f"ours: {ours.text}; the other: {tried}"
    if missed:
        least = math.floor(10 * usual.seconds / ours.seconds) / 10
        known = f"above {least:.1f}" if "ours" not in missed else "not known"
        note = f"NOT REACHED by {' and '.join(missed)}, so the ratio is {known}; {note}"
    title = trial.params.datasets[trial.dataset].title
    yield Row(
        name="time_to_accuracy",
        what=f"{title}, {counted(len(trial.folds), 'fold')} until the mean of their last epochs is {trial.target:g} %",
        kind="speed-up",
        unit="s",
        ours_is=ours_is,
        ours=[ours.seconds],
        against_is="" if missed else usual_is,
        against=[] if missed else [usual.seconds],
        note=note,
    )
    yield Row(
        name="time_to_accuracy_speed",
        what="the same trainings, whatever they come to",
        kind="speed-up",
        unit="ms a clip",
        ours_is=ours_is,
        ours=[1000 * ours.seconds / ours.clips],
        against_is=usual_is,
        against=[1000 * usual.seconds / usual.clips],
    )
