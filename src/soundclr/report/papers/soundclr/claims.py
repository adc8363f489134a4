"""What the paper claims, to be held against a study's runs; a claim more is an entry more."""

from collections.abc import Hashable, Mapping
from typing import Literal

from soundclr.report.artefact import EVALUATED
from soundclr.report.claim import (
    ACCURACY,
    AREA_BY_SNR,
    DISTANCE_RATIO,
    ENSEMBLE,
    IN_WHITE_NOISE,
    Claim,
    Claims,
    Reported,
)
from soundclr.report.papers import PAPERS
from soundclr.report.papers.reading import percent
from soundclr.report.papers.soundclr.reading import DATASETS, Masks, alpha_of, describe, masks_of, published

Place = tuple[str, str, str, str]
"""Artefact, row, column and statistic of a published number."""

NO_AUGMENTATION = "no augmentation"


def number(dataset: str, place: Place) -> float | None:
    """A published number, or None where there is none for a dataset."""
    artefact, *where = place
    lines = published(artefact, dataset)
    return next((percent(one) for one in lines if [one["row"], one["column"], one["statistic"]] == where), None)


def reported(source: str, ahead: Place, behind: Place) -> dict[str, Reported]:
    """Two published numbers, of each dataset that has both."""
    pairs = {dataset: (number(dataset, ahead), number(dataset, behind)) for dataset in DATASETS}
    return {dataset: Reported(DATASETS[dataset], source, *pair) for dataset, pair in pairs.items() if None not in pair}


def reported_best(source: str, ahead: Place) -> dict[str, Reported]:
    """A published number and the best of the others in its table, of each dataset that has it."""
    found = {}
    for dataset, title in DATASETS.items():
        ours = number(dataset, ahead)
        lines = [one for one in published(ahead[0], dataset) if (one["row"], one["column"]) != ahead[1:3]]
        others = [value for value in map(percent, lines) if value is not None]
        if ours is not None and others:
            found[dataset] = Reported(title, source, ours, max(others))
    return found


def reported_gain(step: str, statistic: Literal["gain", "gain_at_least"]) -> dict[str, Reported]:
    """What the text on Figure 3 says that a step adds."""
    gains = {dataset: number(dataset, ("figure3", step, "accuracy", statistic)) for dataset in DATASETS}
    return {
        dataset: Reported(DATASETS[dataset], "Figure 3", gain=gain, at_least=statistic == "gain_at_least")
        for dataset, gain in gains.items()
        if gain is not None
    }


def without_number(source: str, title: str = "") -> dict[str, Reported]:
    """What the paper shows or says without a number, of a dataset by the paper's name or of none in particular."""
    datasets = [dataset for dataset, name in DATASETS.items() if name == title] or [""]
    return {dataset: Reported(title, source) for dataset in datasets}


def scheme(recipe: str, statistic: str = "mean") -> Place:
    """A training scheme's accuracy."""
    return "table3", recipe, "accuracy", statistic


def step(id: str, text: str, ahead: str, behind: str, paper: Mapping[str, Reported]) -> Claim:
    """A step of Figure 3, by what its settings are."""
    return Claim(id, text, ACCURACY, ahead, behind, choice="figure3", by=describe, paper=paper)


def noise(recipe: str, title: str) -> tuple[Claim, ...]:
    """That a scheme is more robust to noise, by what Figure 5 has and by signal-to-noise ratio."""
    sides: tuple[Hashable, Hashable] = (recipe, "cross_entropy")
    figure5 = f"{title} is more robust to white noise than cross-entropy: accuracy at Figure 5's strengths"
    area = f"{title} is more robust to white noise than cross-entropy: area under accuracy by SNR"
    paper = without_number("Figure 5", "ESC-50")
    return (
        Claim(f"noise_{recipe}", figure5, IN_WHITE_NOISE, *sides, choice=EVALUATED, paper=paper),
        Claim(f"noise_by_snr_{recipe}", area, AREA_BY_SNR, *sides, choice=EVALUATED, paper=paper),
    )


def margin(recipe: str, title: str) -> Claim:
    """That a scheme's classes lie further apart."""
    text = f"{title} has a larger margin than cross-entropy: smaller ratio of distances within to between classes"
    paper = without_number("abstract")
    return Claim(f"margin_{recipe}", text, DISTANCE_RATIO, recipe, "cross_entropy", choice=EVALUATED, paper=paper)


CLAIMS = Claims(
    PAPERS["soundclr"],
    (
        Claim(
            "hybrid",
            "hybrid loss beats cross-entropy",
            ACCURACY,
            "hybrid",
            "cross_entropy",
            paper=reported("Table III", scheme("hybrid"), scheme("cross_entropy")),
        ),
        Claim(
            "contrastive",
            "supervised contrastive pre-training alone beats cross-entropy",
            ACCURACY,
            "supervised_contrastive",
            "cross_entropy",
            paper=reported("Table III", scheme("supervised_contrastive"), scheme("cross_entropy")),
        ),
        margin("hybrid", "hybrid"),
        margin("supervised_contrastive", "contrastive"),
        *noise("hybrid", "hybrid"),
        *noise("supervised_contrastive", "contrastive"),
        step(
            "imagenet",
            "ImageNet weights beat random ones (1 channel, no augmentation)",
            f"pretrained, 1 channel, {NO_AUGMENTATION}",
            f"scratch, 1 channel, {NO_AUGMENTATION}",
            reported(
                "Figure 3",
                ("figure3", f"pretrained, 1 channel, {NO_AUGMENTATION}", "accuracy", "mean"),
                ("figure3", f"scratch, 1 channel, {NO_AUGMENTATION}", "accuracy", "mean"),
            ),
        ),
        step(
            "channels",
            "three channels beat one (ImageNet weights, no augmentation)",
            f"pretrained, 3 channels, {NO_AUGMENTATION}",
            f"pretrained, 1 channel, {NO_AUGMENTATION}",
            reported_gain(f"pretrained, 3 channels, {NO_AUGMENTATION}", "gain_at_least"),
        ),
        step(
            "waveform_augmentation",
            "augmenting waveforms (time stretch) adds",
            "pretrained, 3 channels, waveform augmentation",
            f"pretrained, 3 channels, {NO_AUGMENTATION}",
            reported_gain("pretrained, 3 channels, waveform augmentation", "gain"),
        ),
        step(
            "masks",
            "masks on the spectrogram add",
            "pretrained, 3 channels, waveform augmentation, masks",
            "pretrained, 3 channels, waveform augmentation",
            reported_gain("pretrained, 3 channels, waveform augmentation, masks", "gain"),
        ),
        Claim(
            "alpha",
            "alpha = 0.5 is the best of the hybrid loss's weights",
            ACCURACY,
            0.5,
            choice="table2",
            by=alpha_of,
            paper=reported_best("Table II", ("table2", "alpha=0.5", "accuracy", "mean")),
        ),
        Claim(
            "best_masks",
            "f = 2, t = 1 (F = T = 32) are the best masks",
            ACCURACY,
            Masks(2, 32, 1, 32),
            choice="table1",
            by=masks_of,
            paper=reported_best("Table I", ("table1", "F=32,T=32,f=2", "t=1", "mean")),
        ),
        Claim(
            "ensemble",
            "an ensemble of the hybrid's seeds beats its single runs",
            ENSEMBLE,
            "hybrid",
            "hybrid",
            versus=ACCURACY,
            paper=reported("Tables IV, III", ("table4", "SoundCLR-Ensemble", "accuracy", "reported"), scheme("hybrid")),
        ),
    ),
)
