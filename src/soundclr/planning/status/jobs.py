"""Where each of a study's jobs stands: done, running, starting, failed, stopped or waiting."""

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
WORKFLOW_LOCK = Path(".snakemake/soundclr.lock")


@dataclass(frozen=True)
class Places:
    """The folders that a study's files are in."""

    results: Path = Path("results")
    data: Path = Path("data")
    logs: Path = Path("logs")
    workflow_lock: Path = WORKFLOW_LOCK


@dataclass(frozen=True)
class Study:
    """What a study asks for, which does not change while it is watched."""

    params: Params
    name: str
    runs: tuple[Run, ...]
    evaluated: tuple[Run, ...]
    settings: Mapping[tuple[str, str], RunSettings]

    @classmethod
    def of(cls, params: Params, name: str, places: Places | None = None) -> "Study":
        """The study ``name`` of params.yaml, without the runs that are left out for want of optional weights."""
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
class Standing:
    """Where a training stands: ``epoch`` epochs of stage number ``stage``, counted from 0, are done.

    ``accuracy`` (a fraction) and ``clips_per_second`` are the last epoch's, ``seconds`` the median time of an epoch by
    stage. ``said`` is why one failed.
    """

    run: Run
    state: State
    stage: int = 0
    epoch: int = 0
    accuracy: float | None = None
    clips_per_second: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    device: str = ""
    said: str = ""


@dataclass(frozen=True)
class Other:
    """A job that trains nothing."""

    name: str
    state: State
    said: str = ""


def standing(study: Study, run: Run, places: Places) -> Standing:
    """Where a training stands; a lock that somebody holds is how a running one is told from one that was killed."""
    model = run.model(places.results)
    path, log = run.directory(places.results) / "metrics.json", log_of(run, places)
    beat = heartbeat.read(model.with_suffix(heartbeat.SUFFIX))
    if is_held(model.with_suffix(".lock")):
        return under_way(study, run, "running", beat, beat.history)
    if path.is_file():
        return finished(run, path, path.stat().st_mtime_ns)
    if said := failure(read_log(log)):
        return Standing(run, "failed", said=said)
    if model.with_suffix(".resume").is_file():
        return under_way(study, run, "stopped", beat, beat.history[: beat.saved])
    return Standing(run, "starting" if is_starting(log, places.workflow_lock) else "waiting")


def log_of(run: Run, places: Places, suffix: str = "") -> Path:
    """The log that the workflow keeps of a run's training or, with a ``suffix``, of another job of the run."""
    return places.logs / run.study / run.group / f"{run.name}{suffix}.log"


def read_log(path: Path) -> str:
    """What a log holds, "" where there is none; a second process on one file leaves zeros in it."""
    try:
        return read_regular(path).decode(errors="replace").replace("\0", "")
    except OSError:
        return ""


def is_interrupted(line: str) -> bool:
    """Whether a log's last line is of a Ctrl-C that came before the job could answer it, or while it was leaving."""
    return line.startswith("KeyboardInterrupt")


def failure(text: str) -> str:
    """The error that a log ends with, "" where it does not."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or is_interrupted(lines[-1]):
        return ""
    if error := ERROR.match(lines[-1]):
        return lines[-1][error.end() :]
    return lines[-1] if any(line.startswith("Traceback (most recent call last)") for line in lines) else ""


def is_starting(log: Path, workflow_lock: Path) -> bool:
    """Whether the workflow that runs now has begun the job: it loads its libraries, or waits for a GPU."""
    try:
        return is_held(workflow_lock) and log.stat().st_mtime >= workflow_lock.stat().st_mtime
    except OSError:
        return False


@lru_cache(maxsize=100_000)
def finished(run: Run, path: Path, changed: int) -> Standing:
    """The standing of a run whose record is there, last ``changed`` then: failed where it cannot be believed."""
    try:
        metrics = Metrics.read(path, run)
        with open(path.with_name("history.csv"), newline="", encoding="utf-8") as file:
            seconds = median_seconds(list(csv.DictReader(file)))
    except UserError as error:
        return Standing(run, "failed", said=str(error))
    return Standing(run, "done", accuracy=metrics.accuracy.last_epoch, seconds=seconds, device=metrics.device)


def under_way(study: Study, run: Run, state: State, beat: Heartbeat, rows: Sequence[Row]) -> Standing:
    """A training that has not ended, from its heartbeat's device and the epochs ``rows``."""
    names = [stage.name for stage in study.settings_of(run).stages]
    if not rows or rows[-1]["stage"] not in names:
        return Standing(run, state, device=beat.device)
    last = rows[-1]
    accuracy, speed, seconds = last["val_accuracy"], last["clips_per_second"], median_seconds(rows)
    return Standing(run, state, names.index(last["stage"]), last["epoch"], accuracy, speed, seconds, beat.device)


def median_seconds(rows: Sequence[Row]) -> dict[str, float]:
    """What an epoch takes, by stage, from a history's rows."""
    stages = dict.fromkeys(row["stage"] for row in rows)
    return {name: statistics.median(float(r["seconds"]) for r in rows if r["stage"] == name) for name in stages}


def evaluations(study: Study, places: Places) -> list[Other]:
    """Where the study's evaluations stand."""
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


def data_jobs(study: Study, places: Places) -> list[Other]:
    """Where the jobs stand that bring the study's clips and weights."""
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


def tables(study: Study, places: Places) -> Other:
    """Where the report stands; one that failed leaves the page of the one before."""
    page, log = places.results / study.name / "README.md", places.logs / study.name / "report.log"
    said = failure(read_log(log))
    return Other(str(page), "failed" if said else "done" if page.is_file() else "waiting", said)


def job(name: str, output: Path, log: Path, workflow_lock: Path) -> Other:
    """Where a job stands that writes ``output``."""
    if output.is_file():
        return Other(name, "done")
    if said := failure(read_log(log)):
        return Other(name, "failed", said)
    return Other(name, "starting" if is_starting(log, workflow_lock) else "waiting")
