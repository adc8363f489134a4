"""The blocks of params.yaml, typed: what each key means and may be."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from soundclr.params.precision import Precision, named_precision

# Every number has an end far beyond sense, so that none is taken that would overflow or eat the machine.
Positive = Annotated[int, Field(ge=1, le=10**9)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Samples = Annotated[int, Field(ge=1, le=10**8)]
Bytes = Annotated[int, Field(ge=1, le=10**14)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]  # all of it, or its first 8 or more digits
Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Part = Literal["encoder", "projection", "classifier"]


def hertz(rate: int) -> int:
    """Refuse a rate that no sound has; 0 is that of pictures."""
    if 0 < rate < 1_000:
        raise PydanticCustomError("hertz", "Input should be greater than or equal to 1000")
    return rate


def named_layer(layer: Any) -> Any:
    """A head's layer: refuse what is neither a name nor a name with one argument."""
    if isinstance(layer, str) or (isinstance(layer, dict) and len(layer) == 1 and isinstance(next(iter(layer)), str)):
        return layer
    raise PydanticCustomError("layer", "Input should be a layer's name, or its name and argument as in linear: 64")


Layer = Annotated[str | dict[str, Any], BeforeValidator(named_layer)]


class Section(BaseModel):
    """A block of params.yaml: no unknown keys, no change after loading.

    A number may be written as text, since that is what YAML takes 5e-4 for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false, which pydantic would take for 1 and 0, where they are not asked for."""
        values = value if isinstance(value, list | tuple) else [value]
        wanted = cls.model_fields[str(info.field_name)].annotation in (bool, bool | None)
        if not wanted and any(isinstance(v, bool) for v in values):
            raise PydanticCustomError("truth_value", "Input should not be a truth value, as YAML takes yes and no for")
        return value

    @field_validator("title", "note", "licence", check_fields=False)
    @classmethod
    def _one_line(cls, text: str | None) -> str | None:
        """Refuse line ends, and what else does not print, in what captions say; drop space around it."""
        if text is None:
            return None
        line = text.strip()
        if not (line and line.isprintable()):
            raise PydanticCustomError("one_line", "Input should be one line of text that prints")
        return line


class Choice(Section):
    """An entry of a room, chosen by name, with its parameters; the room checks them when it makes the entry."""

    name: Name
    parameters: dict[str, Any] = {}


class WeightedChoice(Choice):
    """A loss term and its weight in the sum."""

    weight: Annotated[float, Field(gt=0)]


class AudioSettings(Section):
    """What a clip is to the network: its rate in hertz and its length in samples; a picture has rate 0, and numbers."""

    sample_rate: Annotated[int, Field(ge=0, le=768_000)]
    samples: Samples


class CropSettings(Section):
    """Where a clip lies when it is padded or cropped to its dataset's length, in training and when it is held out.

    ``start``: a longer clip is cut at its end, a shorter one has zeros after it, not its first and last value around.
    """

    train: Literal["random", "centre", "start"]
    eval: Literal["centre", "random", "start"]


class StartSettings(Section):
    """What the encoder starts from: ``weights`` by name, or the encoder of another recipe's trained ``run``.

    That run has the same seed, on the same dataset or on ``dataset``, and the same fold or ``fold``: one run for all.
    """

    weights: Name = "none"
    run: Name | None = None
    dataset: Name | None = None
    fold: Positive | None = None


class HeadSettings(Section):
    """A head: its layers, on the encoder's representation or on the projection's output."""

    input: Literal["encoder", "projection"] = "encoder"
    layers: tuple[Layer, ...]


class TrainingSettings(Section):
    """Budget, rate and stopping of one stage; ``keep`` is the epoch whose weights the next stage gets.

    After each ``probe_every`` epochs, if not 0, a linear probe is fitted to the encoder's representations, apart from
    the training, and its held-out accuracy is noted in the history.
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
        """Whether a probe is fitted after ``epoch``, counted from 1."""
        return self.probe_every > 0 and epoch % self.probe_every == 0


class StageSettings(Section):
    """One training after another in a run: which parts learn, from which views of a clip, with which loss."""

    name: Name
    trains: Annotated[tuple[Part, ...], Field(min_length=1)]
    augment: tuple[Choice, ...]
    views: Annotated[int, Field(ge=1, le=100)]
    loss: Annotated[tuple[WeightedChoice, ...], Field(min_length=1)]
    optimizer: Choice
    schedule: Choice
    training: TrainingSettings


class RunSettings(Section):
    """All that decides a run's numbers, but for dataset, fold and seed. ``labels``: the share that is learnt from."""

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
        """What files of weights are for: the encoder by name, or the network that it is of another library."""
        return str(self.encoder.parameters.get("network", self.encoder.name))

    @property
    def precision(self) -> str:
        """The encoder's number format, such as ``float32``; where stages differ, each one once."""
        return ", ".join(dict.fromkeys(stage.training.precision for stage in self.stages))

    def with_named_precision(self) -> "RunSettings":
        """The same with a name for precision ``auto``, which asks what is fast on this machine."""
        if all(stage.training.precision != "auto" for stage in self.stages):
            return self
        stages = []
        for stage in self.stages:
            training = stage.training.model_copy(update={"precision": named_precision(stage.training.precision)})
            stages.append(stage.model_copy(update={"training": training}))
        return self.model_copy(update={"stages": tuple(stages)})


class SyntheticSettings(Section):
    """How many clips a class and fold the synthetic dataset has, and the seed they are drawn from."""

    clips_per_fold: Annotated[int, Field(ge=1, le=1000)]
    seed: Count


class DatasetSettings(Section):
    """Where a dataset comes from and what it must hold.

    ``licence`` is what its publisher says. ``file`` is the archive's name, or for your own sounds the path of their
    table or folder. ``md5`` is for an archive whose publisher gives only that. ``clips`` is how many clips there must
    be, in all or in each fold, where no manifest lists them; ``without`` names those that are left out, as they are
    broken in the copy at hand, say; ``classes`` how many classes, None for as many as there are. ``only`` are the
    numbers of the classes that are taken, which are counted from 0 in that order. ``fold_seed`` draws the folds of your
    own sounds where their table gives none.
    A dataset of sounds has ``sample_rate`` and ``samples``, one of pictures ``pixels``, the side of all its squares.
    ``channels`` is what several channels become; of a clip of more than ``longest`` samples the rest is left out.
    ``held_out`` are the folds that runs hold out, all of them if it is not there: of a publisher's split into test,
    validation and training clips, folds 1, 2 and 3, only the first.
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
    max_bytes: Bytes = 10**10  # that neither the archive nor what it unpacks to may exceed
    clips: Positive | tuple[Positive, ...] | None = None
    without: tuple[str, ...] = ()
    synthetic: SyntheticSettings | None = None
    fold_seed: Count = 0

    @property
    def audio(self) -> AudioSettings:
        """What one of its clips is to the network; of a picture its three colours' numbers, and no rate."""
        return AudioSettings(sample_rate=self.sample_rate, samples=3 * self.pixels**2 if self.pixels else self.samples)

    @field_validator("pixels")
    @classmethod
    def _sounds_or_pictures(cls, pixels: int | None, info: ValidationInfo) -> int | None:
        """Refuse a dataset that is neither of sounds nor of pictures, or both."""
        of_sounds = [info.data[key] > 0 for key in ("sample_rate", "samples") if key in info.data]
        if not all(of_sounds) if pixels is None else any(of_sounds):
            raise PydanticCustomError(
                "pixels", "Input should be there for pictures alone, sample_rate and samples for sounds alone"
            )
        return pixels

    @field_validator("held_out")
    @classmethod
    def _each_a_fold(cls, held_out: tuple[int, ...] | None, info: ValidationInfo) -> tuple[int, ...] | None:
        """Refuse a fold that there is not, or that stands there twice."""
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
        """Refuse another number of folds' clips than there are folds."""
        folds = info.data.get("folds", 0)
        if isinstance(clips, tuple) and len(clips) != folds:
            raise PydanticCustomError("clips", "Input should be one number, or {folds}, one a fold", {"folds": folds})
        return clips


class RecipeSettings(Section):
    """A named set of differences: from the defaults, or from the recipe ``base``; ``datasets`` are those on one."""

    title: str
    base: Name | None = None
    settings: dict[str, Any] = {}
    datasets: dict[Name, dict[str, Any]] = {}


class GridValue(Section):
    """One value of a grid's axis: its part of a recipe's title, and its differences."""

    title: str
    settings: dict[str, Any]


Values = Annotated[tuple[str, ...], Field(min_length=1)]
Product = Annotated[dict[str, Values], Field(min_length=1)]  # the values that each axis takes


class GridSettings(Section):
    """Recipes that are products of lists: one for each combination of values of each of ``products``.

    ``name`` and ``title`` have a place for each axis, as in ``masks_{frequency}_{time}``. In place of a name of
    ``equals`` a study shows the recipe that stands there, whose settings must be the same.
    """

    name: str
    title: str
    base: Name | None = None
    products: Annotated[tuple[Product, ...], Field(min_length=1)]
    equals: dict[Name, Name] = {}
    values: dict[str, GridValue]
