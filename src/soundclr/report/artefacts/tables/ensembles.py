"""What an ensemble of a fold's seeds adds: the accuracy of their mean probabilities beside their own."""

import math
import statistics
from collections.abc import Iterator
from typing import Any

from soundclr.params import Params
from soundclr.report.accuracy import NONE, PROTOCOLS, Protocol, at_places, number
from soundclr.report.artefact import OWN, Artefact, choices
from soundclr.report.collect import Collection
from soundclr.report.ensembles import MEMBERS, ensemble_points, members_by_fold
from soundclr.report.intervals import INTERVALS, over_folds
from soundclr.report.table import Column, Record, Table, dataset_column, sentences, span

TITLES: dict[Protocol, str] = {"last_epoch": "last epoch", "best_epoch": "best epoch"}


def make(collection: Collection) -> Table:
    """A row a scheme: of each fold, and of their mean, the ensemble's accuracy beside its members' mean."""
    records = [
        record
        for dataset in collection.datasets
        for recipe in collection.recipes
        for record in records_of(collection, dataset, recipe)
    ]
    folds = sorted({record["fold"] for record in records if record["fold"] is not None})
    columns = [
        dataset_column(collection),
        Column("recipe", "scheme", show=lambda record: collection.scheme(record["recipe"]), align="l"),
        Column("fold"),
        Column("seeds", "seeds", where={"fold": None}),
        *(Column(name=f"fold {fold}", group=TITLES["last_epoch"], show=cell, where={"fold": fold}) for fold in folds),
    ]
    for protocol, title in TITLES.items():
        columns += protocol_columns(protocol, title)
    caption = sentences(
        "Held-out accuracy in % of the ensemble, the mean of the class probabilities that a fold's seeds give, and in "
        "parentheses the mean accuracy of those seeds alone",
        "Gain: ensemble minus single, in percentage points, mean "
        f"over the folds with {MEMBERS} seeds or more; {INTERVALS}",
        collection.covered(),
        "" if records else f"No fold has {MEMBERS} seeds yet",
    )
    members = [
        result
        for dataset in collection.datasets
        for recipe in collection.recipes
        for found in members_by_fold(collection.of(dataset, recipe)).values()
        for result in found
    ]
    return Table(columns, records, caption, members, line=["dataset", "recipe"])


def records_of(collection: Collection, dataset: str, recipe: str) -> Iterator[dict[str, Any]]:
    """A scheme's folds that have an ensemble and, last and with no fold, their mean; nothing without any."""
    found = collection.of(dataset, recipe)
    members = members_by_fold(found)
    if not members:
        return
    counts = {fold: len(results) for fold, results in members.items()}
    together = {protocol: ensemble_points(found, protocol) for protocol in PROTOCOLS}
    single = {
        protocol: {fold: statistics.fmean(at_places(results, protocol).values()) for fold, results in members.items()}
        for protocol in PROTOCOLS
    }
    for fold in [*members, None]:
        seeds = "–".join(map(str, sorted(set(counts.values())))) if fold is None else str(counts[fold])
        record: dict[str, Any] = {"dataset": dataset, "recipe": recipe, "fold": fold, "seeds": seeds}
        for protocol in PROTOCOLS:
            chosen = list(members) if fold is None else [fold]
            gain = over_folds((one, together[protocol][one] - single[protocol][one]) for one in chosen)
            bounds = (None, None) if math.isnan(gain.half) else (gain.low, gain.high)
            record |= {
                f"{protocol}_ensemble_percent": statistics.fmean(together[protocol][one] for one in chosen),
                f"{protocol}_single_percent": statistics.fmean(single[protocol][one] for one in chosen),
                f"{protocol}_gain_points": gain.mean,
                **dict(zip((f"{protocol}_low_points", f"{protocol}_high_points"), bounds, strict=True)),
            }
        yield record


def cell(record: Record, protocol: Protocol = "last_epoch") -> str:
    """As in ``95.00 (93.75)``: the ensemble's accuracy, and its members' mean."""
    ensemble, single = (record[f"{protocol}_{what}_percent"] for what in ("ensemble", "single"))
    return NONE if ensemble is None else f"{number(ensemble)} ({number(single)})"


def protocol_columns(protocol: Protocol, title: str) -> list[Column]:
    """The mean over folds at one of the epochs, and what the ensemble adds."""
    low, high = f"{protocol}_low_points", f"{protocol}_high_points"
    of_all: dict[str, Any] = {"group": title, "where": {"fold": None}}
    return [
        Column(name="mean", show=lambda record: cell(record, protocol), **of_all),
        Column(f"{protocol}_ensemble_percent"),
        Column(f"{protocol}_single_percent"),
        Column(f"{protocol}_gain_points", "gain", sign=True, **of_all),
        Column(low, "95 % interval", show=span(low, high), **of_all),
        Column(high),
    ]


def has_several_seeds(params: Params, study: str) -> bool:
    """Whether a study's own runs have seeds enough."""
    return len(choices(params, study)[OWN].seeds or ()) >= MEMBERS


ARTEFACT = Artefact("ensembles", "Ensembles of seeds", "table", make, shows=has_several_seeds)
