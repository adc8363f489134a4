"""The typed blocks of params.yaml: what each key means and which values it may have."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from soundclr.params.precision import Precision, named_precision

# Every number has a generous upper limit, so that none overflows or exhausts the machine.
Positive = Annotated[int, Field(ge=1, le=10**9)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Samples = Annotated[int, Field(ge=1, le=10**8)]
Bytes = Annotated[int, Field(ge=1, le=10**14)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]  # the whole hash, or its first 8 or more digits
Fraction = Annotated[float, Field(ge=0, le=1)]
NAME = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME)]
Part = Literal["encoder", "projection", "classifier"]


def hertz(rate: int) -> int:
    """Refuse a rate below 1000 Hz; 0 is for pictures."""
    if 0 < rate < 1_000:
        raise PydanticCustomError("hertz", "Input should be greater than or equal to 1000")
    return rate


def named_layer(layer: Any) -> Any:
    """Refuse a layer that is neither a name nor a name with one argument."""
    if isinstance(layer, str) or (isinstance(layer, dict) and len(layer) == 1 and isinstance(next(iter(layer)), str)):
        return layer
    raise PydanticCustomError("layer", "Input should be a layer's name, or its name and argument as in linear: 64")


Layer = Annotated[str | dict[str, Any], BeforeValidator(named_layer)]


class Section(BaseModel):
    """A block of params.yaml: no unknown keys, no change after loading.

    A number may be written as text, because YAML reads 5e-4 as text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false for numbers; pydantic would accept them as 1 and 0."""
        values = value if isinstance(value, list | tuple) else [value]
        wanted = cls.model_fields[str(info.field_name)].annotation in (bool, bool | None)
        if not wanted and any(isinstance(v, bool) for v in values):
            raise PydanticCustomError("truth_value", "Input should be no truth value; to YAML, yes, no, on and off are")
        return value

    @field_validator("title", "note", "licence", check_fields=False)
    @classmethod
    def _one_line(cls, text: str | None) -> str | None:
        """Refuse line ends and other unprintable characters in text for captions; strip space around it."""
        if text is None:
            return None
        line = text.strip()
        if not (line and line.isprintable()):
            raise PydanticCustomError("one_line", "Input should be one line of text that prints")
        return line


class Choice(Section):
    """A registered component by name, with its parameters, which are validated when it is built."""

    name: Name
    parameters: dict[str, Any] = {}


class WeightedChoice(Choice):
    """A loss term and its weight in the sum."""

    weight: Annotated[float, Field(gt=0)]


class AudioSettings(Section):
    """A clip's sample rate in hertz and length in samples; for a picture, 0 and its number of values."""

    sample_rate: Annotated[int, Field(ge=0, le=768_000)]
    samples: Samples


class CropSettings(Section):
    """How a clip is padded or cropped to its dataset's length, in training and in evaluation.

    With ``start``, a longer clip is cut at its end and a shorter one is followed by zeros. Otherwise a shorter clip is
    padded with its first and last value.
    """

    train: Literal["random", "centre", "start"]
    eval: Literal["centre", "random", "start"]


class StartSettings(Section):
    """What the encoder starts from: named ``weights``, or the encoder of a trained ``run`` of another recipe.

    That run has the same seed. It has the same dataset unless ``dataset`` is given, and the same fold unless ``fold``
    is.
    """

    weights: Name = "none"
    run: Name | None = None
    dataset: Name | None = None
    fold: Positive | None = None


class HeadSettings(Section):
    """A head: its layers, applied to the encoder's representation or to the projection's output."""

    input: Literal["encoder", "projection"] = "encoder"
    layers: tuple[Layer, ...]


class TrainingSettings(Section):
    """A stage's budget, learning rate and stopping. ``keep`` selects the epoch whose weights the next stage gets.

    After every ``probe_every`` epochs, unless it is 0, a linear probe is fitted to the encoder's representations
    without affecting the training; the history has its held-out accuracy.
    """

    epochs: Positive
    patience: Positive
    batch_size: Annotated[int, Field(ge=2, le=65_536)]
    lr: Annotated[float, Field(gt=0)]
    head_factor: Annotated[float, Field(gt=0)]
    monitor: Literal["accuracy", "loss"]
    validation: Literal["held_out", "inner"] = "held_out"
    keep: Literal["last", "best"]
    precision: Precision
    probe_every: Count = 0

    def probes(self, epoch: int) -> bool:
        """Whether a probe follows ``epoch``, counted from 1."""
        return self.probe_every > 0 and epoch % self.probe_every == 0


class StageSettings(Section):
    """One of a run's trainings: which parts learn, from which views of a clip, with which loss."""

    name: Name
    trains: Annotated[tuple[Part, ...], Field(min_length=1)]
    augment: tuple[Choice, ...]
    views: Annotated[int, Field(ge=1, le=100)]
    loss: Annotated[tuple[WeightedChoice, ...], Field(min_length=1)]
    optimizer: Choice
    schedule: Choice
    training: TrainingSettings


class RunSettings(Section):
    """All settings that determine a run's numbers, besides dataset, fold and seed. ``labels``: the share used."""

    audio: AudioSettings
    crop: CropSettings
    representation: Choice
    encoder: Choice
    pooling: Name = "mean"
    start: StartSettings
    projection: HeadSettings
    classifier: HeadSettings
    labels: Annotated[float, Field(gt=0, le=1)]
    stages: Annotated[tuple[StageSettings, ...], Field(min_length=1)]

    @property
    def network(self) -> str:
        """The key of weights files: the encoder's name, or its network's name in another library."""
        return str(self.encoder.parameters.get("network", self.encoder.name))

    @property
    def precision(self) -> str:
        """The encoder's number format, such as ``float32``; if stages differ, all of them."""
        return ", ".join(dict.fromkeys(stage.training.precision for stage in self.stages))

    def with_named_precision(self) -> "RunSettings":
        """A copy in which precision ``auto`` has a name: the format that is fast on this machine."""
        if all(stage.training.precision != "auto" for stage in self.stages):
            return self
        stages = []
        for stage in self.stages:
            training = stage.training.model_copy(update={"precision": named_precision(stage.training.precision)})
            stages.append(stage.model_copy(update={"training": training}))
        return self.model_copy(update={"stages": tuple(stages)})


class SyntheticSettings(Section):
    """The synthetic dataset's clips per class and fold, and the seed to draw them from."""

    clips_per_fold: Annotated[int, Field(ge=1, le=1000)]
    seed: Count


class DatasetSettings(Section):
    """Where a dataset comes from and what it must contain.

    ``licence`` is the publisher's. ``file`` is the archive's name; for your own sounds, the path of their table or
    folder. ``md5`` is for an archive whose publisher gives no other hash. ``clips`` is the number of clips, in all or
    per fold, if no manifest lists them. ``without`` names clips to leave out, for example because they are damaged.
    ``classes`` is the number of classes, None for any. ``only`` selects classes by number; they are renumbered from 0
    in that order. ``fold_seed`` draws the folds of your own sounds if their table has none.
    A dataset of sounds has ``sample_rate`` and ``samples``, one of pictures ``pixels``, the side of its square
    pictures. ``channels`` is how several channels are mixed. Clips are cut to ``longest`` samples.
    ``held_out`` lists the folds that runs hold out, by default all. In a published split, whose folds 1, 2 and 3 are
    the test, validation and training clips, it is the first only.
    """

    adapter: Name
    title: str
    licence: str | None = None
    classes: Annotated[int, Field(ge=2, le=10_000)] | None = None
    only: Annotated[tuple[Count, ...], Field(min_length=2)] | None = None
    folds: Annotated[int, Field(ge=2, le=1000)]
    held_out: Annotated[tuple[Positive, ...], Field(min_length=1)] | None = None
    sample_rate: Annotated[int, Field(ge=0, le=768_000), AfterValidator(hertz)] = 0
    samples: Annotated[int, Field(ge=0, le=10**8)] = 0
    pixels: Annotated[int | None, Field(ge=8, le=1024, validate_default=True)] = None
    channels: Literal["mean", "sum"] = "mean"
    longest: Samples | None = None
    url: str | None = None
    file: str | None = None
    sha256: Sha256 | None = None
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    max_bytes: Bytes = 10**10  # the limit for the archive and for its unpacked contents
    clips: Positive | tuple[Positive, ...] | None = None
    without: tuple[str, ...] = ()
    synthetic: SyntheticSettings | None = None
    fold_seed: Count = 0

    @property
    def audio(self) -> AudioSettings:
        """The rate and length of its clips; for pictures 0 and the number of values in three colours."""
        return AudioSettings(sample_rate=self.sample_rate, samples=3 * self.pixels**2 if self.pixels else self.samples)

    @field_validator("pixels")
    @classmethod
    def _sounds_or_pictures(cls, pixels: int | None, info: ValidationInfo) -> int | None:
        """Refuse a dataset of neither sounds nor pictures, or of both."""
        of_sounds = [info.data[key] > 0 for key in ("sample_rate", "samples") if key in info.data]
        if pixels is None and not all(of_sounds):
            raise PydanticCustomError(
                "pixels", "Input should be there for pictures; sounds have sample_rate and samples above 0"
            )
        if pixels is not None and any(of_sounds):
            raise PydanticCustomError("pixels", "Input should not be there beside sample_rate or samples")
        return pixels

    @field_validator("held_out")
    @classmethod
    def _each_a_fold(cls, held_out: tuple[int, ...] | None, info: ValidationInfo) -> tuple[int, ...] | None:
        """Refuse an unknown or repeated fold."""
        folds, chosen = info.data.get("folds", 0), held_out or ()
        if not all(fold <= folds for fold in chosen) or len(set(chosen)) < len(chosen):
            raise PydanticCustomError(
                "held_out", "Input should be folds from 1 to {folds}, each once", {"folds": folds}
            )
        return held_out

    @field_validator("clips")
    @classmethod
    def _one_for_each_fold(
        cls, clips: int | tuple[int, ...] | None, info: ValidationInfo
    ) -> int | tuple[int, ...] | None:
        """Refuse a list of clips per fold whose length is not the number of folds."""
        folds = info.data.get("folds", 0)
        if isinstance(clips, tuple) and len(clips) != folds:
            raise PydanticCustomError("clips", "Input should be one number, or {folds}, one a fold", {"folds": folds})
        return clips


class RecipeSettings(Section):
    """Named differences from the defaults or from the recipe ``base``; ``datasets`` has those for one dataset."""

    title: str
    base: Name | None = None
    settings: dict[str, Any] = {}
    datasets: dict[Name, dict[str, Any]] = {}


class GridValue(Section):
    """One value of a grid's axis: its part of a recipe's title, and its settings."""

    title: str
    settings: dict[str, Any]


Values = Annotated[tuple[str, ...], Field(min_length=1)]
Product = Annotated[dict[str, Values], Field(min_length=1)]  # the values that each axis takes


class GridSettings(Section):
    """Recipes for all combinations of some values: one for each combination in each of ``products``.

    ``name`` and ``title`` have a place for each axis, as in ``masks_{frequency}_{time}``. ``equals`` maps a recipe's
    name to another recipe with the same settings, which studies use instead.
    """

    name: str
    title: str
    base: Name | None = None
    products: Annotated[tuple[Product, ...], Field(min_length=1)]
    equals: dict[Name, Name] = {}
    values: dict[str, GridValue]
