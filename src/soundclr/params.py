"""params.yaml, read into typed settings: an unknown key, recipe or fold is one line that names it."""

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from soundclr.coherence import ENCODER_BLOCKS, check_coherence
from soundclr.errors import UserError
from soundclr.yaml_file import read_yaml

# Every number has an end far beyond sense, so that none is taken that would overflow or eat the machine.
Positive = Annotated[int, Field(ge=1, le=10**9)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Samples = Annotated[int, Field(ge=1, le=10**8)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Hertz = Annotated[int, Field(ge=1_000, le=768_000)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Bytes = Annotated[int, Field(ge=1, le=10**14)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]  # all of it, or its first 8 or more digits
S = TypeVar("S", bound="Section")


def named_precision(setting: Any) -> Any:
    """The name that ``auto`` stands for: SOUNDCLR_PRECISION's or, without it, what is fast on this machine.

    The answer is kept in SOUNDCLR_PRECISION, which the jobs of a workflow inherit: a cluster of several kinds of
    machines computes a study in one precision, that of the machine which plans it.
    """
    if setting != "auto":
        return setting
    name = os.environ.get("SOUNDCLR_PRECISION")
    if not name:
        from soundclr.devices import fast_precision  # PyTorch takes seconds, which only those who ask wait for

        name = os.environ["SOUNDCLR_PRECISION"] = fast_precision()
    if name not in ("float32", "bfloat16"):
        raise UserError(f"SOUNDCLR_PRECISION: is {name!r}; set it to float32 or bfloat16, or unset it")
    return name


Precision = Annotated[Literal["float32", "bfloat16"], BeforeValidator(named_precision)]


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

    @field_validator("title", "note", check_fields=False)
    @classmethod
    def _one_line(cls, text: str) -> str:
        """Refuse line ends, and what else does not print, in what captions say; drop space around it."""
        line = text.strip()
        if not (line and line.isprintable()):
            raise PydanticCustomError("one_line", "Input should be one line of text that prints")
        return line


class AudioSettings(Section):
    """What a clip is to the network: its rate in hertz and its length in samples."""

    sample_rate: Hertz
    samples: Samples


class AugmentSettings(Section):
    """Training augmentation and the held-out clips' crop (paper, section 3.2)."""

    scale_factor: Annotated[float, Field(ge=1, le=8)]
    crop: Literal["random", "centre"]
    eval_crop: Literal["centre", "random"]
    frequency_masks: Annotated[int, Field(ge=0, le=100)]
    frequency_width: Count
    time_masks: Annotated[int, Field(ge=0, le=100)]
    time_width: Count
    mask_value: Annotated[float, Field(ge=-200, le=0)]


class LogMelSettings(Section):
    """The log-mel spectrogram (paper, section 3.1); lengths in samples, floor in dB under the maximum."""

    fft: Annotated[int, Field(ge=1, le=65_536)]
    hop: Positive
    bands: Annotated[int, Field(ge=1, le=4096)]
    window: Literal["hann", "hamming"]
    padding: Literal["zeros", "reflect"]
    floor_db: Annotated[float, Field(ge=-200, lt=0)]


class EncoderSettings(Section):
    """The network under the heads. ``frozen``: how many of its leading blocks keep their initial weights."""

    name: Name
    weights: Name
    channels: Literal[1, 3]
    frozen: Count


class ProjectionSettings(Section):
    """The projection head g: one linear layer to this many dimensions."""

    size: Annotated[int, Field(ge=1, le=65_536)]


class LossSettings(Section):
    """alpha * SupCon + (1 - alpha) * cross-entropy (paper, equation 4)."""

    alpha: Fraction
    temperature: Annotated[float, Field(gt=0)]


class TrainingSettings(Section):
    """Optimiser, schedule and stopping of one stage; ``keep`` is the epoch whose weights the next stage gets."""

    epochs: Positive
    patience: Positive
    batch_size: Annotated[int, Field(ge=2, le=65_536)]
    learning_rate: Annotated[float, Field(gt=0)]
    head_factor: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    warmup_epochs: Count
    decay: Annotated[float, Field(gt=0, le=1)]
    monitor: Literal["accuracy", "loss"]
    validation: Literal["held_out", "inner"] = "held_out"
    keep: Literal["last", "best"]
    precision: Precision


Part = Literal["encoder", "projection", "classifier"]


class StageSettings(Section):
    """One training after another in a run: which parts learn, with which loss and schedule."""

    name: Name
    trains: Annotated[tuple[Part, ...], Field(min_length=1)]
    loss: LossSettings
    training: TrainingSettings


class MethodSettings(Section):
    """What runs on any clips have."""

    augment: AugmentSettings
    logmel: LogMelSettings
    encoder: EncoderSettings
    projection: ProjectionSettings


class RunSettings(MethodSettings):
    """All that decides a run's numbers, but for dataset, fold and seed."""

    audio: AudioSettings
    stages: Annotated[tuple[StageSettings, ...], Field(min_length=1)]

    @property
    def precision(self) -> str:
        """The encoder's number format, such as ``float32``; where stages differ, each one once."""
        return ", ".join(dict.fromkeys(stage.training.precision for stage in self.stages))


class DefaultSettings(MethodSettings):
    """What runs have where nothing else is said: ``loss`` and ``training`` are those of each stage."""

    loss: LossSettings
    training: TrainingSettings
    stages: Annotated[tuple[StageSettings, ...], Field(min_length=1)]


class SyntheticSettings(Section):
    """How many clips a class and fold the synthetic dataset has, and the seed they are drawn from."""

    clips_per_fold: Annotated[int, Field(ge=1, le=1000)]
    seed: Count


class OwnSettings(Section):
    """The seed by which the folds of your own sounds are drawn where their table gives none."""

    seed: Count = 0


class DatasetSettings(Section):
    """Where a dataset comes from and what it must hold; ``settings`` are its differences from the defaults.

    ``file`` is the archive's name, or for your own sounds the path of their table or folder. ``md5`` is for an archive
    whose publisher gives only that. ``clips`` is how many clips there must be, where no manifest lists them;
    ``classes`` how many classes, None for as many as there are.
    """

    adapter: Name
    title: str
    classes: Annotated[int, Field(ge=2, le=10_000)] | None = None
    folds: Annotated[int, Field(ge=2, le=1000)]
    sample_rate: Hertz
    samples: Samples
    url: str | None = None
    file: str | None = None
    sha256: Sha256 | None = None
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    max_bytes: Bytes = 10**10  # that neither the archive nor what it unpacks to may exceed
    clips: Positive | None = None
    synthetic: SyntheticSettings | None = None
    own: OwnSettings = OwnSettings()
    settings: dict[str, Any] = {}


class WeightsFile(Section):
    """One file of initial weights, of at most ``max_bytes``: ``file`` is its name in a mirror.

    ``packed`` is its name, as .xz, in the package's ``datasets/weights``. Neither that nor ``url`` means that only a
    mirror has it.
    """

    file: str
    sha256: Sha256
    packed: str | None = None
    url: str | None = None
    max_bytes: Bytes = 10**9


class WeightsSettings(Section):
    """Initial weights: what captions call them, and a file for each encoder they exist for."""

    title: str
    files: dict[Name, WeightsFile]


class RecipeSettings(Section):
    """A named set of differences from the defaults."""

    title: str
    settings: dict[str, Any] = {}


Artefact = Literal["table1", "table2", "figure3", "figure5", "protocols"]


class ArtefactSettings(Section):
    """The runs that one table or figure shows beyond the study's own; what is left out is the study's."""

    datasets: tuple[str, ...] | None = None
    recipes: tuple[str, ...] | None = None
    seeds: tuple[Count, ...] | None = None
    folds: tuple[Positive, ...] | None = None


class StudySettings(Section):
    """A choice of datasets, recipes, seeds and budget; ``note`` is what its captions say of the budget.

    Table III and all that needs no other runs come from ``recipes``; ``artefacts`` are the tables and figures
    that a study shows besides, with the runs they need.
    """

    title: str
    note: str
    datasets: Annotated[tuple[str, ...], Field(min_length=1)]
    recipes: Annotated[tuple[str, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    folds: tuple[Positive, ...] | None = None
    settings: dict[str, Any] = {}
    artefacts: dict[Artefact, ArtefactSettings] = {}


class EvaluationSettings(Section):
    """What a run's model is asked after training, on its held-out clips; nothing here trains anything anew.

    ``sigmas`` are standard deviations of white noise on waveforms in [-1, 1] (paper, figure 5), ``snr`` ratios
    of signal to noise in dB, for each colour of ``noises``; ``seed`` draws the noise.
    """

    sigmas: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)]
    noises: Annotated[tuple[Literal["white", "pink"], ...], Field(min_length=1)]
    snr: Annotated[tuple[Annotated[float, Field(ge=-100, le=100)], ...], Field(min_length=1)]
    seed: Count

    @field_validator("sigmas", "noises", "snr")
    @classmethod
    def _each_once(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Refuse a condition that stands there twice: its results would be counted twice, or not told apart."""
        if repeated := [value for value in values if values.count(value) > 1]:
            raise PydanticCustomError("repeated", "{value} stands there more than once", {"value": repeated[0]})
        return values


class Params(Section):
    """The whole of params.yaml."""

    study: str
    revision: Positive
    defaults: dict[str, Any]
    evaluation: EvaluationSettings
    datasets: dict[Name, DatasetSettings]
    weights: dict[Name, WeightsSettings]
    recipes: dict[Name, RecipeSettings]
    studies: dict[Name, StudySettings]

    def get_study(self, name: str | None = None) -> StudySettings:
        """The study of that name, or the default one; an unknown name is a :class:`UserError`."""
        return self.studies[known(name or self.study, self.studies, "study")]

    def folds(self, study: str, dataset: str) -> tuple[int, ...]:
        """The folds that a study holds out of a dataset."""
        return self.studies[study].folds or tuple(range(1, self.datasets[dataset].folds + 1))

    def artefact(self, study: str, name: Artefact) -> ArtefactSettings:
        """A study's artefact with the study's own choices where it makes none; folds may stay None: all."""
        own = self.studies[study]
        choices = own.artefacts[name].model_dump(exclude_none=True)
        return ArtefactSettings(
            **{key: getattr(own, key) for key in ("datasets", "recipes", "seeds", "folds")} | choices
        )

    def resolve(self, study: str, dataset: str, recipe: str) -> RunSettings:
        """The settings of a run: defaults, then the dataset's, the study's and the recipe's differences.

        A stage's differences come last, on top of the run's ``loss`` and ``training``.
        Raises UserError for unknown names and for values that do not fit, naming them.
        """
        known(study, self.studies, "study")
        known(dataset, self.datasets, "dataset")
        known(recipe, self.recipes, "recipe")
        source = self.datasets[dataset]
        merged = merge({}, self.defaults)
        merged["audio"] = {"sample_rate": source.sample_rate, "samples": source.samples}
        for place, differences in (
            (f"datasets.{dataset}.settings", source.settings),
            (f"studies.{study}.settings", self.studies[study].settings),
            (f"recipes.{recipe}.settings", self.recipes[recipe].settings),
        ):
            check_keys(differences, merged, place)
            merged = merge(merged, differences)
        merged["stages"] = whole_stages(merged)
        merged = {key: value for key, value in merged.items() if key not in ("loss", "training")}  # the stages' now
        place = f"{study}/{dataset}/{recipe}"
        settings = validated(RunSettings, merged, place)
        self.check_encoder(settings.encoder, place)
        check_coherence(settings, source.folds, place)
        return settings

    def check_encoder(self, encoder: EncoderSettings, place: str) -> None:
        """Raise UserError for an encoder, or weights, that there are not; ``place`` is where they are named."""
        if encoder.weights != "none":
            known(encoder.weights, ["none", *self.weights], f"weights in {place}")
            known(encoder.name, self.weights[encoder.weights].files, f"encoder with weights '{encoder.weights}'")
        known(encoder.name, ENCODER_BLOCKS, f"encoder in {place}")

    def check_defaults(self, file: str) -> None:
        """Raise UserError for defaults that could be no run's: said of them, and not of the first run that has them."""
        content = {**self.defaults, "stages": whole_stages(self.defaults)}
        settings = validated(DefaultSettings, content, file, "defaults")
        self.check_encoder(settings.encoder, f"{file}: defaults")


def load(path: Path) -> Params:
    """Read and check params.yaml: every run of every study resolves, or a :class:`UserError` says why not."""
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a mapping with the key 'studies', found {type(content).__name__}")
    params = validated(Params, content, str(path))
    params.check_defaults(str(path))
    for name, study in params.studies.items():
        check_study(params, name, f"{path}: studies.{name}", f"studies.{name}", study)
        for artefact in study.artefacts:
            place = f"studies.{name}.artefacts.{artefact}"
            for dataset in study.artefacts[artefact].datasets or ():
                known(dataset, study.datasets, f"dataset of the study in {place}.datasets")
            check_study(params, name, f"{path}: {place}", place, params.artefact(name, artefact))
    known(params.study, params.studies, "study")
    return params


def check_study(params: Params, study: str, title: str, place: str, chosen: StudySettings | ArtefactSettings) -> None:
    """A choice of runs must name what there is, each once, and every run of it resolves."""
    for key in ("datasets", "recipes", "seeds", "folds"):
        values = getattr(chosen, key) or ()
        if repeated := [value for value in values if values.count(value) > 1]:
            raise UserError(f"{title}.{key}: {repeated[0]!r} stands there more than once")
    for dataset in chosen.datasets or ():
        known(dataset, params.datasets, f"dataset in {place}.datasets")
        for fold in chosen.folds or ():
            known(fold, range(1, params.datasets[dataset].folds + 1), f"fold of {dataset} in {place}.folds")
        for recipe in chosen.recipes or ():
            known(recipe, params.recipes, f"recipe in {place}.recipes")
            params.resolve(study, dataset, recipe)


def known(name: Any, names: Iterable[Any], what: str) -> Any:
    """Return ``name`` if it is among ``names``; otherwise a :class:`UserError` with the nearest valid ones."""
    names = list(names)
    if name in names:
        return name
    near = difflib.get_close_matches(str(name), [str(n) for n in names], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {', '.join(map(str, names))}"
    raise UserError(f"unknown {what}: {name!r}; {hint}")


def whole_stages(settings: Mapping[str, Any]) -> Any:
    """The stages with all that they do not say themselves from the settings' ``loss`` and ``training``."""
    stages = settings.get("stages")
    if not isinstance(stages, list):  # what is of another type is for the validation to name
        return stages
    common = {key: settings.get(key, {}) for key in ("loss", "training")}
    return [merge(common, stage) for stage in stages]


def merge(base: Any, differences: Any) -> Any:
    """``base`` with ``differences`` laid over it, mapping by mapping; lists and values are replaced whole."""
    if not (isinstance(base, Mapping) and isinstance(differences, Mapping)):
        return differences
    return {**base, **{key: merge(base.get(key), value) for key, value in differences.items()}}


def check_keys(differences: Mapping[str, Any], base: Mapping[str, Any], place: str) -> None:
    """A difference must change something that the defaults name: a mistyped key is a :class:`UserError`."""
    for key, value in differences.items():
        known(key, base, f"key in {place}")
        if isinstance(base[key], Mapping):
            if not isinstance(value, Mapping):
                raise UserError(f"{place}.{key}: expected a mapping like {dict(base[key])}, found {value!r}")
            check_keys(value, base[key], f"{place}.{key}")


def validated(kind: type[S], content: Mapping[str, Any], place: str, *inside: str) -> S:
    """``content`` as a section; one complaint of pydantic's, an unknown key first, becomes one line.

    ``place`` is what the line begins with, ``inside`` the keys below which the content stands there.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        path = ".".join(str(part) for part in (*inside, *first["loc"]))
        if first["type"] == "extra_forbidden":
            known(first["loc"][-1], fields_at(kind, first["loc"][:-1]), f"key in {place}: {path}")
        found = "" if first["type"] == "missing" else f", found {first['input']!r}"
        raise UserError(f"{place}: {path}: {first['msg']}{found}") from error


def fields_at(kind: Any, location: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at ``location`` inside ``kind`` may have."""
    for part in location:
        section = isinstance(kind, type) and issubclass(kind, Section)
        if section:
            kind = kind.model_fields[str(part)].annotation
        if not section or isinstance(kind, UnionType):  # a part of a mapping or list, or a section that may be None
            kind = next(a for a in get_args(kind) if isinstance(a, type) and issubclass(a, Section))
    return list(kind.model_fields)
