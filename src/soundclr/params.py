"""params.yaml, read into typed settings: an unknown key, recipe or fold is one line that names it."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from soundclr.coherence import ENCODER_BLOCKS, check_coherence
from soundclr.errors import UserError

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Bytes = Annotated[int, Field(ge=1, le=10**14)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]  # all of it, or its first 8 or more digits
S = TypeVar("S", bound="Section")


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


class AudioSettings(Section):
    """What a clip is to the network: its rate in hertz and its length in samples."""

    sample_rate: Positive
    samples: Positive


class AugmentSettings(Section):
    """Training augmentation and the held-out clips' crop (paper, section 3.2)."""

    scale_factor: Annotated[float, Field(ge=1, le=8)]
    crop: Literal["random", "centre"]
    eval_crop: Literal["centre", "random"]
    frequency_masks: Count
    frequency_width: Count
    time_masks: Count
    time_width: Count
    mask_value: Annotated[float, Field(ge=-200, le=0)]


class LogMelSettings(Section):
    """The log-mel spectrogram (paper, section 3.1); lengths in samples, floor in dB under the maximum."""

    fft: Positive
    hop: Positive
    bands: Positive
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

    size: Positive


class LossSettings(Section):
    """alpha * SupCon + (1 - alpha) * cross-entropy (paper, equation 4)."""

    alpha: Fraction
    temperature: Annotated[float, Field(gt=0)]


class TrainingSettings(Section):
    """Optimiser, schedule and stopping of one stage; ``keep`` is the epoch whose weights the next stage gets."""

    epochs: Positive
    patience: Positive
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Annotated[float, Field(gt=0)]
    head_factor: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    warmup_epochs: Count
    decay: Annotated[float, Field(gt=0, le=1)]
    monitor: Literal["accuracy", "loss"]
    validation: Literal["held_out", "inner"] = "held_out"
    keep: Literal["last", "best"]
    precision: Literal["auto", "float32", "bfloat16"]


Part = Literal["encoder", "projection", "classifier"]


class StageSettings(Section):
    """One training after another in a run: which parts learn, with which loss and schedule."""

    name: Name
    trains: Annotated[tuple[Part, ...], Field(min_length=1)]
    loss: LossSettings
    training: TrainingSettings


class RunSettings(Section):
    """All that decides a run's numbers, but for dataset, fold and seed."""

    audio: AudioSettings
    augment: AugmentSettings
    logmel: LogMelSettings
    encoder: EncoderSettings
    projection: ProjectionSettings
    stages: Annotated[tuple[StageSettings, ...], Field(min_length=1)]


class SyntheticSettings(Section):
    """How many clips a class and fold the synthetic dataset has, and the seed they are drawn from."""

    clips_per_fold: Positive
    seed: Count


class OwnSettings(Section):
    """The seed by which the folds of your own sounds are drawn where their table gives none."""

    seed: Count = 0


class DatasetSettings(Section):
    """Where a dataset comes from and what it must hold; ``settings`` are its differences from the defaults.

    ``file`` is the archive's name, or for the adapter ``csv`` the path of the table. ``md5`` is for an archive
    whose publisher gives only that. ``clips`` is how many clips there must be, where no manifest lists them.
    """

    adapter: Name
    title: str
    classes: Annotated[int, Field(ge=2, le=10_000)]
    folds: Annotated[int, Field(ge=2, le=1000)]
    sample_rate: Positive
    samples: Positive
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
        common = {key: merged.pop(key, {}) for key in ("loss", "training")}
        if isinstance(merged.get("stages"), list):  # what is of another type is for the validation to name
            merged["stages"] = [merge(common, stage) for stage in merged["stages"]]
        place = f"{study}/{dataset}/{recipe}"
        settings = validated(RunSettings, merged, place)
        encoder = settings.encoder
        if encoder.weights != "none":
            known(encoder.weights, ["none", *self.weights], f"weights in {place}")
            known(encoder.name, self.weights[encoder.weights].files, f"encoder with weights '{encoder.weights}'")
        known(encoder.name, ENCODER_BLOCKS, f"encoder in {place}")
        check_coherence(settings, source.folds, place)
        return settings


def load(path: Path) -> Params:
    """Read and check params.yaml: every run of every study resolves, or a :class:`UserError` says why not."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    try:
        content = yaml.load(text, UniqueKeyLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date with a 13th month
        raise UserError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a mapping with the key 'studies', found {type(content).__name__}")
    params = validated(Params, content, str(path))
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


def validated(kind: type[S], content: Mapping[str, Any], place: str) -> S:
    """``content`` as a section; one complaint of pydantic's, an unknown key first, becomes one line."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        path = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known(first["loc"][-1], fields_at(kind, first["loc"][:-1]), f"key in {place}: {path}")
        found = "" if first["type"] == "missing" else f", found {first['input']!r}"
        raise UserError(f"{place}: {path}: {first['msg']}{found}") from error


def fields_at(kind: Any, location: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at ``location`` inside ``kind`` may have."""
    for part in location:
        if isinstance(kind, type) and issubclass(kind, Section) and part in kind.model_fields:
            kind = kind.model_fields[str(part)].annotation
        arguments = [a for a in getattr(kind, "__args__", ()) if isinstance(a, type) and issubclass(a, Section)]
        kind = arguments[0] if arguments else kind
    return list(kind.model_fields)


class UniqueKeyLoader(yaml.SafeLoader):
    """yaml.SafeLoader that takes a key twice for the mistake it is, where YAML would drop the first value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; a repeated key is a ConstructorError with its line."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (list, dict)):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a plain value", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key!r}", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)
