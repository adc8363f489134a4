"""From the names in params.yaml to all settings of a run: grids, recipes that build on others, chosen entries."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from soundclr.errors import UserError
from soundclr.params.merging import check_keys, known, merge, shape
from soundclr.params.schema import GridSettings, RecipeSettings, RunSettings

# A choice, and the key of what may be chosen.
OF_A_RUN = {"representation": "representations", "encoder": "encoders"}
CHOICES = {"augment": "augmentations", "loss": "losses", "optimizer": "optimizers", "schedule": "schedules"}
# What a stage may have otherwise than its run.
OF_A_STAGE = (*CHOICES, *CHOICES.values(), "views", "training")
# What the defaults have, and recipes, studies and stages may have otherwise.
KEYS = (*(key for key in RunSettings.model_fields if key != "audio"), *OF_A_RUN.values(), *OF_A_STAGE)
# Parameters with their unit in the name, by entry, and what settings, hashes and records call them, as they always did.
UNITS = {
    "augmentations": {
        "pitch_shift": {"lowest_semitones": "lowest", "highest_semitones": "highest"},
        "pitch_and_stretch": {"lowest_semitones": "lowest", "highest_semitones": "highest"},
        "white_noise": {"lowest_db": "lowest", "highest_db": "highest"},
        "mixed_noise": {"lowest_db": "lowest", "highest_db": "highest"},
        "time_shift": {"most_share": "most"},
        "waveform_mask": {"most_share": "most"},
    },
    "representations": {"clar": {"lowest_hz": "lowest", "highest_hz": "highest"}},
}
MOST_RECIPES = 10_000  # of a grid
PLACE = re.compile(r"\{(\w+)\}")  # of an axis, in the name and title of a grid's recipes


def grid_recipes(grid: GridSettings, place: str) -> dict[str, RecipeSettings]:
    """A grid's recipes by name; UserError for a value that it does not have, or names that do not tell them apart.

    And for more than ``MOST_RECIPES``, before any is made.
    """
    if (count := sum(math.prod(map(len, product.values())) for product in grid.products)) > MOST_RECIPES:
        raise UserError(f"{place}.products: are {count:,} recipes; the most that a grid may be are {MOST_RECIPES:,}")
    recipes: dict[str, RecipeSettings] = {}
    for chosen in combinations(grid):
        values = {axis: grid.values[known(value, grid.values, f"value in {place}")] for axis, value in chosen.items()}
        name = filled(grid.name, chosen, f"{place}.name")
        if not re.fullmatch("[a-z][a-z0-9_]*", name):
            raise UserError(f"{place}.name: {name!r} is no recipe's name, of small letters, digits and _")
        title = filled(grid.title, {axis: value.title for axis, value in values.items()}, f"{place}.title")
        settings: dict[str, Any] = {}
        for value in values.values():
            settings = merge(settings, value.settings)
        recipe = RecipeSettings(title=title, base=grid.base, settings=settings)
        if recipes.setdefault(name, recipe) != recipe:
            raise UserError(f"{place}.name: {name} would be two recipes with other settings")
    for name in grid.equals:
        known(name, recipes, f"recipe in {place}.equals")
    return recipes


def grid_names(grid: GridSettings) -> list[str]:
    """The names of a grid's recipes, of those that ``equals`` others the others', in the order of its products."""
    names = (filled(grid.name, chosen, "name") for chosen in combinations(grid))
    return list(dict.fromkeys(grid.equals.get(name, name) for name in names))


def combinations(grid: GridSettings) -> Iterator[dict[str, str]]:
    """Each choice of one value for every axis, of all products."""
    for product in grid.products:
        for values in itertools.product(*product.values()):
            yield dict(zip(product, values, strict=True))


def filled(template: str, values: Mapping[str, str], place: str) -> str:
    """``template`` with each axis' value in its place; UserError where a place or an axis is without the other."""
    if set(PLACE.findall(template)) != set(values):
        wanted = " and ".join(f"{{{axis}}}" for axis in values)
        raise UserError(f"{place}: must have a place for each axis, {wanted}; found {template!r}")
    return PLACE.sub(lambda match: values[match[1]], template)


def lineage(recipes: Mapping[str, RecipeSettings], name: str) -> list[str]:
    """A recipe after those that it builds on; UserError for one that builds on itself."""
    names = [name]
    while (base := recipes[names[0]].base) is not None:
        known(base, recipes, f"recipe in recipes.{names[0]}.base")
        if base in names:
            raise UserError(f"recipes.{name}: builds on itself, by way of {' and '.join(names)}")
        names.insert(0, base)
    return names


def with_all_losses(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults with a weight for each of their losses: 0 where they name none."""
    losses, named = defaults["losses"], defaults["loss"]
    weights = {**dict.fromkeys(losses, 0), **named} if isinstance(named, Mapping) else named
    return {**defaults, "loss": weights}


def choose(merged: dict[str, Any], place: str) -> dict[str, Any]:
    """Merged settings with each choice and its parameters together, and what is not chosen left out.

    What a run does not use thus does not count in its hash. The run's settings for its stages go to each of them.
    """
    settings = dict(merged)
    common = {key: settings.pop(key) for key in OF_A_STAGE if key in settings}
    for key, entries in OF_A_RUN.items():
        settings[key] = chosen(settings, key, entries, place)
        settings.pop(entries, None)
    if isinstance(settings.get("stages"), list):  # what is of another type is for the validation to name
        settings["stages"] = [stage_of(common, stage, place) for stage in settings["stages"]]
    return settings


def stage_of(common: dict[str, Any], stage: Any, place: str) -> Any:
    """A stage's settings: the run's with the stage's differences, its choices with their parameters."""
    if not isinstance(stage, Mapping):
        return stage
    place = f"{place}: stage {stage.get('name')!r}"
    check_keys({key: value for key, value in stage.items() if key in common}, common, place)
    merged = merge(common, stage)
    found = {key: chosen(merged, key, entries, place) for key, entries in CHOICES.items()}
    return {**{key: value for key, value in merged.items() if key not in CHOICES.values()}, **found}


def chosen(settings: Mapping[str, Any], key: str, entries: str, place: str) -> Any:
    """What ``settings[key]`` names, with the parameters that ``settings[entries]`` gives it.

    A name, a list of names, or a mapping from names to weights, in which 0 means that it is left out.
    """
    choice, parameters = settings.get(key), settings.get(entries) or {}

    def entry(name: Any) -> dict[str, Any]:
        known(name, parameters, f"{key} in {place}")
        return {"name": name, "parameters": without_units(entries, name, given(parameters[name]))}

    if isinstance(choice, Mapping):
        weighed = {name: weight for name, weight in choice.items() if weight is False or weight != 0}
        return [{**entry(name), "weight": weight} for name, weight in weighed.items()]
    return [entry(name) for name in choice] if isinstance(choice, list) else entry(choice)


def without_units(entries: str, name: str, parameters: Any) -> Any:
    """An entry's parameters by the names that settings have, of which ``UNITS`` knows others."""
    others = UNITS.get(entries, {}).get(name)
    if others is None or not isinstance(parameters, Mapping):
        return parameters
    return {others.get(key, key): value for key, value in parameters.items()}


def given(parameters: Any) -> Any:
    """An entry's parameters without those that are null, which are as if they were not there, in hashes too."""
    if not isinstance(parameters, Mapping):  # what is of another type is for the validation to name
        return parameters or {}
    return {key: value for key, value in parameters.items() if value is not None}


def check_defaults(defaults: Mapping[str, Any], place: str) -> None:
    """Raise UserError for a key that the defaults lack or that nothing has, or entries that are no mapping."""
    for key in defaults:
        known(key, KEYS, f"key in {place}.{key}")
    for key in KEYS:
        field = RunSettings.model_fields.get(key)
        if key not in defaults and (field is None or field.is_required()):
            raise UserError(f"{place}.{key}: is not there")
    for key in (*OF_A_RUN.values(), *CHOICES.values()):
        if shape(entries := defaults[key]) != "a mapping":
            raise UserError(f"{place}.{key}: expected a mapping from names to parameters, found {entries!r}")
