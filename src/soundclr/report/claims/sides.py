"""Which of a study's recipes are the sides of a claim: by name, or by what their settings are."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from soundclr.params import Params, RunSettings
from soundclr.report.claims.claim import Claim
from soundclr.report.papers.shin.reading import row_of
from soundclr.report.papers.soundclr.reading import alpha_of, describe, masks_of


@dataclass(frozen=True)
class Kind:
    """How sides are named: by `name` of a run's settings, None for a run that is none of the kind.

    `choices`: keys of a study's artefacts whose runs alone are of the kind; none: any of the study.
    """

    name: Callable[[RunSettings], Hashable | None]
    choices: tuple[str, ...] = ()


def masks_name(settings: RunSettings) -> str:
    """As in ``f2 F32, t1 T32``, the notation of SoundCLR's Table I."""
    masks = masks_of(settings)
    parts = (f"f{masks.f} F{masks.width_f}" if masks.f else "f0", f"t{masks.t} T{masks.width_t}" if masks.t else "t0")
    return ", ".join(parts)


def mask_kind(settings: RunSettings) -> str | None:
    """Whether there are masks of one kind alone."""
    masks = masks_of(settings)
    return None if bool(masks.f) == bool(masks.t) else "frequency" if masks.f else "time"


def mask_count(settings: RunSettings) -> str | None:
    """Whether there are as many masks as in the paper's best cell, or more of either, all up to 32 wide."""
    masks = masks_of(settings)
    if (masks.width_f, masks.width_t) != (32, 32) or masks.f < 2:
        return None
    return "as many as f2, t1" if (masks.f, masks.t) == (2, 1) else "more"


def augmentations_of(settings: RunSettings) -> str:
    """The first stage's augmentations, as in ``fade, waveform_mask``."""
    return ", ".join(choice.name for choice in settings.stages[0].augment)


KINDS: Mapping[str, Kind] = {
    "step": Kind(describe, ("figure3",)),
    "alpha": Kind(alpha_of, ("table2",)),
    "masks": Kind(masks_name, ("table1",)),
    "mask_kind": Kind(mask_kind, ("table1",)),
    "mask_count": Kind(mask_count, ("table1",)),
    "augmentations": Kind(augmentations_of, ("augmentation_grid",)),
    "start": Kind(row_of),
}
"""By the name that claims.yaml gives them; ``recipe`` is a recipe's own name."""


@dataclass(frozen=True)
class Sides:
    """The recipes that a claim compares on a dataset: one side, and each of the others by its name."""

    ahead: tuple[str, ...]
    others: Mapping[Hashable, tuple[str, ...]]

    @property
    def recipes(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(dict.fromkeys([*self.ahead, *(name for other in self.others.values() for name in other)]))


def sides_of(params: Params, study: str, dataset: str, claim: Claim) -> Sides | None:
    """The sides that a study has on a dataset; None where it lacks one."""
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
    """A study's recipes on a dataset by their kind's names."""
    kind = None if by == "recipe" else KINDS[by]
    settings = params.get_study(study)
    keys = kind.choices if kind else ()
    chosen = [settings.artefacts[key] for key in keys if key in settings.artefacts]
    selections = [params.selection(study, one) for one in (chosen if keys else settings.selections.values())]
    found: dict[Hashable, list[str]] = {}
    for selection in selections:
        for recipe in (selection.recipes or ()) if dataset in (selection.datasets or ()) else ():
            name = kind.name(params.resolve(study, dataset, recipe)) if kind else recipe
            if name is not None and recipe not in found.setdefault(name, []):
                found[name].append(recipe)
    return {name: tuple(recipes) for name, recipes in found.items()}
