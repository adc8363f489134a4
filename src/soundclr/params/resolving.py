"""Resolves names in params.yaml to a run's settings: grids, recipes with a base, selected entries."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

from soundclr.errors import UserError
from soundclr.params.merging import check_keys, known, merge, shape
from soundclr.params.schema import NAME, GridSettings, RecipeSettings, RunSettings

# The key of a choice -> the key of the entries to choose from.
OF_A_RUN = {"representation": "representations", "encoder": "encoders"}
CHOICES = {"augment": "augmentations", "loss": "losses", "optimizer": "optimizers", "schedule": "schedules"}
# Keys that a stage may override.
OF_A_STAGE = (*CHOICES, *CHOICES.values(), "views", "training")
# Keys of the defaults, which recipes, studies and stages may override.
KEYS = (*(key for key in RunSettings.model_fields if key != "audio"), *OF_A_RUN.values(), *OF_A_STAGE)
# Parameters with a unit in their name -> their former name, which settings, hashes and records still use.
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
MOST_RECIPES = 10_000  # in a grid
PLACE = re.compile(r"\{(\w+)\}")  # an axis in a grid's name or title


class Layer(NamedTuple):
    """Settings, and the keys that lead to them in params.yaml."""

    keys: tuple[str, ...]
    settings: Mapping[str, Any]


def grid_recipes(grid: GridSettings, place: str) -> dict[str, RecipeSettings]:
    """A grid's recipes by name. UserError for an unknown value, for equal names, and for too many recipes."""
    if (count := sum(math.prod(map(len, product.values())) for product in grid.products)) > MOST_RECIPES:
        raise UserError(f"{place}.products: has {count:,} recipes; a grid may have at most {MOST_RECIPES:,}")
    for axis, listed in ((axis, listed) for product in grid.products for axis, listed in product.items()):
        if repeated := [value for value, count in Counter(listed).items() if count > 1]:
            raise UserError(f"{place}.products: {axis} has {repeated[0]} more than once")
    recipes: dict[str, RecipeSettings] = {}
    for chosen in combinations(grid):
        values = {axis: grid.values[known(value, grid.values, f"value in {place}")] for axis, value in chosen.items()}
        name = filled(grid.name, chosen, f"{place}.name")
        if not re.fullmatch(NAME, name):
            raise UserError(
                f"{place}.name: {name!r} is not a recipe's name, which has lower-case letters, digits and _"
            )
        title = filled(grid.title, {axis: value.title for axis, value in values.items()}, f"{place}.title")
        settings: dict[str, Any] = reduce(merge, (value.settings for value in values.values()))
        recipe = RecipeSettings(title=title, base=grid.base, settings=settings)
        if recipes.setdefault(name, recipe) != recipe:
            raise UserError(f"{place}.name: {name} would name two recipes with different settings")
    for name in grid.equals:
        known(name, recipes, f"recipe in {place}.equals")
    return recipes


def grid_names(grid: GridSettings) -> list[str]:
    """The names of a grid's recipes in the order of its products; ``equals`` replaces names by equal recipes."""
    names = (filled(grid.name, chosen, "name") for chosen in combinations(grid))
    return list(dict.fromkeys(grid.equals.get(name, name) for name in names))


def combinations(grid: GridSettings) -> Iterator[dict[str, str]]:
    """Every combination of one value per axis, for all products."""
    for product in grid.products:
        for values in itertools.product(*product.values()):
            yield dict(zip(product, values, strict=True))


def filled(template: str, values: Mapping[str, str], place: str) -> str:
    """Fill each axis' value into ``template``; UserError if its places do not match the axes."""
    if set(PLACE.findall(template)) != set(values):
        wanted = " and ".join(f"{{{axis}}}" for axis in values)
        raise UserError(f"{place}: must have a place for each axis, {wanted}; found {template!r}")
    return PLACE.sub(lambda match: values[match[1]], template)


def with_all_losses(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults with a weight for each loss; 0 for those without one."""
    losses, named = defaults["losses"], defaults["loss"]
    weights = {**dict.fromkeys(losses, 0), **named} if isinstance(named, Mapping) else named
    return {**defaults, "loss": weights}


def choose(merged: dict[str, Any], place: str, stages_at: str) -> dict[str, Any]:
    """Combine each choice with its parameters, drop entries that are not chosen, and give each stage its settings.

    So what a run does not use does not count in its hash. ``stages_at``: where the stages are written.
    """
    settings = dict(merged)
    common = {key: settings.pop(key) for key in OF_A_STAGE if key in settings}
    for key, entries in OF_A_RUN.items():
        settings[key] = chosen(settings, key, entries, place)
        settings.pop(entries, None)
    if isinstance(settings.get("stages"), list):  # another type is an error that validation names
        settings["stages"] = [stage_of(common, stage, place, stages_at) for stage in settings["stages"]]
    return settings


def stage_of(common: dict[str, Any], stage: Any, place: str, stages_at: str) -> Any:
    """A stage's settings: the run's with the stage's overrides, each choice with its parameters."""
    if not isinstance(stage, Mapping):
        return stage
    place, written = (f"{where}: stage {stage.get('name')!r}" for where in (place, stages_at))
    differences = {key: value for key, value in stage.items() if key in common}
    check_keys(differences, common, lambda *keys: ".".join((written, *keys)))
    merged = merge(common, stage)
    found = {key: chosen(merged, key, entries, place) for key, entries in CHOICES.items()}
    return {**{key: value for key, value in merged.items() if key not in CHOICES.values()}, **found}


def chosen(settings: Mapping[str, Any], key: str, entries: str, place: str) -> Any:
    """The entries that ``settings[key]`` names, with their parameters from ``settings[entries]``.

    The choice is a name, a list of names, or a mapping from names to weights, where 0 leaves a name out.
    """
    choice, parameters = settings.get(key), settings.get(entries) or {}

    def entry(name: Any) -> dict[str, Any]:
        known(name, parameters, f"{key} in {place}")
        found, units = given(parameters[name]), UNITS.get(entries, {}).get(name, {})
        if isinstance(found, Mapping):
            found = {units.get(key, key): value for key, value in found.items()}
        return {"name": name, "parameters": found}

    if isinstance(choice, Mapping):
        weighed = {name: weight for name, weight in choice.items() if weight is False or weight != 0}
        return [{**entry(name), "weight": weight} for name, weight in weighed.items()]
    return [entry(name) for name in choice] if isinstance(choice, list) else entry(choice)


def given(parameters: Any) -> Any:
    """An entry's parameters without those that are null; these count as missing, also in hashes."""
    if not isinstance(parameters, Mapping):  # another type is an error that validation names
        return parameters or {}
    return {key: value for key, value in parameters.items() if value is not None}


def check_defaults(defaults: Mapping[str, Any], place: str) -> None:
    """Raise UserError for a missing or unknown key in the defaults, or for entries that are not a mapping."""
    for key in defaults:
        known(key, KEYS, f"key in {place}.{key}")
    for key in KEYS:
        field = RunSettings.model_fields.get(key)
        if key not in defaults and (field is None or field.is_required()):
            raise UserError(f"{place}.{key}: is missing")
    for key in (*OF_A_RUN.values(), *CHOICES.values()):
        if shape(entries := defaults[key]) != "a mapping":
            raise UserError(f"{place}.{key}: expected a mapping from names to parameters, found {entries!r}")


def written_at(
    keys: tuple[str | int, ...], content: Mapping[str, Any], merged: Mapping[str, Any], layers: Sequence[Layer]
) -> tuple[str | int, ...]:
    """The keys in params.yaml of the value at ``keys`` in a run's settings ``content``, which ``merged`` gave.

    It is where the last of ``layers`` has the value or, if none has, its block.
    """
    stage = keys[:2] if keys[0] == "stages" and len(keys) > 2 else ()
    key, *below = keys[len(stage) :]
    if key in (*OF_A_RUN, *CHOICES) and below:
        choice = get(content, (*stage, key))
        if isinstance(choice, list):
            choice, below = choice[int(below[0])], below[1:]
        entries = {**OF_A_RUN, **CHOICES}[str(key)]
        where = {"weight": (key, choice["name"]), "parameters": (entries, choice["name"], *below[1:])}
        key, *below = where.get(str(below[0]), (key,)) if below else (key,)
    wanted = (key, *below)
    if not (stage and has(get(merged, stage), wanted)):
        stage = () if key in OF_A_STAGE else stage
    whole = (*stage, *wanted)
    for depth in range(len(whole), 0, -1):
        for layer in reversed(layers):
            if has(layer.settings, whole[:depth]):
                return (*layer.keys, *whole)
    return (*layers[0].keys, *whole)


def get(content: Any, keys: Iterable[str | int]) -> Any:
    """The value at ``keys``; KeyError if there is none."""
    return reduce(lambda block, key: block[key], keys, content)


def has(content: Any, keys: Iterable[str | int]) -> bool:
    """Whether there is a value at ``keys``."""
    try:
        get(content, keys)
    except (KeyError, IndexError, TypeError):
        return False
    return True
