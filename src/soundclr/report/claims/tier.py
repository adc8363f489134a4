"""The tier of a comparison: the paper's own settings and data, or reduced ones; derived from the settings."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from soundclr.audio.representations import representation_of
from soundclr.params import Params, RunSettings, Selection, StageSettings
from soundclr.params.entries import entry_of
from soundclr.report.claims.claim import PaperClaims
from soundclr.training.schedule import SCHEDULES

Tier = Literal["exact", "reduced"]

WORDS = {
    "audio": "sampling",
    "representation": "image",
    "encoder": "network",
    "start": "initial weights",
    "projection": "projection head",
    "augment": "augmentation",
    "optimizer": "optimiser",
    "lr": "learning rate",
    "head_factor": "heads' rate",
    "monitor": "what chooses the epoch",
    "validation": "what chooses the epoch",
    "keep": "epoch kept",
    "probe_every": "probes",
}
"""The words for settings that differ from the paper's, where their own names are not good words."""

MASKS = {"frequency_mask": "bands", "time_mask": "frames"}
"""The unit of a mask's width."""


def tier(reduced: Iterable[str]) -> Tier:
    """``exact`` where nothing is reduced: data, network, image, weights, budget, seeds."""
    return "reduced" if any(reduced) else "exact"


def reductions(
    params: Params,
    study: str,
    dataset: str,
    recipes: Iterable[str],
    claims: PaperClaims,
    seeds: int,
    papers_seeds: int | None = None,
) -> tuple[str, ...]:
    """What differs from the paper in a comparison of ``recipes`` with so many ``seeds``, in words; empty: exact.

    ``papers_seeds``: the paper's seeds, by default those of its study.
    """
    known = claims.datasets.get(dataset)
    found = ["data: not the paper's"] if known is None else [known.reduced] if known.reduced else []
    theirs = known.settings_of or dataset if known else dataset
    for recipe in recipes:
        other = params.resolve(claims.exact, theirs, paper_recipe(params, claims.exact, recipe) or recipe)
        found += changed_words(params.resolve(study, dataset, recipe), other)
    if seeds < (papers_seeds or len(params.get_study(claims.exact).seeds)):
        found.append(f"{seeds} seed{'s' if seeds > 1 else ''}")
    return tuple(dict.fromkeys(found))


def paper_recipe(params: Params, exact: str, recipe: str) -> str | None:
    """The recipe of the paper's own study that a recipe is built on; None where there is none."""
    chosen = (params.selection(exact, one) for one in params.get_study(exact).selections.values())
    own = {name for one in chosen for name in one.recipes or ()}
    return next((name for name in reversed(params.lineage(recipe)) if name in own), None)


def changed_words(ours: RunSettings, theirs: RunSettings) -> list[str]:
    """The settings in which two runs differ: ``network (resnet18 for resnet50)``."""
    words = []
    for key, value, other in differing(ours.model_dump(mode="json"), theirs.model_dump(mode="json")):
        word = WORDS.get(key, key.replace("_", " "))
        plain = isinstance(value, str | int | float) and isinstance(other, str | int | float)
        words.append(f"{word} ({value} for {other})" if plain else word)
    for mine, its in zip(ours.stages, theirs.stages, strict=False):
        falls = [decay(stage) for stage in (mine, its)]
        if "encoder" in mine.trains and mine.schedule == its.schedule and len(set(falls)) > 1:
            words.append(f"decay of the learning rate ({falls[0]} an epoch for {falls[1]})")
    return words


def decay(stage: StageSettings) -> str:
    """The factor of a stage's learning rate from one epoch to the next; empty where it is not the same throughout."""
    schedule, epochs = entry_of(SCHEDULES, stage.schedule, "schedule", stage.name), stage.training.epochs
    rates = [schedule.factor(epoch, epochs) for epoch in range(epochs)]
    middle, end = (rates[epoch] / rates[epoch - 1] if epoch else 1.0 for epoch in (epochs // 2, epochs - 1))
    return f"{end:.2f}" if end < 1 and math.isclose(middle, end) else ""


def differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    """Key, our value and theirs of settings that differ; of entries with different names only the names."""
    for key in ours:
        if ours[key] == theirs.get(key):
            continue
        if key == "stages":
            for mine, other in zip(ours[key], theirs[key], strict=False):
                yield from differing(mine, other)
        elif key == "training":
            yield from differing(no_patience(ours[key]), no_patience(theirs[key]))
        elif key == "start":
            yield key, ours[key]["run"] or ours[key]["weights"], theirs[key]["run"] or theirs[key]["weights"]
        elif isinstance(ours[key], dict) and ours[key].get("name") != theirs[key].get("name"):
            yield key, ours[key]["name"], theirs[key]["name"]
        else:
            yield key, ours[key], theirs[key]


def no_patience(training: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of training; a patience that no run can lose is none."""
    never = training["patience"] >= training["epochs"]
    return {**training, "patience": "none"} if never else dict(training)


def beside_paper(params: Params, study: str, dataset: str, claims: PaperClaims, shown: Iterable[str] = ()) -> str:
    """How a study's network, image, training and masks differ from those of the paper's full study, in parentheses.

    As in ``epochs 14 (800)``, which stays on one line. It is about the recipes ``shown`` that train an encoder and are
    built on one of the paper's; where there are none, about the study's own; else about those of its artefacts.
    """
    known = claims.datasets.get(dataset)
    theirs = (known and known.settings_of) or dataset
    parts: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for recipe in compared_recipes(params, study, dataset, claims.exact, shown):
        other = params.resolve(claims.exact, theirs, paper_recipe(params, claims.exact, recipe) or recipe)
        for side, settings in enumerate((params.resolve(study, dataset, recipe), other)):
            for name, value in in_short(settings).items():
                parts.setdefault(name, ({}, {}))[side][value] = None
    same = ", ".join(name for name, (ours, papers) in parts.items() if ours.keys() == papers.keys())
    changed = ", ".join(
        f"{name}\xa0{' or '.join(ours)}\xa0({' or '.join(papers)})"
        for name, (ours, papers) in parts.items()
        if ours.keys() != papers.keys()
    )
    return ". ".join([f"Here (full study): {changed}"] * bool(changed) + [f"As there: {same}"] * bool(same))


def compared_recipes(params: Params, study: str, dataset: str, exact: str, shown: Iterable[str]) -> list[str]:
    """The recipes that :func:`beside_paper` is about."""
    selections = (Selection(), *params.get_study(study).artefacts.values())
    for recipes in (shown, *(params.selection(study, selection).recipes or () for selection in selections)):
        found = [
            recipe
            for recipe in dict.fromkeys(recipes)
            if paper_recipe(params, exact, recipe)
            and any("encoder" in stage.trains for stage in params.resolve(study, dataset, recipe).stages)
        ]
        if found:
            return found
    return []


def in_short(settings: RunSettings) -> dict[str, str]:
    """What a run sees, with what, and how it is trained, in the stages that train the encoder."""
    trainings = [stage.training for stage in settings.stages if "encoder" in stage.trains]
    masks = [one for one in settings.stages[0].augment if one.name in MASKS]
    return {
        "network": settings.encoder.name,
        "image": "\xa0×\xa0".join(map(str, representation_of(settings).shape(settings.audio.samples))),
        "epochs": " + ".join(str(one.epochs) for one in trainings) or "none",
        "batch": " + ".join(dict.fromkeys(str(one.batch_size) for one in trainings)) or "none",
        "rate": " + ".join(dict.fromkeys(f"{one.lr:g}" for one in trainings)) or "none",
        "masks": " + ".join("{count} of {width}".format(**m.parameters) + f" {MASKS[m.name]}" for m in masks) or "none",
    }
