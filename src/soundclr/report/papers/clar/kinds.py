"""The kinds by which claims.yaml can name sides by their settings."""

from soundclr.params import RunSettings


def augmentations_of(settings: RunSettings) -> str:
    """The first stage's augmentations, as in ``fade, waveform_mask``."""
    return ", ".join(choice.name for choice in settings.stages[0].augment)


KINDS = {"augmentations": (augmentations_of, ("augmentation_grid",))}
"""By the name in claims.yaml: the function that names a side, and the artefacts whose runs count."""
