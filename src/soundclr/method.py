"""A run's method, from its settings: every entry that they name, made or refused; what fits what."""

from pathlib import Path

from soundclr.audio.augmentations import AUGMENTATIONS, DOMAINS
from soundclr.audio.representations import representation_of
from soundclr.entries import entry_of
from soundclr.errors import UserError
from soundclr.losses import Loss
from soundclr.models.encoders import encoder_of
from soundclr.models.heads import check_head
from soundclr.params import Params, RunSettings, Selection, StageSettings, load
from soundclr.training.optimizers import OPTIMIZERS
from soundclr.training.schedule import SCHEDULES


def load_checked(path: Path) -> Params:
    """:func:`soundclr.params.load`, and every method that a study's runs name; what will not do is a UserError."""
    params = load(path)
    for name, study in params.studies.items():
        selections = [Selection(), *study.artefacts.values(), *([study.evaluate] if study.evaluate else [])]
        chosen = [params.selection(name, selection) for selection in selections]
        for dataset, recipe in {(d, r) for one in chosen for d in one.datasets or () for r in one.recipes or ()}:
            check(params.resolve(name, dataset, recipe), f"{name}/{dataset}/{recipe}")
    return params


def check(settings: RunSettings, place: str) -> None:
    """Raise UserError, beginning with or naming ``place``, for a method that cannot be made."""
    representation = representation_of(settings, place)
    encoder = encoder_of(settings, place)
    if encoder.frozen > encoder.blocks:
        raise UserError(f"{place}: frozen is {encoder.frozen}, but {settings.encoder.name} has {encoder.blocks} blocks")
    if (rank := len(representation.shape(settings.audio.samples))) != encoder.rank:
        raise UserError(
            f"{place}: {settings.representation.name} has {rank} dimensions, the encoder {settings.encoder.name} wants "
            f"{encoder.rank}"
        )
    for head in ("projection", "classifier"):
        check_head(getattr(settings, head), f"{place}: {head}")
    for stage in settings.stages:
        check_stage(stage, f"{place}: stage '{stage.name}'", encoder.frozen < encoder.blocks, rank, settings)


def check_stage(stage: StageSettings, place: str, encoder_learns: bool, rank: int, settings: RunSettings) -> None:
    """Raise UserError for a stage that none of its parts learns in, or whose views or augmentations do not fit."""
    entry_of(OPTIMIZERS, stage.optimizer, "optimizer", place)
    entry_of(SCHEDULES, stage.schedule, "schedule", place)
    loss, terms = Loss.of(stage, place), " and ".join(term.name for term in stage.loss)
    augmentations = [entry_of(AUGMENTATIONS, choice, "augmentation", place) for choice in stage.augment]
    domains = [augmentation.domain for augmentation in augmentations]
    if domains != sorted(domains, key=DOMAINS.index):
        raise UserError(
            f"{place}: augment must name what works on clips first, then on waveforms, then on spectrograms"
        )
    if "spectrogram" in domains and rank != 2:
        raise UserError(f"{place}: augment masks a spectrogram, but {settings.representation.name} is none")
    through = loss.reads | ({"projection"} if settings.classifier.input == "projection" else set())
    learns = {"encoder": encoder_learns, **{head: head in through for head in ("projection", "classifier")}}
    if not any(learns[part] for part in stage.trains):
        raise UserError(
            f"{place} trains {', '.join(stage.trains)}, which learn nothing from {terms}: each loss "
            "learns through one head, and frozen blocks do not learn"
        )
    if stage.views < loss.least_views:
        raise UserError(f"{place}: {terms} wants views: {loss.least_views}, found {stage.views}")
    if stage.views > 1 and not augmentations and settings.crop.train == "centre":
        raise UserError(f"{place}: views is {stage.views}, but nothing is random, so that they would be the same")
    if "classifier" not in loss.reads and stage.training.monitor == "accuracy":
        raise UserError(f"{place}: training.monitor is accuracy, which {terms} does not teach; monitor loss")
