"""The state of each of a study's jobs: done, running, starting, failed, stopped or waiting."""

import csv
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from soundclr.errors import UserError
from soundclr.machine.files import read_regular
from soundclr.machine.locks import is_held
from soundclr.params import Params, RunSettings
from soundclr.run import optional, runs
from soundclr.run.records import Metrics
from soundclr.run.runs import Run
from soundclr.training import heartbeat
from soundclr.training.heartbeat import Heartbeat, Row

State = Literal["done", "running", "starting", "failed", "stopped", "waiting"]
ERROR = re.compile(r"^soundclr( \w+)?: error: ")
INTERRUPTED = "KeyboardInterrupt"  # a log's last line after a Ctrl-C before or after the job could handle it


@dataclass(frozen=True)
class Places:
    """The folders of a study's files."""

    results: Path = Path("results")
    data: Path = Path("data")
    logs: Path = Path("logs")
    workflow_lock: Path = Path(".snakemake/soundclr.lock")


@dataclass(frozen=True)
class Study:
    """A study's runs and settings, which do not change while it is watched."""

    params: Params
    name: str
    runs: tuple[Run, ...]
    evaluated: tuple[Run, ...]
    settings: Mapping[tuple[str, str], RunSettings]

    @classmethod
    def from_params(cls, params: Params, name: str, places: Places | None = None) -> "Study":
        """The study ``name`` of params.yaml, without the runs whose optional weights are missing."""
        places = places or Places()
        left_out = optional.left_out(params, name, places.results, places.data)
        wanted = tuple(run for run in runs.expand(params, name) if run not in left_out)
        pairs = dict.fromkeys((run.dataset, run.recipe) for run in wanted)
        settings = {pair: params.resolve(name, *pair) for pair in pairs}
        evaluated = tuple(run for run in runs.evaluated(params, name) if run not in left_out)
        return cls(params, name, wanted, evaluated, settings)

    def settings_of(self, run: Run) -> RunSettings:
        """A run's settings."""
        return self.settings[run.dataset, run.recipe]


@dataclass(frozen=True)
class TrainingStatus:
    """A training's status: ``epoch`` epochs of stage number ``stage``, counted from 0, are done.

    ``accuracy`` (a fraction) and ``clips_per_second`` are the last epoch's, ``seconds`` the median time of an epoch by
    stage. ``error`` is the message of a failed one.
    """

    run: Run
    state: State
    stage: int = 0
    epoch: int = 0
    accuracy: float | None = None
    clips_per_second: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    device: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        """A short name for the run."""
        return f"{self.run.dataset} {self.run.recipe} {self.run.name}"


@dataclass(frozen=True)
class JobStatus:
    """The status of a job that is not a training."""

    name: str
    state: State
    error: str = ""


def training_status(study: Study, run: Run, places: Places) -> TrainingStatus:
    """A training's status. A running one holds its lock; a killed one does not."""
    model = run.model(places.results)
    path, log = run.directory(places.results) / "metrics.json", log_of(run, places)
    beat = heartbeat.read(model.with_suffix(heartbeat.SUFFIX))
    if is_held(model.with_suffix(".lock")):
        return under_way(study, run, "running", beat, beat.history)
    if path.is_file():
        return finished(run, path, changed(path.parent))
    if error := failure(read_log(log)):
        return TrainingStatus(run, "failed", error=error)
    if model.with_suffix(".resume").is_file():
        return under_way(study, run, "stopped", beat, beat.history[: beat.saved])
    return TrainingStatus(run, "starting" if is_starting(log, places.workflow_lock) else "waiting")


def log_of(run: Run, places: Places, suffix: str = "") -> Path:
    """The workflow's log of a run's training or, with a ``suffix``, of another job of the run."""
    return places.logs / run.study / run.group / f"{run.name}{suffix}.log"


def read_log(path: Path) -> str:
    """A log's text, "" if there is none, without the zeros that a second process may leave in it."""
    try:
        return read_regular(path).decode(errors="replace").replace("\0", "")
    except OSError:
        return ""


def failure(text: str) -> str:
    """The error at the end of a log, "" if there is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or lines[-1].startswith(INTERRUPTED):
        return ""
    if error := ERROR.match(lines[-1]):
        return lines[-1][error.end() :]
    return lines[-1] if any(line.startswith("Traceback (most recent call last)") for line in lines) else ""


def is_starting(log: Path, workflow_lock: Path) -> bool:
    """Whether the running workflow has begun the job, which loads its libraries or waits for a GPU."""
    try:
        return is_held(workflow_lock) and log.stat().st_mtime >= workflow_lock.stat().st_mtime
    except OSError:
        return False


def changed(folder: Path) -> tuple[int, ...]:
    """When each file of a folder was last changed, in nanoseconds."""
    return tuple(file.stat().st_mtime_ns for file in sorted(folder.iterdir()))


@lru_cache(maxsize=100_000)
def finished(run: Run, path: Path, changed: tuple[int, ...]) -> TrainingStatus:
    """The status of a run whose files were last ``changed`` then; failed if the record is not valid."""
    try:
        metrics = Metrics.read(path, run)
        with open(path.with_name("history.csv"), newline="", encoding="utf-8") as file:
            seconds = median_seconds(list(csv.DictReader(file)))
    except UserError as error:
        return TrainingStatus(run, "failed", error=str(error))
    return TrainingStatus(run, "done", accuracy=metrics.accuracy.last_epoch, seconds=seconds, device=metrics.device)


def under_way(study: Study, run: Run, state: State, beat: Heartbeat, rows: Sequence[Row]) -> TrainingStatus:
    """The status of an unfinished training, from its heartbeat's device and its epochs ``rows``."""
    names = [stage.name for stage in study.settings_of(run).stages]
    if not rows or rows[-1]["stage"] not in names:
        return TrainingStatus(run, state, device=beat.device)
    last = rows[-1]
    accuracy, speed, seconds = last["val_accuracy"], last["clips_per_second"], median_seconds(rows)
    return TrainingStatus(run, state, names.index(last["stage"]), last["epoch"], accuracy, speed, seconds, beat.device)


def median_seconds(rows: Sequence[Row]) -> dict[str, float]:
    """The median seconds of an epoch, by stage, from a history's rows."""
    stages = dict.fromkeys(row["stage"] for row in rows)
    return {name: statistics.median(float(r["seconds"]) for r in rows if r["stage"] == name) for name in stages}


def evaluations(study: Study, places: Places) -> list[JobStatus]:
    """The status of the study's evaluations."""
    key = runs.evaluation_key(study.params)
    return [
        job(
            f"evaluation of {run.dataset} {run.recipe} {run.name}",
            run.evaluation(key, places.results) / "evaluation.json",
            log_of(run, places, f"-evaluation-{key}"),
            places.workflow_lock,
        )
        for run in study.evaluated
    ]


def data_jobs(study: Study, places: Places) -> list[JobStatus]:
    """The status of the jobs that fetch and decode the study's clips and weights."""
    found, lock = [], places.workflow_lock
    for dataset in dict.fromkeys(run.dataset for run in study.runs):
        features = runs.features_path(study.params, dataset, places.data)
        index = places.data / dataset / "index.csv"
        found.append(job(f"fetching {dataset}", index, places.logs / "fetch" / f"{dataset}.log", lock))
        found.append(job(f"decoding {dataset}", features, places.logs / "features" / f"{features.stem}.log", lock))
    for settings in study.settings.values():
        if (name := settings.start.weights) != "none":
            file = runs.weights_path(name, settings.network, places.data)
            found.append(job(f"fetching {file.stem}", file, places.logs / "weights" / f"{file.stem}.log", lock))
    return list(dict.fromkeys(found))


def tables(study: Study, places: Places) -> JobStatus:
    """The status of the report; after a failure the page of the previous report remains."""
    page, log = places.results / study.name / "README.md", places.logs / study.name / "report.log"
    error = failure(read_log(log))
    return JobStatus(str(page), "failed" if error else "done" if page.is_file() else "waiting", error)


def job(name: str, output: Path, log: Path, workflow_lock: Path) -> JobStatus:
    """The status of the job that writes ``output``."""
    if output.is_file():
        return JobStatus(name, "done")
    if error := failure(read_log(log)):
        return JobStatus(name, "failed", error)
    return JobStatus(name, "starting" if is_starting(log, workflow_lock) else "waiting")
