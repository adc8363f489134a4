"""The whole of params.yaml: reads and checks it, and resolves the settings of any run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr

from soundclr.errors import UserError
from soundclr.params.including import read_files
from soundclr.params.merging import check_keys, dotted, known, merge, validated
from soundclr.params.resolving import (
    Layer,
    check_defaults,
    choose,
    grid_names,
    grid_recipes,
    with_all_losses,
    written_at,
)
from soundclr.params.schema import (
    AudioSettings,
    DatasetSettings,
    GridSettings,
    Name,
    Positive,
    RecipeSettings,
    RunSettings,
    Section,
)
from soundclr.params.studies import EvaluationSettings, Selection, StudySettings
from soundclr.params.weights import WeightsFile, WeightsSettings

MOST_RUNS = 100_000  # in one of a study's choices


def place_in(files: Mapping[str, Path], first: Path, keys: Sequence[str | int]) -> str:
    """The file that has ``keys``, which is ``first`` unless ``files`` has their name, and the keys joined by dots."""
    names = (dotted(keys[:depth]) for depth in range(len(keys), 0, -1))
    return f"{next((files[name] for name in names if name in files), first)}: {dotted(keys)}"


class Params(Section):
    """The whole of params.yaml."""

    include: tuple[str, ...] = ()  # read_files replaces it by what these files have
    study: str
    revision: Positive
    tensorboard: bool = False
    defaults: dict[str, Any]
    evaluation: EvaluationSettings
    datasets: dict[Name, DatasetSettings]
    weights: dict[Name, WeightsSettings]
    recipes: dict[Name, RecipeSettings]
    grids: dict[Name, GridSettings] = Field(default={})
    studies: dict[Name, StudySettings]
    _files: dict[str, Path] = PrivateAttr(default={})

    @classmethod
    def from_file(cls, path: Path) -> "Params":
        """Read params.yaml and what it includes."""
        content, files = read_files(path)
        params = validated(cls, content, partial(place_in, files, path))
        params._files = {"": path, **files}
        return params

    def place(self, *keys: str | int) -> str:
        """The place of ``keys`` in messages: the file that has them, if these params are of one, and the keys."""
        if keys[0] == "recipes" and keys[1] not in self.recipes:
            keys = ("grids", self.grid_of[str(keys[1])], *keys[1:])
        return place_in(self._files, self._files[""], keys) if self._files else dotted(keys)

    @cached_property
    def grid_of(self) -> dict[str, str]:
        """The grid of each recipe that a grid makes."""
        return {name: grid for grid, its in self.grids.items() for name in grid_recipes(its, f"grids.{grid}")}

    @cached_property
    def all_recipes(self) -> dict[str, RecipeSettings]:
        """All recipes: first those under ``recipes``, then those of grids. UserError for a name that occurs twice."""
        recipes = dict(self.recipes)
        for grid, settings in self.grids.items():
            place = self.place("grids", grid)
            for name, recipe in grid_recipes(settings, place).items():
                if name in recipes or grid in recipes:
                    raise UserError(f"{place}: {name if name in recipes else grid} is already a recipe's name")
                recipes[name] = recipe
        for grid, settings in self.grids.items():
            for name, other in settings.equals.items():
                known(other, recipes, f"recipe in {self.place('grids', grid, 'equals', name)}")
        return recipes

    def study_name(self, name: str | None) -> str:
        """The name, or for None the default study's; UserError for an unknown name."""
        return str(known(self.study if name is None else name, self.studies, "study"))

    def get_study(self, name: str | None = None) -> StudySettings:
        """The study ``name``, or the default study; UserError for an unknown name."""
        return self.studies[self.study_name(name)]

    def folds(self, study: str, dataset: str) -> tuple[int, ...]:
        """The folds of a dataset that a study holds out."""
        return self.studies[study].folds or self.held_out(dataset)

    def held_out(self, dataset: str) -> tuple[int, ...]:
        """The folds of a dataset that may be held out."""
        source = self.datasets[dataset]
        return source.held_out or tuple(range(1, source.folds + 1))

    def selection(self, study: str, chosen: Selection) -> Selection:
        """Complete ``chosen`` from the study and replace grids by their recipes. Folds stay None for all folds."""
        own = self.studies[study]
        values = {key: getattr(own, key) for key in Selection.model_fields} | chosen.model_dump(exclude_none=True)
        recipes = [r for name in values["recipes"] for r in self.recipes_of(name, self.place("studies", study))]
        return Selection(**{**values, "recipes": tuple(dict.fromkeys(recipes))})

    def recipes_of(self, name: str, place: str) -> list[str]:
        """A grid's recipes, or the one recipe of that name."""
        known(name, [*self.all_recipes, *self.grids], f"recipe in {place}")
        return grid_names(self.grids[name]) if name in self.grids else [name]

    def lineage(self, recipe: str) -> list[str]:
        """The bases of a recipe, then the recipe itself; UserError if it builds on itself."""
        names = [recipe]
        while (base := self.all_recipes[names[0]].base) is not None:
            known(base, self.all_recipes, f"recipe in {self.place('recipes', names[0], 'base')}")
            if base in names:
                raise UserError(f"{self.place('recipes', recipe)}: builds on itself, through {' and '.join(names)}")
            names.insert(0, base)
        return names

    def resolve(self, study: str, dataset: str, recipe: str) -> RunSettings:
        """The settings of a run; precision ``auto`` gets its name. Raises as :meth:`written` does."""
        return self.written(study, dataset, recipe).with_named_precision()

    def written(self, study: str, dataset: str, recipe: str) -> RunSettings:
        """The settings of a run as written in params.yaml.

        Later settings override earlier ones: the defaults, the recipe's for the dataset, the study's, the recipe's, a
        stage's; a recipe's follow those of its base. Raises UserError for unknown names and values that do not fit.
        """
        known(study, self.studies, "study")
        known(dataset, self.datasets, "dataset")
        known(recipe, self.all_recipes, "recipe")
        source, layers = self.datasets[dataset], self.layers(study, dataset, recipe)
        merged = layers[0].settings
        for layer in layers[1:]:
            check_keys(layer.settings, merged, self.place, *layer.keys)
            merged = merge(merged, layer.settings)
        place = f"{study}/{dataset}/{recipe}"
        settings = self.run_settings({**merged, "audio": source.audio}, layers, place)
        self.check_weights(settings, place)
        check_together(settings, source.folds, place)
        return settings

    def layers(self, study: str, dataset: str, recipe: str) -> list[Layer]:
        """The settings that a run's are merged from, in the order of :meth:`written`."""
        recipes = [(name, self.all_recipes[name]) for name in self.lineage(recipe)]
        return [
            Layer(("defaults",), with_all_losses(self.defaults)),
            *(Layer(("recipes", name, "datasets", dataset), one.datasets.get(dataset, {})) for name, one in recipes),
            Layer(("studies", study, "settings"), self.studies[study].settings),
            *(Layer(("recipes", name, "settings"), one.settings) for name, one in recipes),
        ]

    def run_settings(self, merged: dict[str, Any], layers: Sequence[Layer], place: str) -> RunSettings:
        """Validate a run's merged settings. A UserError names the last of ``layers`` that has the value."""
        with_stages = next((layer.keys for layer in reversed(layers) if "stages" in layer.settings), layers[0].keys)
        content = choose(merged, place, self.place(*with_stages, "stages"))
        return validated(RunSettings, content, lambda keys: self.place(*written_at(keys, content, merged, layers)))

    def check_weights(self, settings: RunSettings, place: str) -> None:
        """Raise UserError for initial weights that do not exist, or not for this encoder."""
        if settings.start.weights != "none":
            known(settings.start.weights, ["none", *self.weights], f"weights in {place}")
            self.weights_file(settings.start.weights, settings.network, f" in {place}")

    def weights_file(self, weights: str, network: str, place: str = "") -> WeightsFile:
        """The file of ``weights`` for an encoder or a network; UserError, with ``place``, if there is none."""
        named = self.weights[weights]
        if named.torchvision is not None and network not in named.files:
            return WeightsFile(file=f"{network}-{named.torchvision}.pth", torchvision=named.torchvision)
        return named.files[known(network, named.files, f"encoder with weights '{weights}'{place}")]

    def origins(self, study: str, dataset: str, recipe: str) -> list[tuple[str, str]]:
        """Dataset and recipe of the run that a run starts from, then of the run which that one starts from, and so on.

        Raises UserError for a run that does not exist or starts from itself.
        """
        found = [(dataset, recipe)]
        while (start := self.written(study, *found[-1]).start).run is not None:
            place = f"{study}/{'/'.join(found[-1])}: start"
            other = (start.dataset or found[-1][0], known(start.run, self.all_recipes, f"recipe in {place}.run"))
            known(other[0], self.datasets, f"dataset in {place}.dataset")
            if other in found:
                raise UserError(f"{place}.run: {recipe} starts from its own run, through {other[1]} on {other[0]}")
            found.append(other)
        return found[1:]

    def fold_of(self, study: str, place: tuple[str, str], start: tuple[str, str], fold: int) -> int:
        """The fold of the run at ``start``, an origin of the run at ``place`` with held-out fold ``fold``."""
        line = [place, *self.origins(study, *place)]
        for before in line[: line.index(start)]:
            fold = self.written(study, *before).start.fold or fold
        return fold


def load(path: Path) -> Params:
    """Read params.yaml and check it, but not its runs, which are checked when resolved.

    Invalid defaults are a UserError that names them, and not the first run that uses them.
    """
    params = Params.from_file(path)
    check_defaults(params.defaults, params.place("defaults"))
    content = {**params.defaults, "audio": AudioSettings(sample_rate=44_100, samples=44_100)}
    settings = params.run_settings(content, [Layer(("defaults",), params.defaults)], params.place("defaults"))
    params.check_weights(settings, params.place("defaults"))
    return params


def check_studies(params: Params) -> None:
    """Raise UserError for an unknown name in recipes and studies, or a run that does not resolve."""
    for name, recipe in params.recipes.items():
        params.lineage(name)
        for dataset in recipe.datasets:
            known(dataset, params.datasets, f"dataset in {params.place('recipes', name, 'datasets')}")
    for name, study in params.studies.items():
        for weights in study.optional_weights:
            known(weights, params.weights, f"weights in {params.place('studies', name, 'optional_weights')}")
        for key, chosen in study.selections.items():
            check_selection(params, name, params.place("studies", name) + key, chosen)
    known(params.study, params.studies, f"study in {params.place('study')}")


def check_selection(params: Params, study: str, place: str, chosen: Selection) -> None:
    """Check that a choice of runs has only known names, each once, and that all its runs resolve."""
    own = params.studies[study]
    for key in ("datasets", "recipes", "seeds", "folds"):
        values = getattr(chosen, key) or getattr(own, key) or ()
        if repeated := [value for value, count in Counter(values).items() if count > 1]:
            raise UserError(f"{place}.{key}: {repeated[0]!r} is listed more than once")
    for dataset in own.datasets:
        known(dataset, params.datasets, f"dataset in {place}.datasets")
    for dataset in chosen.datasets or ():
        known(dataset, own.datasets, f"dataset of the study in {place}.datasets")
    for name in chosen.recipes or own.recipes:
        params.recipes_of(name, f"{place}.recipes")
    whole = params.selection(study, chosen)
    folds_in_all = sum(len(whole.folds or params.held_out(dataset)) for dataset in whole.datasets or ())
    if (count := folds_in_all * len(whole.recipes or ()) * len(whole.seeds or ())) > MOST_RUNS:
        raise UserError(f"{place}: has {count:,} runs; a choice may have at most {MOST_RUNS:,}")
    for dataset in whole.datasets or ():
        if ".evaluate" in place and params.datasets[dataset].pixels:
            raise UserError(f"{place}: {dataset} has pictures, but evaluations add noise to sounds")
        folds = [known(f, params.held_out(dataset), f"fold of {dataset} in {place}.folds") for f in whole.folds or ()]
        for recipe in whole.recipes or ():
            params.written(study, dataset, recipe)
            for other, start in params.origins(study, dataset, recipe):
                what = f"fold of {other}, whose {start} {study}/{dataset}/{recipe} starts from"
                for fold in folds or params.held_out(dataset):
                    known(params.fold_of(study, (dataset, recipe), (other, start), fold), params.held_out(other), what)


def check_together(settings: RunSettings, folds: int, place: str) -> None:
    """Raise UserError, beginning with ``place``, for settings of a run that cannot train on ``folds`` folds."""
    if settings.projection.input != "encoder":
        raise UserError(f"{place}: projection.input must be encoder; only the classifier's input may be the projection")
    if settings.start.run is not None and settings.start.weights != "none":
        raise UserError(f"{place}: start names weights and a run; an encoder starts from one of them")
    for key in ("dataset", "fold"):
        if getattr(settings.start, key) is not None and settings.start.run is None:
            raise UserError(f"{place}: start.{key} belongs to start.run, which is missing")
    if len(schemes := {stage.training.validation for stage in settings.stages}) > 1:
        raise UserError(
            f"{place}: training.validation is {' and '.join(sorted(schemes))}; all stages must have the same"
        )
    if "inner" in schemes and folds < 3:
        raise UserError(f"{place}: training.validation is inner, which needs 3 folds, but the dataset has {folds}")
    names = [stage.name for stage in settings.stages]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{place}: stages has the name '{repeated[0]}' twice; histories tell stages apart by name")
