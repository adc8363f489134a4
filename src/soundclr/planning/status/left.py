"""How long what is left of a study takes, by the epochs that its trainings have had so far."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from soundclr.planning import plan
from soundclr.planning.rates import Kind
from soundclr.planning.status.standing import Standing, Study
from soundclr.run import runs

Paces = Mapping[Kind, float]  # seconds a clip that is learnt from, its share of the judged clips included


@dataclass(frozen=True)
class Left:
    """Seconds that remain if no patience ends a training early: on one ``device``, ``together`` on ``at_once``.

    ``by`` is how many trainings say so, ``unknown`` how many are left that have a stage like none so far.
    """

    device: float
    together: float
    at_once: int
    by: int
    unknown: int


def paces(study: Study, standings: Iterable[Standing]) -> tuple[Paces, int]:
    """The median pace of every kind of stage, and how many trainings it is from.

    Where one of a kind is running, only the running ones count: they are on the devices that the others will be on.
    """
    found: dict[Kind, dict[bool, list[float]]] = defaultdict(lambda: defaultdict(list))
    by = 0
    for one in standings:
        settings, by = study.settings_of(one.run), by + bool(one.seconds)
        for stage in settings.stages:
            if stage.name in one.seconds:
                pace = one.seconds[stage.name] / plan.training_clips(study.params, one.run)[0]
                found[Kind.of(settings, stage)][one.state == "running"].append(pace)
    return {kind: statistics.median(values[True] or values[False]) for kind, values in found.items()}, by


def seconds_of(study: Study, one: Standing, pace: Paces) -> float | None:
    """What a training still takes; None where a stage that is left is of a kind without a pace."""
    settings = study.settings_of(one.run)
    epochs = [(Kind.of(settings, stage), stage.training.epochs) for stage in settings.stages[one.stage :]]
    if not all(kind in pace for kind, _ in epochs):
        return None
    clip = sum(pace[kind] * number for kind, number in epochs) - pace[epochs[0][0]] * one.epoch
    return clip * plan.training_clips(study.params, one.run)[0]


def left(study: Study, standings: Sequence[Standing]) -> Left:
    """What remains of the trainings that are not done, in the order in which they run."""
    pace, by = paces(study, standings)
    ahead = sorted((s for s in standings if s.state != "done"), key=lambda s: s.state not in ("running", "starting"))
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
