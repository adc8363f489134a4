"""From the names in params.yaml to all settings of a run: grids, recipes that build on others, chosen entries."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from soundclr.errors import UserError
from soundclr.params.merging import known, merge
from soundclr.params.schema import GridSettings, RecipeSettings

# A choice, and the key of what may be chosen.
OF_A_RUN = {"representation": "representations", "encoder": "encoders"}
CHOICES = {"augment": "augmentations", "loss": "losses", "optimizer": "optimizers", "schedule": "schedules"}
# What a stage may have otherwise than its run.
OF_A_STAGE = (*CHOICES, *CHOICES.values(), "views", "training")


def grid_recipes(grid: GridSettings, place: str) -> Iterator[tuple[str, RecipeSettings]]:
    """Each of a grid's recipes once, by name; UserError for a value that it does not have or a name without a place."""
    seen = set()
    for product in grid.products:
        for values in itertools.product(*product.values()):
            chosen = {
                axis: known(value, grid.values, f"value in {place}")
                for axis, value in zip(product, values, strict=True)
            }
            try:
                name = grid.name.format(**chosen)
                title = grid.title.format(**{axis: grid.values[value].title for axis, value in chosen.items()})
            except (KeyError, IndexError, ValueError) as error:
                raise UserError(
                    f"{place}: name and title must have a place for each axis, as {{{next(iter(product))}}}"
                ) from error
            if name not in seen and name not in grid.equals:
                settings: dict[str, Any] = {}
                for value in values:
                    settings = merge(settings, grid.values[value].settings)
                yield name, RecipeSettings(title=title, base=grid.base, settings=settings)
            seen.add(name)
    for name in grid.equals:
        known(name, seen, f"recipe in {place}.equals")


def grid_names(grid: GridSettings) -> list[str]:
    """The names of a grid's recipes, of those that ``equals`` others the others', in the order of its products."""
    names = (
        grid.name.format(**dict(zip(product, values, strict=True)))
        for product in grid.products
        for values in itertools.product(*product.values())
    )
    return list(dict.fromkeys(grid.equals.get(name, name) for name in names))


def lineage(recipes: Mapping[str, RecipeSettings], name: str) -> list[str]:
    """A recipe after those that it builds on; UserError for one that builds on itself."""
    names = [name]
    while (base := recipes[names[0]].base) is not None:
        known(base, recipes, f"recipe in recipes.{names[0]}.base")
        if base in names:
            raise UserError(f"recipes.{name}: builds on itself, by way of {' and '.join(names)}")
        names.insert(0, base)
    return names


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
    for key in stage.keys() & common.keys():
        if isinstance(common[key], Mapping) and not isinstance(stage[key], Mapping):
            raise UserError(f"{place}.{key}: expected a mapping like {dict(common[key])}, found {stage[key]!r}")
    merged = merge(common, stage)
    found = {key: chosen(merged, key, entries, place) for key, entries in CHOICES.items()}
    return {**{key: value for key, value in merged.items() if key not in CHOICES.values()}, **found}


def chosen(settings: Mapping[str, Any], key: str, entries: str, place: str) -> Any:
    """What ``settings[key]`` names, with the parameters that ``settings[entries]`` gives it.

    A name, a list of names, or a mapping from names to weights, in which 0 means that it is left out.
    """
    choice, parameters = settings.get(key), settings.get(entries) or {}
    if isinstance(choice, str):
        return {"name": choice, "parameters": parameters[known(choice, parameters, f"{key} in {place}")] or {}}
    if isinstance(choice, list):
        return [chosen({key: name, entries: parameters}, key, entries, place) for name in choice]
    if isinstance(choice, Mapping):
        weighed = {name: weight for name, weight in choice.items() if weight != 0}
        return [{**chosen({key: n, entries: parameters}, key, entries, place), "weight": w} for n, w in weighed.items()]
    return choice
