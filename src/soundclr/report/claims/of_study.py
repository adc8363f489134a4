"""The claims of a study: its paper's or the registered ones, and the same at other budgets; and their sides."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

from soundclr.params import Params, RunSettings, Selection
from soundclr.report.claims.claim import Claim, PaperClaims, read_claims, registration_of

BUDGETS = "budget_curve"
"""The key of the study's artefact with its schemes at other budgets."""

AT_OTHER_BUDGETS = "accuracy", "folds", "epochs_to_own_share"
"""The measures that are compared at every budget."""

FROM_TODAY = "place", "words", "numbers", "note", "seeds", "by_construction"
"""What a registered claim takes from the paper's list as it is now: no part of its sides, measure or rule."""

Kind = tuple[Callable[[RunSettings], Hashable | None], tuple[str, ...]]
"""Names a run's side by its settings (None: no side), and the keys of the artefacts whose runs count (empty: all)."""


def claims_of(params: Params, study: str) -> tuple[PaperClaims, list[Claim]]:
    """The claims of a study's paper, and those of the study, in the order of its table."""
    paper = read_claims(params.get_study(study).paper)
    claims = registered_claims(params, study, paper) or list(paper.every)
    return paper, [*claims, *(one for claim in claims for one in at_other_budgets(params, study, claim))]


def registered_claims(params: Params, study: str, paper: PaperClaims) -> list[Claim]:
    """The registered claims with the paper's places, words and numbers; then the paper's other claims, marked as later.

    Their datasets are those of params.yaml.
    """
    registration = registration_of(params, study)
    if registration is None:
        return []
    own = {claim.id: claim for claim in paper.every}
    found = []
    entries = [(entry, False) for entry in registration.claims] + [(entry, True) for entry in registration.also_asked]
    for entry, asked in entries:
        values = {key: entry[key] for key in ("id", "claim", "measure", "ahead", "behind")}
        values["place"] = entry.get("place", "our question")
        if known_claim := own.get(entry["id"]):
            values |= {key: getattr(known_claim, key) for key in FROM_TODAY}
        values["datasets"] = sorted({paper.datasets[one].of for one in entry["datasets"] if one in paper.datasets})
        values["differences"] = {paper.datasets[name].of: value for name, value in entry.get("paper", {}).items()}
        found.append(Claim.model_validate({**values, "asked": asked, "registered": True}))
    later, ids = {"asked": True, "later": True}, {claim.id for claim in found}
    return found + [claim.model_copy(update=later) for claim in paper.every if claim.id not in ids]


def at_other_budgets(params: Params, study: str, claim: Claim) -> Iterator[Claim]:
    """The claim at each other budget at which the study has its schemes.

    A longer budget is judged in a family of its own; a shorter one gets no verdict.
    """
    if claim.measure not in AT_OTHER_BUDGETS or claim.by != "recipe" or claim.later or not claim.others:
        return
    for epochs, recipes in budgets_of(params, study).items():
        if {claim.ahead, *claim.others} <= recipes.keys():
            behind = tuple(recipes[str(side)] for side in claim.others)
            changed = {
                "id": f"{claim.id}_{epochs}",
                "claim": f"{claim.claim}, {epochs} epochs",
                "ahead": recipes[str(claim.ahead)],
                "behind": behind if len(behind) > 1 else behind[0],
                "family": f"{epochs} epochs",
                "asked": claim.asked or epochs <= own_epochs(params, study),
            }
            yield claim.model_copy(update=changed)


def budgets_of(params: Params, study: str) -> dict[int, dict[str, str]]:
    """For each other budget, in epochs, the study's schemes and their recipes at that budget."""
    settings = params.get_study(study)
    if BUDGETS not in settings.artefacts:
        return {}
    own, chosen = (params.selection(study, one).recipes or () for one in (Selection(), settings.artefacts[BUDGETS]))
    found: dict[int, dict[str, str]] = {}
    for recipe in chosen:
        if schemes := [name for name in params.lineage(recipe) if name in own]:
            epochs = params.resolve(study, settings.datasets[0], recipe).stages[0].training.epochs
            found.setdefault(epochs, {})[schemes[-1]] = recipe
    return dict(sorted(found.items()))


def own_epochs(params: Params, study: str) -> int:
    """The epochs of the study's own budget."""
    settings = params.get_study(study)
    first, *_ = params.recipes_of(settings.recipes[0], f"studies.{study}")
    return params.resolve(study, settings.datasets[0], first).stages[0].training.epochs


def has_claims(params: Params, study: str) -> bool:
    """Whether a study has both sides of some claim."""
    _, claims = claims_of(params, study)
    datasets = params.get_study(study).datasets
    return any(sides_of(params, study, dataset, claim) for claim in claims for dataset in datasets)


def kinds_of(paper: str) -> Mapping[str, Kind]:
    """A paper's kinds of sides, ``KINDS`` of its reading.py, by their names in claims.yaml."""
    return dict(import_module(f"soundclr.report.papers.{paper}.reading").KINDS)


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
    others = [name for name in kinds if name != claim.ahead] if claim.behind is None else claim.others
    if not others or not {claim.ahead, *others} <= kinds.keys():
        return None
    return Sides(kinds[claim.ahead], {name: kinds[name] for name in others})


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
