"""The recipes on the sides of a claim: by name, or by their settings."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from importlib import import_module

from soundclr.params import Params, RunSettings
from soundclr.report.claims.claim import Claim

Kind = tuple[Callable[[RunSettings], Hashable | None], tuple[str, ...]]
"""Names a run's side by its settings (None: no side), and the keys of the artefacts whose runs count (empty: all)."""


def kinds_of(paper: str) -> Mapping[str, Kind]:
    """A paper's kinds of sides, ``KINDS`` of its kinds.py, by their names in claims.yaml."""
    kinds: Mapping[str, Kind] = import_module(f"soundclr.report.papers.{paper}.kinds").KINDS
    return kinds


@dataclass(frozen=True)
class Sides:
    """The recipes that a claim compares on a dataset: the side ahead, and each other side by its name."""

    ahead: tuple[str, ...]
    others: Mapping[Hashable, tuple[str, ...]]

    @property
    def recipes(self) -> tuple[str, ...]:
        """The recipes of all sides."""
        return tuple(dict.fromkeys([*self.ahead, *(name for other in self.others.values() for name in other)]))


def sides_of(params: Params, study: str, dataset: str, claim: Claim) -> Sides | None:
    """The sides of a claim that a study has on a dataset; None where it lacks one."""
    kinds = by_kind(params, study, dataset, claim.by)
    ahead = kinds.get(claim.ahead)
    if claim.behind is None:
        others = {name: recipes for name, recipes in kinds.items() if name != claim.ahead}
    else:
        others = {name: kinds[name] for name in claim.others if name in kinds}
        if len(others) < len(claim.others):
            return None
    return Sides(ahead, others) if ahead and others else None


def by_kind(params: Params, study: str, dataset: str, by: str) -> dict[Hashable, tuple[str, ...]]:
    """A study's recipes on a dataset, by the names of their sides."""
    settings = params.get_study(study)
    name_of, keys = (None, ()) if by == "recipe" else kinds_of(settings.paper)[by]
    chosen = [settings.artefacts[key] for key in keys if key in settings.artefacts]
    selections = [params.selection(study, one) for one in (chosen if keys else settings.selections.values())]
    found: dict[Hashable, list[str]] = {}
    for selection in selections:
        for recipe in (selection.recipes or ()) if dataset in (selection.datasets or ()) else ():
            name = name_of(params.resolve(study, dataset, recipe)) if name_of else recipe
            if name is not None and recipe not in found.setdefault(name, []):
                found[name].append(recipe)
    return {name: tuple(recipes) for name, recipes in found.items()}
