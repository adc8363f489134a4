"""Which of a study's recipes are the sides of a claim: by name, or by what their settings are."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from soundclr.params import Params, RunSettings
from soundclr.report.claims.claim import Claim


@dataclass(frozen=True)
class Kind:
    """How sides are named: by `name` of a run's settings, None for a run that is none of the kind.

    `choices`: keys of a study's artefacts whose runs alone are of the kind; none: any of the study.
    """

    name: Callable[[RunSettings], Hashable | None]
    choices: tuple[str, ...] = ()


STARTS = {"none": "vanilla", "simclr": "self_supervised", "imagenet": "supervised"}
"""Initial weights by how their name begins, as Shin et al.'s tables call what starts from them."""


def step_of(settings: RunSettings) -> str:
    """Start, channels and augmentation, as the steps of SoundCLR's Figure 3: ``scratch, 1 channel, masks``."""
    channels = settings.representation.parameters.get("channels", 1)
    start = settings.start
    words = ["scratch" if start.weights == "none" and start.run is None else "pretrained"]
    words.append(f"{channels} channel{'s' if channels > 1 else ''}")
    augment = {choice.name: choice.parameters for choice in settings.stages[0].augment}
    bands, frames = masks_of(settings)
    waveform = "scale" in augment or settings.crop.train == "random"
    added = ["waveform augmentation"] * waveform + ["masks"] * bool(bands or frames)
    return ", ".join([*words, *(added or ["no augmentation"])])


def alpha_of(settings: RunSettings) -> float:
    """The weight of SupCon in the first stage's loss, SoundCLR's alpha (equation 4)."""
    return sum(term.weight for term in settings.stages[0].loss if term.name == "supcon")


def masks_of(settings: RunSettings) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """How many masks of up to how many bands, and of up to how many frames; None: no mask of that kind."""
    chosen = {choice.name: choice.parameters for choice in settings.stages[0].augment}
    masks = (chosen.get(name, {"count": 0, "width": 0}) for name in ("frequency_mask", "time_mask"))
    bands, frames = ((mask["count"], mask["width"]) if mask["count"] * mask["width"] else None for mask in masks)
    return bands, frames


def masks_name(settings: RunSettings) -> str:
    """As in ``f2 F32, t1 T32``, the notation of SoundCLR's Table I."""
    bands, frames = masks_of(settings)
    parts = (f"f{bands[0]} F{bands[1]}" if bands else "f0", f"t{frames[0]} T{frames[1]}" if frames else "t0")
    return ", ".join(parts)


def mask_kind(settings: RunSettings) -> str | None:
    """Whether there are masks of one kind alone."""
    bands, frames = masks_of(settings)
    return None if (bands is None) == (frames is None) else "frequency" if bands else "time"


def mask_count(settings: RunSettings) -> str | None:
    """Whether there are as many masks as in the paper's best cell, or more of either, all up to 32 wide."""
    bands, frames = masks_of(settings)
    if bands is None or frames is None or (bands[1], frames[1]) != (32, 32) or bands[0] < 2:
        return None
    return "as many as f2, t1" if (bands[0], frames[0]) == (2, 1) else "more"


def start_of(settings: RunSettings) -> str:
    """What Shin et al.'s tables call a run: its start, and ``linear`` where the encoder stays as it is."""
    weights = settings.start.weights
    start = next((name for prefix, name in STARTS.items() if weights.startswith(prefix)), "other")
    start = "sounds" if settings.start.run else start
    trained = any("encoder" in stage.trains for stage in settings.stages)
    return start if trained else f"linear_{start}"


def augmentations_of(settings: RunSettings) -> str:
    """The first stage's augmentations, as in ``fade, waveform_mask``."""
    return ", ".join(choice.name for choice in settings.stages[0].augment)


KINDS: Mapping[str, Kind] = {
    "step": Kind(step_of, ("figure3",)),
    "alpha": Kind(alpha_of, ("table2",)),
    "masks": Kind(masks_name, ("table1",)),
    "mask_kind": Kind(mask_kind, ("table1",)),
    "mask_count": Kind(mask_count, ("table1",)),
    "augmentations": Kind(augmentations_of, ("augmentation_grid",)),
    "start": Kind(start_of),
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
