"""Ensembles: the mean of the class probabilities that a fold's seeds give."""

from collections import defaultdict
from collections.abc import Iterable

from soundclr.report.accuracy import Protocol
from soundclr.report.run_results import DataFrame, Epoch, RunResult

MEMBERS = 2
"""Fewest seeds of a fold that are an ensemble."""

EPOCHS: dict[Protocol, Epoch] = {"best_epoch": "best", "last_epoch": "last"}


def members_by_fold(results: Iterable[RunResult]) -> dict[int, list[RunResult]]:
    """The runs of each fold that has enough seeds, of runs that differ in fold and seed alone."""
    by_fold: dict[int, list[RunResult]] = defaultdict(list)
    for result in results:
        by_fold[result.run.fold].append(result)
    return {fold: found for fold, found in sorted(by_fold.items()) if len(found) >= MEMBERS}


def ensemble_points(results: Iterable[RunResult], protocol: Protocol) -> dict[int, float]:
    """Fold to the accuracy in percent of its ensemble; folds with too few seeds are left out."""
    epoch = EPOCHS[protocol]
    return {
        fold: 100 * ensemble_accuracy([result.at(epoch) for result in members])
        for fold, members in members_by_fold(results).items()
    }


def ensemble_accuracy(members: list[DataFrame]) -> float:
    """The share of clips that the mean of the members' class probabilities gets right."""
    import pandas as pd

    tables = [table.set_index("clip").drop(columns=["epoch", "source"], errors="ignore") for table in members]
    mean = pd.concat([table.drop(columns="label") for table in tables]).groupby(level=0).mean()
    labels = tables[0]["label"].loc[mean.index].to_numpy()
    return float((mean.to_numpy().argmax(axis=1) == labels).mean())
