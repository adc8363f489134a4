"""How claims.yaml may name sides by what their settings are."""

from soundclr.params import RunSettings


def augmentations_of(settings: RunSettings) -> str:
    """The first stage's augmentations, as in ``fade, waveform_mask``."""
    return ", ".join(choice.name for choice in settings.stages[0].augment)


KINDS = {"augmentations": (augmentations_of, ("augmentation_grid",))}
"""By the name there: what names a side, and the artefacts whose runs alone count."""
