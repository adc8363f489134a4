"""The kinds by which claims.yaml can name sides by their settings."""

from soundclr.params import RunSettings
from soundclr.report.papers.soundclr.reading import alpha_of, describe, masks_of


def masks_name(settings: RunSettings) -> str:
    """The masks in the notation of Table I: ``f2 F32, t1 T32``."""
    masks = masks_of(settings)
    parts = (f"f{masks.f} F{masks.width_f}" if masks.f else "f0", f"t{masks.t} T{masks.width_t}" if masks.t else "t0")
    return ", ".join(parts)


def mask_kind(settings: RunSettings) -> str | None:
    """The kind of the masks, where all are of one kind."""
    masks = masks_of(settings)
    return None if bool(masks.f) == bool(masks.t) else "frequency" if masks.f else "time"


def mask_count(settings: RunSettings) -> str | None:
    """Whether there are as many masks as in Table I's best cell or more; None for widths other than 32."""
    masks = masks_of(settings)
    if (masks.width_f, masks.width_t) != (32, 32) or masks.f < 2:
        return None
    return "as many as f2, t1" if (masks.f, masks.t) == (2, 1) else "more"


KINDS = {
    "step": (describe, ("figure3",)),
    "alpha": (alpha_of, ("table2",)),
    "masks": (masks_name, ("table1",)),
    "mask_kind": (mask_kind, ("table1",)),
    "mask_count": (mask_count, ("table1",)),
}
"""By the name in claims.yaml: the function that names a side, and the artefacts whose runs count."""
