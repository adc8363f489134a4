"""A run in CLAR's terms, from its settings: how its encoder was trained, which encoder it is, and which head."""

from dataclasses import dataclass, replace

from soundclr.losses import Loss
from soundclr.machine.files import sha256_of_json
from soundclr.models.encoders import encoder_of
from soundclr.models.heads import SIZED, layers_of
from soundclr.params import RunSettings
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
    recipes = collection.recipes_of(choice)
    kinds = {recipe: hash_without_labels(collection, dataset, recipe) for recipe in recipes}
    shares = {recipe: collection.settings(dataset, recipe).labels for recipe in recipes}
    most = {kinds[recipe]: recipe for recipe in sorted(recipes, key=shares.__getitem__)}  # the largest share is last
    return {recipe: most[kinds[recipe]] for recipe in recipes}


def hash_without_labels(collection: Collection, dataset: str, recipe: str) -> str:
    """A hash of the settings of a recipe's runs and of those that they start from, without the share of labels."""
    places = [(dataset, recipe), *collection.params.origins(collection.study, dataset, recipe)]
    settings = [collection.settings(*place) for place in places]
    return sha256_of_json([one.model_dump(mode="json", exclude={"labels": True, "start": {"run"}}) for one in settings])


def method_of(collection: Collection, dataset: str, recipe: str) -> Method:
    """A recipe as a method; a probe's scheme is that of the run with its encoder."""
    settings = collection.settings(dataset, recipe)
    origins = collection.params.origins(collection.study, dataset, recipe)
    trained = collection.settings(*origins[0]) if origins and not trains_encoder(settings) else settings
    scheme = scheme_of(trained) or collection.scheme(recipe)
    return Method(scheme, encoder_title(settings), head_of(settings), settings.labels)


def trains_encoder(settings: RunSettings) -> bool:
    """Whether some stage of a run trains the encoder."""
    return any("encoder" in stage.trains for stage in settings.stages)


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


def encoder_title(settings: RunSettings) -> str:
    """The encoder's kind, with its width where that is not ResNet-18's: ``1-D, width 16``."""
    entry = encoder_of(settings)
    width = getattr(entry, "width", 64)
    return f"{entry.rank}-D" + (f", width {width}" if width != 64 else "")


def head_of(settings: RunSettings) -> str:
    """The head: a classifier trained with the encoder, or a probe of a frozen one."""
    if "encoder" in settings.stages[-1].trains:
        return OWN_HEAD
    return LINEAR if sum(name in SIZED for name, _ in layers_of(settings.classifier)) == 1 else MLP
