"""What claims compare two sides by: an entry for a paper's list of claims to name."""

import statistics

from soundclr.evaluation.conditions import Noise
from soundclr.report.accuracy import Protocol, at_places
from soundclr.report.artefacts.tables.robustness import accuracy
from soundclr.report.claim import Metric, Values
from soundclr.report.collect import Collection
from soundclr.report.ensembles import MEMBERS, ensemble_points, members_by_fold

LAST: tuple[Protocol, ...] = ("last_epoch",)
"""Evaluations are of the last epoch's model."""


def accuracies(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Values:
    """Held-out accuracy in percent."""
    return at_places(collection.of(dataset, recipe, choice), protocol)


def ensembles(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Values:
    """Accuracy in percent of the fold's ensemble, at each of its members: paired with them, it is what it adds."""
    found = collection.of(dataset, recipe, choice)
    together = ensemble_points(found, protocol)
    members = members_by_fold(found)
    return {(fold, one.run.seed): together[fold] for fold in together for one in members[fold]}


def in_white_noise(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Values:
    """Accuracy in percent, mean over the strengths of white noise above 0 that params.yaml's evaluation names."""
    sigmas = [sigma for sigma in collection.params.evaluation.sigmas if sigma > 0]
    return {
        (one.run.fold, one.run.seed): statistics.fmean(accuracy(one, Noise("white", sigma=sigma)) for sigma in sigmas)
        for one in collection.evaluated(dataset, recipe)
        if sigmas
    }


def area_by_snr(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Values:
    """Area under accuracy in percent against the ratio to white noise in dB, divided by the range."""
    if "white" not in collection.params.evaluation.noises or not collection.params.evaluation.snr:
        return {}
    return {
        (one.run.fold, one.run.seed): accuracy(one, Noise("white")) for one in collection.evaluated(dataset, recipe)
    }


def distance_ratios(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Values:
    """Mean distance of the representations within a class over that between classes."""
    ratios = {(one.run.fold, one.run.seed): one.distances.ratio for one in collection.evaluated(dataset, recipe)}
    return {place: ratio for place, ratio in ratios.items() if ratio is not None}


def while_trained(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Values:
    """Accuracy in percent of the linear probes during training, mean over the epochs that have one."""
    probed = {
        (result.run.fold, result.run.seed): result.history["probe_accuracy"].dropna()
        for result in collection.of(dataset, recipe, choice)
        if "probe_accuracy" in result.history
    }
    return {place: 100 * float(values.mean()) for place, values in probed.items() if len(values)}


ACCURACY = Metric("points", accuracies)
ENSEMBLE = Metric("points", ensembles, seeds=MEMBERS)
IN_WHITE_NOISE = Metric("points", in_white_noise, protocols=LAST)
AREA_BY_SNR = Metric("points", area_by_snr, protocols=LAST)
WHILE_TRAINED = Metric("points", while_trained, protocols=LAST)
DISTANCE_RATIO = Metric("in ratio", distance_ratios, better=-1, counts_clips=False, protocols=LAST)
