"""What the figures of evaluated models share: Figure 5, noise by ratio, and the representations."""

from soundclr.report.collect import Collection
from soundclr.report.evaluations import Evaluation


def by_recipe(collection: Collection, dataset: str) -> dict[str, list[Evaluation]]:
    """The evaluations of a dataset's runs, by recipe in the study's order; a recipe without any is left out."""
    recipes = dict.fromkeys(run.recipe for run in collection.expected_of(dataset, artefact="figure5"))
    found = {recipe: collection.evaluated(dataset, recipe) for recipe in recipes}
    return {recipe: evaluations for recipe, evaluations in found.items() if evaluations}
