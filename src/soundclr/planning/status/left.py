"""Estimates a study's remaining time from the epochs that its trainings have done so far."""

import heapq
import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from soundclr.audio.representations import representation_of
from soundclr.params import RunSettings, StageSettings
from soundclr.planning.status.jobs import Study, TrainingStatus
from soundclr.run import runs
from soundclr.run.clips import training_clips


@dataclass(frozen=True)
class Left:
    """Seconds that remain if patience ends no training early: on one ``device``, and ``together`` on ``at_once``.

    ``longest`` is the time with as many devices as can be of use. ``by`` is the number of trainings behind the
    estimate, ``unknown`` the number of those with a stage of a new kind.
    """

    device: float
    together: float
    longest: float
    at_once: int
    by: int
    unknown: int


def kind_of(settings: RunSettings, stage: StageSettings) -> str:
    """The settings that determine a stage's speed, as text.

    Augmentations and losses count by name only, because their parameters hardly matter.
    """
    representation, training = representation_of(settings), stage.training
    names = sorted(term.name for term in stage.loss), [choice.name for choice in stage.augment]
    audio = settings.audio.samples, settings.crop.train, representation.shape(settings.audio.samples)
    models = (settings.representation, settings.encoder, settings.projection, settings.classifier)
    parts = [one.model_dump(mode="json") for one in models]
    return json.dumps([*parts, *audio, *names, stage.trains, stage.views, training.batch_size, training.precision])


def paces(study: Study, trainings: Iterable[TrainingStatus]) -> tuple[dict[str, float], int]:
    """The median pace by :func:`kind_of` a stage, and the number of trainings behind it.

    A pace is the seconds per training clip, including its share of the validation.
    If trainings of a kind are running, only these count, because they are on the devices that the others will use.
    """
    found: dict[str, dict[bool, list[float]]] = defaultdict(lambda: defaultdict(list))
    by = 0
    for one in trainings:
        settings, by = study.settings_of(one.run), by + bool(one.seconds)
        for stage in settings.stages:
            if stage.name in one.seconds:
                pace = one.seconds[stage.name] / training_clips(study.params, one.run)[0]
                found[kind_of(settings, stage)][one.state == "running"].append(pace)
    return {kind: statistics.median(values[True] or values[False]) for kind, values in found.items()}, by


def seconds_of(study: Study, one: TrainingStatus, pace: Mapping[str, float]) -> float | None:
    """A training's remaining seconds; None if a remaining stage's kind has no pace."""
    settings = study.settings_of(one.run)
    epochs = [(kind_of(settings, stage), stage.training.epochs) for stage in settings.stages[one.stage :]]
    if not all(kind in pace for kind, _ in epochs):
        return None
    clip = sum(pace[kind] * number for kind, number in epochs) - pace[epochs[0][0]] * one.epoch
    return clip * training_clips(study.params, one.run)[0]


def left(study: Study, trainings: Sequence[TrainingStatus], devices: int | None = None) -> Left:
    """The remaining time of the trainings that are not done, in the order in which they run.

    ``devices`` is how many train at once: by default as many as do now.
    """
    pace, by = paces(study, trainings)
    ahead = sorted((s for s in trainings if s.state != "done"), key=lambda s: s.state not in ("running", "starting"))
    known = [(one.run, time) for one in ahead if (time := seconds_of(study, one, pace)) is not None]
    places = {run: number for number, (run, _) in enumerate(known)}
    starts = {
        places[run]: places[start]
        for run in places
        if (start := runs.started_from(study.params, run)) is not None and start in places
    }
    seconds = [one for _, one in known]
    at_once = devices or max(1, sum(s.state in ("running", "starting") for s in ahead))
    together, longest = (schedule(seconds, number, starts) for number in (at_once, max(1, len(seconds))))
    return Left(sum(seconds), together, longest, at_once, by, len(ahead) - len(known))


def schedule(seconds: Sequence[float], devices: int, starts: Mapping[int, int] | None = None) -> float:
    """Seconds until the last job ends, each on the first free device in their order, as Snakemake does.

    ``starts`` maps a job's index to that of the job which it waits for.
    """
    waiting = defaultdict(list)
    for job, start in (starts or {}).items():
        waiting[start].append(job)
    ready = [job for job in range(len(seconds)) if job not in (starts or {})]  # ascending, thus a heap
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < devices:
            job = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds[job], job))
        now, ended = heapq.heappop(running)
        for job in waiting[ended]:
            heapq.heappush(ready, job)
    return now
