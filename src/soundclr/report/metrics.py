"""Metrics that claims compare by: values by fold and seed of a dataset's recipe in a choice."""

from pandas import Series

from soundclr.report.artefact import EVALUATED
from soundclr.report.artefacts.evaluated import heard
from soundclr.report.catalogue import MEMBERS
from soundclr.report.collect import Collection
from soundclr.report.frames import RUN
from soundclr.report.intervals import Protocol, at_places, by_place
from soundclr.report.intervals import ensembles as ensembles_of


def accuracies(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Series:
    """Held-out accuracy in percent."""
    return at_places(collection.done(dataset, recipe, choice), protocol)


def ensembles(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Series:
    """Accuracy in percent of the fold's ensemble, at each of its members: paired with them, it is what it adds."""
    done = collection.done(dataset, recipe, choice)
    found = ensembles_of(done, collection.clips, MEMBERS).set_index("fold")[f"{protocol}_ensemble_percent"]
    members = done[["fold", "seed"]].itertuples(index=False, name=None)
    return by_place({(fold, seed): found[fold] for fold, seed in members if fold in found.index})


def in_white_noise(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Series:
    """Accuracy in percent, mean over the strengths of white noise above 0 that params.yaml's evaluation names."""
    rows = collection.noise.merge(collection.done(dataset, recipe, EVALUATED)[RUN])
    return rows[rows["sigma"] > 0].groupby(["fold", "seed"])["accuracy_percent"].mean()


def area_by_snr(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Series:
    """Area under accuracy in percent against the ratio to white noise in dB, divided by the range."""
    rows = heard(collection).merge(collection.done(dataset, recipe, EVALUATED)[RUN])
    white = rows[(rows["noise"] == "white") & (rows["level"] == "area")]
    return white.set_index(["fold", "seed"])["accuracy_percent"]


def distance_ratios(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Series:
    """Mean distance of the representations within a class over that between classes."""
    rows = collection.distances.merge(collection.done(dataset, recipe, EVALUATED)[RUN])
    return rows[rows["space"] == "h"].set_index(["fold", "seed"])["ratio"].dropna()


def while_trained(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Series:
    """Accuracy in percent of the linear probes during training, mean over the epochs that have one."""
    rows = collection.epochs.merge(collection.done(dataset, recipe, choice)[RUN])
    return rows.groupby(["fold", "seed"])["probe_accuracy_percent"].mean().dropna()
