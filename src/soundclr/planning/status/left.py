"""Estimates a study's remaining time from the epochs that its trainings have done so far."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from soundclr.planning import plan
from soundclr.planning.rates import Kind
from soundclr.planning.status.jobs import Study, TrainingStatus
from soundclr.run import runs

Paces = Mapping[Kind, float]  # seconds per training clip, including its share of the validation


@dataclass(frozen=True)
class Left:
    """Seconds that remain if patience ends no training early: on one ``device``, and ``together`` on ``at_once``.

    ``by`` is the number of trainings behind the estimate, ``unknown`` the number of those with a stage of a new kind.
    """

    device: float
    together: float
    at_once: int
    by: int
    unknown: int


def paces(study: Study, trainings: Iterable[TrainingStatus]) -> tuple[Paces, int]:
    """The median pace of every kind of stage, and the number of trainings behind it.

    If trainings of a kind are running, only these count, because they are on the devices that the others will use.
    """
    found: dict[Kind, dict[bool, list[float]]] = defaultdict(lambda: defaultdict(list))
    by = 0
    for one in trainings:
        settings, by = study.settings_of(one.run), by + bool(one.seconds)
        for stage in settings.stages:
            if stage.name in one.seconds:
                pace = one.seconds[stage.name] / plan.training_clips(study.params, one.run)[0]
                found[Kind.from_stage(settings, stage)][one.state == "running"].append(pace)
    return {kind: statistics.median(values[True] or values[False]) for kind, values in found.items()}, by


def seconds_of(study: Study, one: TrainingStatus, pace: Paces) -> float | None:
    """A training's remaining seconds; None if a remaining stage's kind has no pace."""
    settings = study.settings_of(one.run)
    epochs = [(Kind.from_stage(settings, stage), stage.training.epochs) for stage in settings.stages[one.stage :]]
    if not all(kind in pace for kind, _ in epochs):
        return None
    clip = sum(pace[kind] * number for kind, number in epochs) - pace[epochs[0][0]] * one.epoch
    return clip * plan.training_clips(study.params, one.run)[0]


def left(study: Study, trainings: Sequence[TrainingStatus]) -> Left:
    """The remaining time of the trainings that are not done, in the order in which they run."""
    pace, by = paces(study, trainings)
    ahead = sorted((s for s in trainings if s.state != "done"), key=lambda s: s.state not in ("running", "starting"))
    known = [(one.run, time) for one in ahead if (time := seconds_of(study, one, pace)) is not None]
    places = {run: number for number, (run, _) in enumerate(known)}
    starts = {
        places[run]: places[start]
        for run in places
        if (start := runs.started_from(study.params, run)) is not None and start in places
    }
    seconds, at_once = [one for _, one in known], max(1, sum(s.state in ("running", "starting") for s in ahead))
    together = 3600 * plan.schedule(seconds, at_once, starts).hours
    return Left(sum(seconds), together, at_once, by, len(ahead) - len(known))
