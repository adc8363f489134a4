"""Checks a run's method: that every component in its settings can be built, and that they fit together."""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path

from soundclr.audio.augmentation import DOMAINS
from soundclr.audio.augmentations import AUGMENTATIONS
from soundclr.audio.representations import REPRESENTATIONS, representation_of
from soundclr.errors import UserError
from soundclr.losses import TERMS, Loss
from soundclr.models.encoders import ENCODERS, encoder_of
from soundclr.models.heads import check_head, outputs
from soundclr.models.pooling import POOLINGS
from soundclr.params import Params, RunSettings, StageSettings, check_studies, known, load, merge, validated
from soundclr.params.entries import Entry, entry_of
from soundclr.params.resolving import Layer, given
from soundclr.training.optimizers import OPTIMIZERS
from soundclr.training.schedule import SCHEDULES
from soundclr.training.solvers import SOLVERS, check_solved

LARGEST = 2**30  # numbers in a batch; SoundCLR's batches have 84 million

# Key of params.yaml's defaults -> (registry, name of an entry in messages).
REGISTRIES: dict[str, tuple[Mapping[str, type[Entry]], str]] = {
    "representations": (REPRESENTATIONS, "representation"),
    "augmentations": (AUGMENTATIONS, "augmentation"),
    "encoders": (ENCODERS, "encoder"),
    "losses": (TERMS, "loss"),
    "optimizers": ({**OPTIMIZERS, **SOLVERS}, "optimizer"),
    "schedules": (SCHEDULES, "schedule"),
}


def load_checked(path: Path) -> Params:
    """Load params.yaml and check the methods of all studies' runs; UserError for one that cannot be built."""
    params = load(path)
    check_entries(params, Layer(("defaults",), params.defaults))
    check_studies(params)
    for name, study in params.studies.items():
        chosen = [params.selection(name, selection) for selection in study.selections.values()]
        for run in dict.fromkeys((d, r) for one in chosen for d in one.datasets or () for r in one.recipes or ()):
            check_run(params, name, *run)
        for selection in study.selections.values():
            check_equals(params, name, selection.datasets or study.datasets, selection.recipes or study.recipes)
    return params


def load_checked_run(path: Path, study: str | None, dataset: str, recipe: str) -> tuple[Params, str]:
    """Load params.yaml for a job, and check only its run and those that it starts from; also returns the study's name.

    :func:`load_checked` would check all 1,500 runs, which takes half a second in each of as many jobs.
    """
    params = load(path)
    check_entries(params, Layer(("defaults",), params.defaults))
    name = params.study_name(study)
    check_run(params, name, dataset, recipe)
    return params, name


def check_run(params: Params, study: str, dataset: str, recipe: str) -> None:
    """Raise UserError if the method of a recipe's runs, or of those they start from, cannot be built."""
    line = [(dataset, recipe), *params.origins(study, dataset, recipe)]
    methods = [(f"{study}/{'/'.join(place)}", params.written(study, *place)) for place in line]
    for at, (place, settings) in zip(line, methods, strict=True):
        try:
            check(settings, place)
        except UserError:
            for layer in params.layers(study, *at):  # a mistake in an entry's parameters is named where it is written
                check_entries(params, layer)
            raise
    for (place, settings), (start, its_settings) in itertools.pairwise(methods):
        mine, its = ((s.network, representation_of(s, place).channels) for s in (settings, its_settings))
        if mine != its:
            raise UserError(
                f"{place}: starts from {start}, whose encoder {its[0]} has {its[1]} channels, but its own {mine[0]} "
                f"has {mine[1]}"
            )


def check_equals(params: Params, study: str, datasets: Iterable[str], recipes: Iterable[str]) -> None:
    """Raise UserError if two recipes that a grid's ``equals`` lists as equal differ in a study."""
    for grid in params.grids.keys() & set(recipes):
        for name, other in params.grids[grid].equals.items():
            for dataset in datasets:
                if params.written(study, dataset, name) != params.written(study, dataset, other):
                    raise UserError(
                        f"{params.place('grids', grid, 'equals')}: {name} and {other} have different settings in "
                        f"{study} on {dataset}; remove {name} from equals, so that it is trained too, or copy the grid "
                        "for this study"
                    )


def check_entries(params: Params, layer: Layer) -> None:
    """Raise UserError, with the file and the key, for an unknown entry in a layer, or one with invalid parameters."""
    for plural, (registry, what) in REGISTRIES.items():
        for name, parameters in layer.settings.get(plural, {}).items():
            known(name, registry, f"{what} in {params.place(*layer.keys, plural, name)}")
            whole = given(merge(params.defaults[plural].get(name), parameters))
            validated(registry[name], whole, lambda keys: params.place(*keys), *layer.keys, plural, name)


def check(settings: RunSettings, place: str) -> None:
    """Raise UserError, with ``place``, for a method that cannot be built."""
    representation = representation_of(settings, place)
    encoder = encoder_of(settings, place)
    known(settings.pooling, POOLINGS, f"pooling in {place}")
    if encoder.pools and settings.pooling != "mean":
        raise UserError(f"{place}: pooling is {settings.pooling}, but {settings.encoder.name} has a pooling of its own")
    if encoder.blocks is not None and encoder.frozen > encoder.blocks:
        raise UserError(f"{place}: frozen is {encoder.frozen}, but {settings.encoder.name} has {encoder.blocks} blocks")
    if (rank := len(representation.shape(settings.audio.samples))) != encoder.rank:
        raise UserError(
            f"{place}: {settings.representation.name} has {rank} dimensions, but the encoder {settings.encoder.name} "
            f"needs {encoder.rank}"
        )
    for head in ("projection", "classifier"):
        check_head(getattr(settings, head), f"{place}: {head}")
    if outputs(settings.classifier) != "classes":
        raise UserError(f"{place}: classifier.layers must end in as many outputs as there are classes: linear: classes")
    for stage in settings.stages:
        size = stage.training.batch_size * stage.views * representation.numbers(settings.audio.samples)
        if size > LARGEST:
            raise UserError(
                f"{place}: a batch of stage '{stage.name}' is {size} numbers, more than {LARGEST}: lower "
                "training.batch_size, views, the representation's size or the dataset's samples"
            )
        learns = encoder.blocks is None or encoder.frozen < encoder.blocks
        check_stage(stage, f"{place}: stage '{stage.name}'", learns, rank, settings)
    check_heads(settings, place)


def check_heads(settings: RunSettings, place: str) -> None:
    """Raise UserError for a loss that acts through a head which neither its stage nor an earlier one trains."""
    trained: set[str] = set()
    for stage in settings.stages:
        trained |= set(stage.trains)
        for choice, (_, term) in zip(stage.loss, Loss.from_stage(stage, place).terms, strict=True):
            if term.reads not in trained:
                raise UserError(
                    f"{place}: stage '{stage.name}': {choice.name} acts through {term.reads}, which nothing trains: "
                    f"add it to trains or, as a recipe's losses add to the defaults, write loss: {{{choice.name}: 0.0}}"
                )


def check_stage(stage: StageSettings, place: str, encoder_learns: bool, rank: int, settings: RunSettings) -> None:
    """Raise UserError for a stage in which no part learns, or whose views or augmentations do not fit."""
    entry_of(REGISTRIES["optimizers"][0], stage.optimizer, "optimizer", place)
    if stage.optimizer.name in SOLVERS:
        check_solved(stage, settings, place)
    entry_of(SCHEDULES, stage.schedule, "schedule", place)
    loss, terms = Loss.from_stage(stage, place), " and ".join(term.name for term in stage.loss)
    augmentations = [entry_of(AUGMENTATIONS, choice, "augmentation", place) for choice in stage.augment]
    names = [choice.name for choice in stage.augment]
    medium = representation_of(settings, place).medium
    for name, augmentation in zip(names, augmentations, strict=True):
        if (augmentation.domain == "picture") != (medium == "pictures"):
            raise UserError(f"{place}: augment names {name}, which does not change {medium}")
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{place}: augment names {repeated[0]} more than once")
    domains = [augmentation.domain for augmentation in augmentations]
    if domains != sorted(domains, key=DOMAINS.index):
        raise UserError(
            f"{place}: augment must name augmentations of clips first, then of waveforms, then of spectrograms"
        )
    if "spectrogram" in domains and rank != 2:
        raise UserError(f"{place}: augment masks a spectrogram, but {settings.representation.name} is not one")
    through = loss.reads | ({"projection"} if settings.classifier.input == "projection" else set())
    learns = {"encoder": encoder_learns, **{head: head in through for head in ("projection", "classifier")}}
    if not any(learns[part] for part in stage.trains):
        raise UserError(
            f"{place} trains {', '.join(stage.trains)}, which learn nothing from {terms}: each loss "
            "learns through one head, and frozen blocks do not learn"
        )
    for choice, (_, term) in zip(stage.loss, loss.terms, strict=True):
        if stage.views < term.least_views:
            raise UserError(f"{place}: {choice.name} needs views: {term.least_views}, found {stage.views}")
    if stage.views > 1 and not augmentations and settings.crop.train != "random":
        raise UserError(f"{place}: views is {stage.views}, but nothing is random, so all views would be the same")
    if "classifier" not in loss.reads and stage.training.monitor == "accuracy":
        raise UserError(
            f"{place}: training.monitor is accuracy, but {terms} does not train the classifier; monitor loss"
        )
