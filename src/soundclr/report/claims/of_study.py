"""The claims of a study: its paper's or the registered ones, and the same at other budgets."""

from collections.abc import Iterator, Mapping
from typing import Any

from soundclr.params import Params, known
from soundclr.params.resolving import lineage
from soundclr.report.claims.claim import Claim, PaperClaims, read_claims, registration_of
from soundclr.report.claims.sides import sides_of

BUDGETS = "budget_curve"
"""The key of the study's artefact with its schemes at other budgets."""

AT_OTHER_BUDGETS = "accuracy", "folds", "epochs_to_own_share"
"""The measures that are compared at every budget."""


def claims_of(params: Params, study: str) -> tuple[PaperClaims, list[Claim]]:
    """The claims of a study's paper, and those of the study, in the order of its table."""
    paper = read_claims(params.get_study(study).paper)
    claims = registered_claims(params, study, paper) or list(paper.every)
    return paper, [*claims, *(one for claim in claims for one in at_other_budgets(params, study, claim))]


def registered_claims(params: Params, study: str, paper: PaperClaims) -> list[Claim]:
    """The registered claims with the paper's words and numbers; then the paper's other claims, marked as later."""
    registration = registration_of(params, study)
    if registration is None:
        return []
    own = {claim.id: claim for claim in paper.every}
    asked = [(entry, False) for entry in registration.claims] + [(entry, True) for entry in registration.also_asked]
    found = [of_entry(entry, asked, own.get(entry["id"]), paper) for entry, asked in asked]
    ids = {claim.id for claim in found}
    later = {"asked": True, "later": True}
    return found + [claim.model_copy(update=later) for claim in paper.every if claim.id not in ids]


def of_entry(entry: Mapping[str, Any], asked: bool, own: Claim | None, paper: PaperClaims) -> Claim:
    """The claim of a registration file's entry, whose datasets are those of params.yaml."""
    datasets = {paper.datasets[name].of for name in entry["datasets"] if name in paper.datasets}
    behind = tuple(entry["behind"]) if isinstance(entry["behind"], list) else entry["behind"]
    values = {key: entry[key] for key in ("id", "claim", "measure", "ahead")}
    values |= {"place": entry.get("place", "our question"), "words": own and own.words, "numbers": own and own.numbers}
    values["note"] = own and own.note
    values["differences"] = {paper.datasets[name].of: value for name, value in entry.get("paper", {}).items()}
    return Claim.model_validate({**values, "behind": behind, "datasets": tuple(sorted(datasets)), "asked": asked})


def at_other_budgets(params: Params, study: str, claim: Claim) -> Iterator[Claim]:
    """The claim at each other budget at which the study has its schemes.

    A longer budget is judged in a family of its own; a shorter one gets no verdict.
    """
    budgets = budgets_of(params, study)
    sides = [claim.ahead, *claim.others]
    if claim.measure not in AT_OTHER_BUDGETS or claim.by != "recipe" or claim.later or not claim.others:
        return
    for epochs, recipes in budgets.items():
        if all(side in recipes for side in sides):
            longer = epochs > own_epochs(params, study)
            behind = tuple(recipes[str(side)] for side in claim.others)
            changed = {
                "id": f"{claim.id}_{epochs}",
                "claim": f"{claim.claim}, {epochs} epochs",
                "ahead": recipes[str(claim.ahead)],
                "behind": behind if len(behind) > 1 else behind[0],
                "family": f"{epochs} epochs",
                "asked": claim.asked or not longer,
            }
            yield claim.model_copy(update=changed)


def budgets_of(params: Params, study: str) -> dict[int, dict[str, str]]:
    """For each other budget, in epochs, the study's schemes and their recipes at that budget."""
    settings = params.get_study(study)
    if BUDGETS not in settings.artefacts:
        return {}
    own = params.selection(study, settings.artefacts[BUDGETS].model_copy(update={"recipes": settings.recipes}))
    chosen = params.selection(study, settings.artefacts[BUDGETS])
    found: dict[int, dict[str, str]] = {}
    for recipe in chosen.recipes or ():
        before = lineage(params.all_recipes, recipe)
        schemes = [name for name in own.recipes or () if name in before]
        if schemes:
            epochs = params.resolve(study, settings.datasets[0], recipe).stages[0].training.epochs
            found.setdefault(epochs, {})[max(schemes, key=before.index)] = recipe
    return dict(sorted(found.items()))


def own_epochs(params: Params, study: str) -> int:
    """The epochs of the study's own budget."""
    settings = params.get_study(study)
    known(settings.recipes[0], params.all_recipes, f"recipe in studies.{study}")
    return params.resolve(study, settings.datasets[0], settings.recipes[0]).stages[0].training.epochs


def has_claims(params: Params, study: str) -> bool:
    """Whether a study has both sides of some claim."""
    _, claims = claims_of(params, study)
    datasets = params.get_study(study).datasets
    return any(sides_of(params, study, dataset, claim) for claim in claims for dataset in datasets)
