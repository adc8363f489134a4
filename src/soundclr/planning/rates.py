"""Training speeds on a device: what a stage's speed depends on, and the file of measured rates."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from soundclr.audio.representations import representation_of
from soundclr.errors import UserError
from soundclr.machine.files import read_json, write_json
from soundclr.params import Choice, HeadSettings, Params, Positive, RunSettings, Section, StageSettings, validated
from soundclr.run import runs

ClipsPerSecond = Annotated[float, Field(gt=0)]


class Kind(Section):
    """The settings that determine a stage's speed. ``shape`` is that of the encoder's input, channels first.

    Augmentations and losses count by name only, because their parameters hardly matter. ``crop`` is the training's.
    """

    samples: int
    crop: str
    representation: Choice
    shape: tuple[int, ...]
    encoder: Choice
    projection: HeadSettings
    classifier: HeadSettings
    trains: tuple[str, ...]
    augment: tuple[str, ...]
    views: int
    loss: tuple[str, ...]
    batch_size: int
    precision: str

    def __hash__(self) -> int:
        """The hash of its JSON text, since parameters are not hashable."""
        return hash(self.model_dump_json())

    @classmethod
    def from_stage(cls, settings: RunSettings, stage: StageSettings) -> Self:
        """The kind of one of a run's stages."""
        representation = representation_of(settings)
        return cls(
            samples=settings.audio.samples,
            crop=settings.crop.train,
            representation=settings.representation,
            shape=(representation.channels, *representation.shape(settings.audio.samples)),
            encoder=settings.encoder,
            projection=settings.projection,
            classifier=settings.classifier,
            trains=stage.trains,
            augment=tuple(choice.name for choice in stage.augment),
            views=stage.views,
            loss=tuple(sorted(term.name for term in stage.loss)),
            batch_size=stage.training.batch_size,
            precision=stage.training.precision,
        )


class Speed(Section):
    """Clips per second in an epoch's training and in its validation."""

    train: ClipsPerSecond
    val: ClipsPerSecond

    def seconds(self, train: float, val: float) -> float:
        """The seconds of an epoch with ``train`` training clips and ``val`` validation clips."""
        return train / self.train + val / self.val


class Rate(Section):
    """A kind's measured speed in a stage's ``first`` epoch, and in ``later`` ones, which may keep representations."""

    kind: Kind
    measured_batch_size: Positive
    first: Speed
    later: Speed

    def seconds(self, epochs: int, train: float, val: float) -> float:
        """The seconds of a stage with ``epochs`` epochs, as in :meth:`Speed.seconds`."""
        return self.first.seconds(train, val) + (epochs - 1) * self.later.seconds(train, val)


class Rates(Section):
    """A device's file of rates. ``start_seconds`` is what a job takes besides its epochs."""

    device: str
    created: str
    git_commit: str | None
    git_dirty: bool | None
    start_seconds: float
    rates: tuple[Rate, ...]

    @property
    def by_kind(self) -> Mapping[Kind, Rate]:
        """The rates by kind."""
        return {rate.kind: rate for rate in self.rates}

    def write(self, path: Path) -> None:
        """Write the file, completely or not at all."""
        write_json(path, self.model_dump(mode="json"))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file that :meth:`write` wrote; UserError for any other."""
        remedy = "remove it, and measure again with `soundclr plan --measure`"
        content = read_json(path, remedy)
        try:
            return validated(cls, content, str(path))
        except UserError as error:
            raise UserError(f"{path}: has no rates of this version; {remedy}") from error


def kinds(params: Params, study: str) -> dict[Kind, tuple[RunSettings, StageSettings]]:
    """Every kind of stage that a study trains, each with an example."""
    found: dict[Kind, tuple[RunSettings, StageSettings]] = {}
    for dataset, recipe in dict.fromkeys((run.dataset, run.recipe) for run in runs.expand(params, study)):
        settings = params.resolve(study, dataset, recipe)
        for stage in settings.stages:
            found.setdefault(Kind.from_stage(settings, stage), (settings, stage))
    return found


def slug(device: str) -> str:
    """A device's name for a file name: ``AMD EPYC, 2 threads`` becomes ``amd-epyc-2-threads``."""
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
