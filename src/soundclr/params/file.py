"""The whole of params.yaml: reads and checks it, and resolves the settings of any run."""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from soundclr.errors import UserError
from soundclr.params.including import read_params
from soundclr.params.merging import check_keys, known, merge, validated
from soundclr.params.resolving import check_defaults, choose, grid_names, grid_recipes, lineage, with_all_losses
from soundclr.params.schema import (
    AudioSettings,
    DatasetSettings,
    GridSettings,
    Name,
    Positive,
    RecipeSettings,
    RunSettings,
    Section,
    TrainingSettings,
)
from soundclr.params.studies import EvaluationSettings, Selection, StudySettings
from soundclr.params.weights import WeightsFile, WeightsSettings

MOST_RUNS = 100_000  # in one of a study's choices


class Params(Section):
    """The whole of params.yaml."""

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

    @cached_property
    def all_recipes(self) -> dict[str, RecipeSettings]:
        """All recipes: first those under ``recipes``, then those of grids. UserError for a name that occurs twice."""
        recipes = dict(self.recipes)
        for grid, settings in self.grids.items():
            for name, recipe in grid_recipes(settings, f"grids.{grid}").items():
                if name in recipes or grid in recipes:
                    raise UserError(f"grids.{grid}: {name if name in recipes else grid} is already a recipe's name")
                recipes[name] = recipe
        for grid, settings in self.grids.items():
            for name, other in settings.equals.items():
                known(other, recipes, f"recipe in grids.{grid}.equals.{name}")
        return recipes

    def get_study(self, name: str | None = None) -> StudySettings:
        """The study ``name``, or the default study; UserError for an unknown name."""
        return self.studies[known(name or self.study, self.studies, "study")]

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
        recipes = [r for name in values["recipes"] for r in self.recipes_of(name, f"studies.{study}")]
        return Selection(**{**values, "recipes": tuple(dict.fromkeys(recipes))})

    def recipes_of(self, name: str, place: str) -> list[str]:
        """A grid's recipes, or the one recipe of that name."""
        known(name, [*self.all_recipes, *self.grids], f"recipe in {place}")
        return grid_names(self.grids[name]) if name in self.grids else [name]

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
        source = self.datasets[dataset]
        recipes = lineage(self.all_recipes, recipe)
        differences = [
            (f"recipes.{r}.datasets.{dataset}", self.all_recipes[r].datasets.get(dataset, {})) for r in recipes
        ]
        differences.append((f"studies.{study}.settings", self.studies[study].settings))
        differences += [(f"recipes.{r}.settings", self.all_recipes[r].settings) for r in recipes]
        merged = with_all_losses(self.defaults)
        for place, difference in differences:
            check_keys(difference, merged, place)
            merged = merge(merged, difference)
        place = f"{study}/{dataset}/{recipe}"
        merged["audio"] = source.audio
        settings = validated(RunSettings, choose(merged, place), place)
        self.check_weights(settings, place)
        check_together(settings, source.folds, place)
        return settings

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


def load_one(path: Path) -> Params:
    """Read params.yaml and check it, but not its runs, which are checked when resolved.

    Invalid defaults are a UserError that names them, and not the first run that uses them.
    """
    file = str(path)
    params = validated(Params, read_params(path), file)
    check_defaults(params.defaults, f"{file}: defaults")
    training = params.defaults.get("training")
    if isinstance(training, Mapping):
        validated(TrainingSettings, training, file, "defaults", "training")
    audio = AudioSettings(sample_rate=44_100, samples=44_100)
    content = choose({**params.defaults, "audio": audio}, f"{file}: defaults")
    params.check_weights(validated(RunSettings, content, file, "defaults"), f"{file}: defaults")
    return params


def load(path: Path) -> Params:
    """Read params.yaml and check that every run of every study resolves; otherwise a :class:`UserError` says why."""
    params = load_one(path)
    check_studies(params, str(path))
    return params


def check_studies(params: Params, file: str) -> None:
    """Raise UserError for an unknown name in recipes and studies, or a run that does not resolve."""
    for name, recipe in params.recipes.items():
        for dataset in recipe.datasets:
            known(dataset, params.datasets, f"dataset in recipes.{name}.datasets")
    for name, study in params.studies.items():
        for weights in study.optional_weights:
            known(weights, params.weights, f"weights in {file}: studies.{name}.optional_weights")
        for key, chosen in study.selections.items():
            check_selection(params, name, file, f"studies.{name}{key}", chosen)
    known(params.study, params.studies, "study")


def check_selection(params: Params, study: str, file: str, place: str, chosen: Selection) -> None:
    """Check that a choice of runs has only known names, each once, and that all its runs resolve."""
    own = params.studies[study]
    for key in ("datasets", "recipes", "seeds", "folds"):
        values = getattr(chosen, key) or getattr(own, key) or ()
        if repeated := [value for value, count in Counter(values).items() if count > 1]:
            raise UserError(f"{file}: {place}.{key}: {repeated[0]!r} is listed more than once")
    for dataset in own.datasets:
        known(dataset, params.datasets, f"dataset in {place}.datasets")
    for dataset in chosen.datasets or ():
        known(dataset, own.datasets, f"dataset of the study in {place}.datasets")
    for name in chosen.recipes or own.recipes:
        params.recipes_of(name, f"{place}.recipes")
    whole = params.selection(study, chosen)
    folds_in_all = sum(len(whole.folds or params.held_out(dataset)) for dataset in whole.datasets or ())
    if (count := folds_in_all * len(whole.recipes or ()) * len(whole.seeds or ())) > MOST_RUNS:
        raise UserError(f"{file}: {place}: has {count:,} runs; a choice may have at most {MOST_RUNS:,}")
    for dataset in whole.datasets or ():
        if ".evaluate" in place and params.datasets[dataset].pixels:
            raise UserError(f"{file}: {place}: {dataset} has pictures, but evaluations add noise to sounds")
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
