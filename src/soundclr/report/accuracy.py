"""Accuracy of a group of runs that differ in fold and seed alone: mean over folds, then over seeds."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from soundclr.report.artefact import OWN
from soundclr.report.collect import Collection
from soundclr.report.intervals import ENOUGH, INTERVALS, OF_CLIPS, Mean, binomial, over_folds
from soundclr.report.run_results import RunResult
from soundclr.run.runs import Run

PARTIAL = "†"
PARTIAL_NOTE = f"{PARTIAL} No seed has all its folds: the mean of the runs there, not comparable to others"
NONE = "–"

Protocol = Literal["best_epoch", "last_epoch"]
PROTOCOLS: tuple[Protocol, ...] = ("best_epoch", "last_epoch")


@dataclass(frozen=True)
class Accuracy:
    """In percent: mean and sample standard deviation over seeds, and the best seed's; None: not known."""

    mean: float | None = None
    std: float | None = None
    best: float | None = None


@dataclass(frozen=True)
class Group:
    """One dataset and recipe; ``seeds`` counts those that have all folds: only they make a std or a best."""

    runs: int
    expected_runs: int
    seeds: int
    expected_seeds: int
    best_epoch: Accuracy
    last_epoch: Accuracy

    @property
    def partial(self) -> bool:
        """Whether the means are over single runs, no seed having all its folds."""
        return self.runs > 0 and self.seeds == 0

    @property
    def coverage(self) -> str:
        """As in ``3 of 5``."""
        return f"{self.runs} of {self.expected_runs}"

    def percents(self, *statistics: str) -> dict[str, float | None]:
        """The records of mean and std at both epochs; without ``statistics`` the means alone."""
        names = {"mean": "", "std": "_std"}
        return {
            f"{protocol}{names[name]}_percent": getattr(getattr(self, protocol), name)
            for protocol in PROTOCOLS
            for name in statistics or ("mean",)
        }


def group_of(collection: Collection, dataset: str, recipe: str, choice: str = OWN) -> Group:
    """The accuracies of one dataset's and recipe's runs of a choice."""
    return group(collection.expected_of(dataset, recipe, choice), collection.of(dataset, recipe, choice))


def own_groups(collection: Collection) -> dict[tuple[str, str], Group]:
    """The accuracies of each dataset and recipe of a study's own, also where no run is there."""
    places = [(dataset, recipe) for dataset in collection.datasets for recipe in collection.recipes]
    return {place: group_of(collection, *place) for place in places}


def group(expected: Sequence[Run], done: Sequence[RunResult]) -> Group:
    """The accuracies of runs that differ in fold and seed alone."""
    folds = len({run.fold for run in expected})
    by_seed = defaultdict(list)
    for result in done:
        by_seed[result.run.seed].append(result)
    complete = [found for found in by_seed.values() if len(found) == folds]
    return Group(
        runs=len(done),
        expected_runs=len(expected),
        seeds=len(complete),
        expected_seeds=len({run.seed for run in expected}),
        best_epoch=summarise(complete, done, "best_epoch"),
        last_epoch=summarise(complete, done, "last_epoch"),
    )


def summarise(complete: Sequence[Sequence[RunResult]], done: Sequence[RunResult], protocol: Protocol) -> Accuracy:
    """Mean, std and best over complete seeds, each its folds' mean; without one, the mean of all runs.

    Nothing of runs that have no accuracy.
    """
    if any(result.metrics.accuracy.last_epoch is None for result in done):
        return Accuracy()
    seeds = [statistics.fmean(points(result, protocol) for result in results) for results in complete]
    if not seeds:
        return Accuracy(statistics.fmean(points(result, protocol) for result in done)) if done else Accuracy()
    return Accuracy(statistics.fmean(seeds), statistics.stdev(seeds) if len(seeds) > 1 else None, max(seeds))


def points(result: RunResult, protocol: Protocol) -> float:
    """A run's accuracy in percent, of one that has it."""
    accuracy: float = getattr(result.metrics.accuracy, protocol)
    return 100 * accuracy


def of_clips(result: RunResult, protocol: Protocol) -> tuple[float, float]:
    """The ends of the 95 % interval of a single run's accuracy in percent, as a share of its held-out clips."""
    clips = result.metrics.clips.test
    return binomial(round(points(result, protocol) / 100 * clips), clips)


class Interval(NamedTuple):
    """The ends of a 95 % interval in percent, and how a caption calls it."""

    low: float
    high: float
    kind: str


def interval(results: Sequence[RunResult], protocol: Protocol) -> Interval | None:
    """What chance leaves open of a mean accuracy: over folds or, of a single run, over its clips.

    None where there is no run, or too few for an interval that says something.
    """
    if not results:
        return None
    if len(results) == 1:
        return Interval(*of_clips(results[0], protocol), OF_CLIPS)
    mean = by_fold(results, protocol)
    return Interval(mean.low, mean.high, INTERVALS) if mean.values >= ENOUGH else None


def difference(ours: Group, theirs: float | None) -> float | None:
    """Our mean at the best epoch minus a published one, of the numbers as shown; points."""
    if ours.best_epoch.mean is None or theirs is None or ours.partial:
        return None
    return round(round(ours.best_epoch.mean, 2) - theirs, 2) + 0.0


def gains(results: Iterable[RunResult]) -> dict[tuple[int, int], float]:
    """Fold and seed to best minus last epoch's accuracy, in percentage points."""
    results = list(results)
    last = at_places(results, "last_epoch")
    return {place: best - last[place] for place, best in at_places(results).items()}


def paired(
    ours: Iterable[RunResult], theirs: Iterable[RunResult], protocol: Protocol = "best_epoch"
) -> dict[tuple[int, int], float]:
    """Fold and seed to ours minus theirs, in percentage points, for the folds and seeds that both have."""
    first, second = at_places(ours, protocol), at_places(theirs, protocol)
    return {place: first[place] - second[place] for place in sorted(first.keys() & second.keys())}


def mean_of(places: Mapping[tuple[int, int], float]) -> Mean:
    """The mean over folds of what fold and seed have, with its interval."""
    return over_folds((fold, value) for (fold, _), value in places.items())


def at_places(results: Iterable[RunResult], protocol: Protocol = "best_epoch") -> dict[tuple[int, int], float]:
    """Fold and seed to accuracy in percent, of runs that differ in these alone."""
    return {(result.run.fold, result.run.seed): points(result, protocol) for result in results}


def by_fold(results: Iterable[RunResult], protocol: Protocol = "best_epoch") -> Mean:
    """The mean accuracy over folds, in percent, with its interval."""
    return mean_of(at_places(results, protocol))


def number(value: float | None, sign: bool = False, decimals: int = 2) -> str:
    """A number with so many ``decimals``; with a minus sign and not a hyphen, and a dash for none."""
    if value is None:
        return NONE
    value = round(value, decimals) + 0.0
    return f"{value:{'+' if sign and value else ''}.{decimals}f}".replace("-", "−")


def spread(accuracy: Accuracy, partial: bool = False) -> str:
    """Mean and, where it is known, standard deviation; ``partial`` means are marked."""
    std = "" if accuracy.std is None else f" ± {accuracy.std:.2f}"
    return f"{number(accuracy.mean)}{std}{f' {PARTIAL}' if partial else ''}"


def both(record: Mapping[str, Any], mark: str = "") -> str:
    """A record's accuracy at the best epoch, and at the last in parentheses."""
    best, last = record["best_epoch_percent"], record["last_epoch_percent"]
    return NONE if best is None else f"{number(best)} ({number(last)}){mark}"
