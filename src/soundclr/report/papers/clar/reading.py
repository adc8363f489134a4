"""A run in CLAR's terms, from its settings: how its encoder was trained, which encoder it is, and which head."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from soundclr.losses import Loss
from soundclr.machine.files import sha256_of_json
from soundclr.models.encoders import encoder_of
from soundclr.models.heads import SIZED, layers_of
from soundclr.params import RunSettings

if TYPE_CHECKING:  # the claims are read without pandas, which takes seconds to import
    from soundclr.report.collect import Collection

OWN_HEAD, LINEAR, MLP = "class head", "linear probe", "MLP probe"


@dataclass(frozen=True)
class Method:
    """A run in CLAR's terms.

    ``scheme``: how the encoder was trained. ``head``: the classifier or probe whose accuracy is given. ``labels``: the
    share of labels that it learnt from.
    """

    scheme: str
    encoder: str
    head: str
    labels: float


def methods(collection: Collection, dataset: str, choice: str) -> dict[str, Method]:
    """Each recipe of a choice as a method.

    A scheme without a name in CLAR's terms, and the later of two equal ones, have the title of the recipe with all
    labels instead.
    """
    found: dict[str, Method] = {}
    for recipe, kind in of_all_labels(collection, dataset, choice).items():
        method = method_of(collection, dataset, recipe)
        by_title = method in found.values() or method.scheme == collection.scheme(recipe)
        found[recipe] = replace(method, scheme=collection.scheme(kind)) if by_title else method
    return found


def of_all_labels(collection: Collection, dataset: str, choice: str) -> dict[str, str]:
    """For each recipe of a choice the one with the most labels, among those that differ in labels only."""
    recipes, kinds = collection.recipes_of(choice), {}
    for recipe in recipes:
        # A run's settings and those of the runs that it starts from, without the share of labels.
        places = [(dataset, recipe), *collection.params.origins(collection.study, dataset, recipe)]
        settings = [collection.settings(*place) for place in places]
        kinds[recipe] = sha256_of_json(
            [one.model_dump(mode="json", exclude={"labels": True, "start": {"run"}}) for one in settings]
        )
    shares = {recipe: collection.settings(dataset, recipe).labels for recipe in recipes}
    most = {kinds[recipe]: recipe for recipe in sorted(recipes, key=shares.__getitem__)}  # the largest share is last
    return {recipe: most[kinds[recipe]] for recipe in recipes}


def method_of(collection: Collection, dataset: str, recipe: str) -> Method:
    """A recipe as a method; a probe's scheme is that of the run with its encoder.

    The encoder is named by its kind, with its width where that is not ResNet-18's: ``1-D, width 16``. The head is a
    classifier trained with the encoder, or a probe of a frozen one.
    """
    settings = collection.settings(dataset, recipe)
    origins = collection.params.origins(collection.study, dataset, recipe)
    trains_encoder = any("encoder" in stage.trains for stage in settings.stages)
    trained = collection.settings(*origins[0]) if origins and not trains_encoder else settings
    entry = encoder_of(settings)
    width = getattr(entry, "width", 64)
    encoder = f"{entry.rank}-D" + (f", width {width}" if width != 64 else "")
    linear = sum(name in SIZED for name, _ in layers_of(settings.classifier)) == 1
    head = OWN_HEAD if "encoder" in settings.stages[-1].trains else LINEAR if linear else MLP
    return Method(scheme_of(trained) or collection.scheme(recipe), encoder, head, settings.labels)


def scheme_of(settings: RunSettings) -> str | None:
    """How a run's encoder is trained; None for a way that is not CLAR's."""
    stages = [stage for stage in settings.stages if "encoder" in stage.trains]
    names = {term.name for stage in stages for term in stage.loss}
    learns = {head for stage in stages for head in Loss.from_stage(stage).reads}
    if learns == {"classifier"}:
        return "supervised"
    if "supcon" in names:
        return None
    return "self-supervised" if names == {"nt_xent"} else "joint"


def augmentations_of(settings: RunSettings) -> str:
    """The first stage's augmentations, as in ``fade, waveform_mask``."""
    return ", ".join(choice.name for choice in settings.stages[0].augment)


KINDS = {"augmentations": (augmentations_of, ("augmentation_grid",))}
"""By the name in claims.yaml: the function that names a side, and the artefacts whose runs count."""
