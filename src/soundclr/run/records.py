"""Records: metrics.json of a run and evaluation.json of an evaluation, each written and read by one class.

A record carries the hash of its own contents and of the files beside it: it is believed where they agree.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field

from soundclr.errors import UserError
from soundclr.machine.files import read_json, sha256_of_file, sha256_of_json, write_json
from soundclr.params import Count, Fraction, Positive, Section, validated
from soundclr.run.runs import Run


class Part(Section):
    """A part of a record: what is read is checked, what else stands there is let be."""

    model_config = ConfigDict(extra="ignore")


class Record(Part):
    """A record of one run; ``files`` are hashes of the files beside it. ``REMEDY`` is for one that is not believed."""

    REMEDY: ClassVar[str]

    study: str
    dataset: str
    recipe: str
    recipe_hash: str
    fold: Positive
    seed: Count
    settings: dict[str, Any]
    index_sha256: str
    features_sha256: str
    model_sha256: str
    device: str
    precision: str
    git_commit: str | None
    git_dirty: bool | None
    versions: dict[str, str | None]
    created: str
    files: dict[str, str]

    def write(self, path: Path) -> None:
        """Write it to ``path``, whole or not at all."""
        write_record(path, self.model_dump(mode="json"))

    @classmethod
    def read(cls, path: Path, run: Run, **others: str) -> Self:
        """The record at ``path``, once it agrees with its run, the ``others`` of its path, and the files beside it.

        Raises UserError for one that is cut short, was edited by hand, is of another version, or says something else
        of itself than its path does, naming both.
        """
        content = read_record(path, cls.REMEDY)
        for key, value in {**run.coordinates, **others}.items():
            if content.get(key) != value:
                raise UserError(f"{path}: says {key} {content.get(key)!r}, its path says {value!r}; {cls.REMEDY}")
        if (found := content.get("format")) != cls.model_fields["format"].default:
            raise UserError(f"{path}: is of format {found}, not {cls.model_fields['format'].default}; {cls.REMEDY}")
        record = validated(cls, content, str(path))
        for name, says in record.files.items():
            record.check_file(path.with_name(name), says)
        return record

    def check_file(self, file: Path, says: str) -> None:
        """Raise UserError where ``file`` is missing or has another SHA-256 than the record ``says``."""
        if not file.is_file():
            raise UserError(f"{file}: missing, though the record beside it says that the job ended; {self.REMEDY}")
        if says != (has := sha256_of_file(file)):
            raise UserError(
                f"{file}: has SHA-256 {has}, the record beside it says {says}: changed after it was written; "
                f"{self.REMEDY}"
            )


class Accuracies(Part):
    """Held-out accuracy, a fraction: at the best epoch (the papers' protocol) and at the last (unbiased).

    None where no stage teaches the classifier.
    """

    best_epoch: Fraction | None = None
    last_epoch: Fraction | None = None


class Identical(Part):
    """Groups of clips whose files have the same bytes, and those of them in several folds or classes.

    As :func:`soundclr.datasets.index.identical_clips` says them of a dataset; without ``names`` in earlier versions.
    """

    groups: Count
    clips: Count
    across_folds: Count
    across_classes: Count
    names: tuple[tuple[str, ...], ...] = ()


class Clips(Part):
    """How many clips the run learned from, held out, and chose the epoch by where those are others.

    ``identical`` are those of the whole dataset; None where nobody has counted them.
    """

    train: Positive
    test: Positive
    validation: Positive | None = None
    identical: Identical | None = None


class StartUsed(Part):
    """What the encoder started from: weights' key in params.yaml, a run, or ``none``; and the file's SHA-256."""

    name: str
    sha256: str | None


class Metrics(Record):
    """metrics.json of one run."""

    REMEDY = "restore the run folder from git or delete it and train the run again"

    format: Literal[3] = 3
    accuracy: Accuracies
    best_epoch: Positive
    epochs: Positive
    stopped_early: bool
    clips: Clips
    classes: tuple[str, ...]
    dataset_hash: str
    start: StartUsed
    duration_seconds: float
    clips_per_second: float
    code: Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def summary(self) -> str:
        """Which run it is and how it came out, in a line."""
        place = f"{self.recipe} on {self.dataset}, fold {self.fold}, seed {self.seed}"
        best, last = self.accuracy.best_epoch, self.accuracy.last_epoch
        if best is None or last is None:
            return f"{place}: {self.epochs} epochs, no classifier"
        return (
            f"{place}: held-out accuracy {100 * best:.2f} % at the best epoch ({self.best_epoch}), "
            f"{100 * last:.2f} % at the last ({self.epochs})"
        )


class NoiseAccuracy(Part):
    """Held-out accuracy under one noise: of standard deviation ``sigma``, or at a ratio of signal to noise in dB."""

    noise: str
    sigma: float | None
    snr_db: float | None
    right: Count
    accuracy: Fraction


class Distances(Part):
    """Mean cosine distance of held-out pairs of one class and of different ones, their ratio, mean silhouette.

    None is what is not defined, as the distance within classes of one clip each.
    """

    intra: Annotated[float, Field(ge=0)] | None
    inter: Annotated[float, Field(ge=0)] | None
    ratio: Annotated[float, Field(ge=0)] | None
    silhouette: Annotated[float, Field(ge=-1, le=1)] | None


class EvaluationRecord(Record):
    """evaluation.json of one run.

    ``distances`` are those of the representation h, ``projection_distances`` of the projection's output z and
    ``logit_distances`` of the logits. Earlier versions recorded h alone.
    """

    REMEDY = "restore the folder from git or delete it and evaluate the run again"

    format: Literal[3] = 3
    key: str
    epoch: Literal["last"] = "last"
    clips: Positive
    accuracy: tuple[NoiseAccuracy, ...]
    distances: Distances
    projection_distances: Distances | None = None
    logit_distances: Distances | None = None
    code: str


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` as JSON with its ``checksum``, whole or not at all."""
    write_json(path, {**content, "checksum": sha256_of_json(content)})


def read_record(path: Path, remedy: str) -> dict[str, Any]:
    """The content of a file that :func:`write_record` wrote, its checksum included.

    Raises UserError with ``remedy`` for a file that is missing, cut short, or was changed.
    """
    content = read_json(path, remedy)
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a JSON object, found {type(content).__name__}; {remedy}")
    checksum = sha256_of_json({key: value for key, value in content.items() if key != "checksum"})
    if content.get("checksum") != checksum:
        raise UserError(
            f"{path}: says checksum {content.get('checksum')!r}, its contents have {checksum!r}: "
            f"changed after it was written; {remedy}"
        )
    return content
