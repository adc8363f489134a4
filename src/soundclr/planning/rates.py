"""How fast stages are trained on a device: what their speed depends on, and the file of what was measured."""

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
    """All of a stage that its speed depends on; ``shape`` is what the encoder gets of a clip, channels first.

    Of augmentations and losses only which there are: their parameters hardly matter. ``crop`` is the one in training.
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
        """Of its text, since parameters have no hash."""
        return hash(self.model_dump_json())

    @classmethod
    def of(cls, settings: RunSettings, stage: StageSettings) -> Self:
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
    """Clips a second in an epoch's training, and on the clips that it is judged by."""

    train: ClipsPerSecond
    val: ClipsPerSecond

    def seconds(self, train: float, val: float) -> float:
        """What an epoch takes that learns from ``train`` clips and is judged by ``val``."""
        return train / self.train + val / self.val


class Rate(Section):
    """What was measured of a kind: in a stage's ``first`` epoch, and in ``later`` ones, which may use what it kept."""

    kind: Kind
    measured_batch_size: Positive
    first: Speed
    later: Speed

    def seconds(self, epochs: int, train: float, val: float) -> float:
        """What a stage of ``epochs`` epochs takes, each as :meth:`Speed.seconds`."""
        return self.first.seconds(train, val) + (epochs - 1) * self.later.seconds(train, val)


class Rates(Section):
    """A device's rates file; ``start_seconds`` are what a job takes beside its epochs."""

    device: str
    created: str
    git_commit: str | None
    git_dirty: bool | None
    start_seconds: float
    rates: tuple[Rate, ...]

    @property
    def of(self) -> Mapping[Kind, Rate]:
        """The rates by kind."""
        return {rate.kind: rate for rate in self.rates}

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_json(path, self.model_dump(mode="json"))

    @classmethod
    def read(cls, path: Path) -> Self:
        """A file that :meth:`write` wrote; UserError for one that is not."""
        remedy = "remove it, and measure again with `soundclr plan --measure`"
        content = read_json(path, remedy)
        try:
            return validated(cls, content, str(path))
        except UserError as error:
            raise UserError(f"{path}: not rates of this version; {remedy}") from error


def kinds(params: Params, study: str) -> dict[Kind, tuple[RunSettings, StageSettings]]:
    """Every kind of stage that a study trains, with an example of it."""
    found: dict[Kind, tuple[RunSettings, StageSettings]] = {}
    for dataset, recipe in dict.fromkeys((run.dataset, run.recipe) for run in runs.expand(params, study)):
        settings = params.resolve(study, dataset, recipe)
        for stage in settings.stages:
            found.setdefault(Kind.of(settings, stage), (settings, stage))
    return found


def slug(device: str) -> str:
    """A device's name as the name of a file: ``AMD EPYC, 2 threads`` becomes ``amd-epyc-2-threads``."""
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
