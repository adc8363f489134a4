"""The records metrics.json of a run and evaluation.json of an evaluation, each written and read by one class.

A record has the hashes of its own contents and of the files beside it; it is valid if they match.
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
    """A part of a record. Known keys are validated, unknown keys are ignored."""

    model_config = ConfigDict(extra="ignore")


class Record(Part):
    """A record of one run. ``files`` has the hashes of the files beside it. ``REMEDY`` is advice for an invalid one."""

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
        """Write the record to ``path``, completely or not at all."""
        write_record(path, self.model_dump(mode="json"))

    @classmethod
    def read(cls, path: Path, run: Run, **others: str) -> Self:
        """Read the record at ``path`` and check it against its run, the ``others`` in its path, and its files.

        Raises UserError if it is cut off, was edited, has another version, or contradicts its path.
        """
        content = read_record(path, cls.REMEDY)
        for key, value in {**run.coordinates, **others}.items():
            if content.get(key) != value:
                raise UserError(f"{path}: has {key} {content.get(key)!r}, but its path has {value!r}; {cls.REMEDY}")
        if (found := content.get("format")) != cls.model_fields["format"].default:
            raise UserError(f"{path}: has format {found}, not {cls.model_fields['format'].default}; {cls.REMEDY}")
        record = validated(cls, content, str(path))
        for name, expected in record.files.items():
            file = path.with_name(name)
            if not file.is_file():
                raise UserError(f"{file}: missing, although the record beside it is there; {cls.REMEDY}")
            if expected != (has := sha256_of_file(file)):
                raise UserError(
                    f"{file}: has SHA-256 {has}, but the record beside it has {expected}: changed after it was "
                    f"written; {cls.REMEDY}"
                )
        return record


class Accuracies(Part):
    """Held-out accuracy, as a fraction, at the best epoch (as the papers' code) and at the last (unbiased).

    None if no stage trains the classifier.
    """

    best_epoch: Fraction | None = None
    last_epoch: Fraction | None = None


class Identical(Part):
    """The numbers of groups of byte-identical clips, also of those in several folds or classes.

    They come from :func:`soundclr.datasets.index.identical_clips`. Earlier versions had no ``names``.
    """

    groups: Count
    clips: Count
    across_folds: Count
    across_classes: Count
    names: tuple[tuple[str, ...], ...] = ()


class Clips(Part):
    """The numbers of training, held-out and, if these are others, validation clips.

    ``identical`` describes the whole dataset; None if it was not counted.
    """

    train: Positive
    test: Positive
    validation: Positive | None = None
    identical: Identical | None = None


class StartUsed(Part):
    """What the encoder started from: the key of weights in params.yaml, a run, or ``none``; and the file's SHA-256."""

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
        """The run and its accuracies, in a line."""
        place = f"{self.recipe} on {self.dataset}, fold {self.fold}, seed {self.seed}"
        best, last = self.accuracy.best_epoch, self.accuracy.last_epoch
        if best is None or last is None:
            return f"{place}: {self.epochs} epochs, no classifier"
        return (
            f"{place}: held-out accuracy {100 * best:.2f} % at the best epoch ({self.best_epoch}), "
            f"{100 * last:.2f} % at the last ({self.epochs})"
        )


class NoiseAccuracy(Part):
    """Held-out accuracy under a noise with standard deviation ``sigma`` or with a signal-to-noise ratio in dB."""

    noise: str
    sigma: float | None
    snr_db: float | None
    right: Count
    accuracy: Fraction


class Distances(Part):
    """Mean cosine distances of held-out pairs within and between classes, their ratio, and the mean silhouette.

    A value that is not defined is None, such as the distance within classes of one clip each.
    """

    intra: Annotated[float, Field(ge=0)] | None
    inter: Annotated[float, Field(ge=0)] | None
    ratio: Annotated[float, Field(ge=0)] | None
    silhouette: Annotated[float, Field(ge=-1, le=1)] | None


class EvaluationRecord(Record):
    """evaluation.json of one run.

    ``distances`` are those in the representation h, ``projection_distances`` in the projection's output z and
    ``logit_distances`` in the logits. Earlier versions recorded h only.
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
    """Write ``content`` as JSON with its ``checksum``, completely or not at all."""
    write_json(path, {**content, "checksum": sha256_of_json(content)})


def read_record(path: Path, remedy: str) -> dict[str, Any]:
    """Read a file that :func:`write_record` wrote; the result includes the checksum.

    Raises UserError, with ``remedy``, for a file that is missing, cut off, or was changed.
    """
    content = read_json(path, remedy)
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a JSON object, found {type(content).__name__}; {remedy}")
    checksum = sha256_of_json({key: value for key, value in content.items() if key != "checksum"})
    if content.get("checksum") != checksum:
        raise UserError(
            f"{path}: has the checksum {content.get('checksum')!r}, but its contents have {checksum!r}: "
            f"changed after it was written; {remedy}"
        )
    return content
