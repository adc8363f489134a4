"""The paper's published numbers, from published.csv, and runs in the paper's terms, from their settings."""

import re
from typing import NamedTuple

from soundclr.params import RunSettings
from soundclr.report.papers import Line, percent, read_published

DATASETS = {"esc10": "ESC-10", "esc10_wav": "ESC-10", "esc50": "ESC-50", "esc50_ogg": "ESC-50", "us8k": "US8K"}
"""Names in published.csv of the datasets of params.yaml; others have no published values."""

ROW = re.compile(r"F=(\d+),T=(\d+),f=(\d+)")


def published(artefact: str, dataset: str | None = None) -> list[Line]:
    """An artefact's lines, or those for a dataset of params.yaml, in the paper's order."""
    lines = [line for line in read_published(__package__) if line["artefact"] == artefact]
    return [line for line in lines if dataset is None or line["dataset"] == DATASETS.get(dataset)]


def paper_accuracy(dataset: str, recipe: str) -> dict[str, float | None]:
    """Table III for a dataset and recipe: ``mean``, ``std`` and ``best`` seed in percent; None without values."""
    found = {line["statistic"]: line for line in published("table3", dataset) if line["row"] == recipe}
    if not found:
        return dict.fromkeys(("mean", "std", "best"))
    mean = found["mean"]
    return {"mean": percent(mean), "std": percent(mean, "std_percent"), "best": percent(found["best"])}


class Masks(NamedTuple):
    """f masks of up to F bands and t of up to T frames; the width is None where there are no masks."""

    f: int
    width_f: int | None
    t: int
    width_t: int | None


class Block(NamedTuple):
    """The widths of a block of Table I: F in bands and T in frames; None where it has no such masks."""

    width_f: int | None
    width_t: int | None

    def masks(self, f: int, t: int) -> Masks:
        """The masks of the cell (f, t)."""
        return Masks(f, self.width_f if f else None, t, self.width_t if t else None)

    def holds(self, masks: Masks) -> bool:
        """Whether one of its cells has these masks."""
        return self.masks(masks.f, masks.t) == masks


def masks_of(settings: RunSettings) -> Masks:
    """The masks among the first stage's augmentations."""
    chosen = {choice.name: choice.parameters for choice in settings.stages[0].augment}
    bands, frames = (chosen.get(name, {"count": 0, "width": 0}) for name in ("frequency_mask", "time_mask"))
    return Block(bands["width"], frames["width"]).masks(bands["count"], frames["count"])


def table1_cells(dataset: str) -> dict[tuple[Block, int, int], float]:
    """Table I's accuracies by block, f and t, in its order; empty for other datasets."""
    cells = {}
    for line in published("table1", dataset):
        place, value = ROW.fullmatch(line["row"]), percent(line)
        if place and value is not None:
            width_f, width_t, f = map(int, place.groups())
            cells[Block(width_f, width_t), f, int(line["column"].removeprefix("t="))] = value
    return cells


def alpha_of(settings: RunSettings) -> float:
    """The weight of SupCon in the first stage's loss, the paper's alpha."""
    return sum(term.weight for term in settings.stages[0].loss if term.name == "supcon")


def describe(settings: RunSettings) -> str:
    """A step of Figure 3 in the words of published.csv: start, channels and augmentation."""
    channels = settings.representation.parameters.get("channels", 1)
    start = settings.start
    words = ["scratch" if start.weights == "none" and start.run is None else "pretrained"]
    words.append(f"{channels} channel{'s' if channels > 1 else ''}")
    augment = {choice.name: choice.parameters for choice in settings.stages[0].augment}
    masks = (augment.get(name, {"count": 0, "width": 0}) for name in ("frequency_mask", "time_mask"))
    waveform = "scale" in augment or settings.crop.train == "random"
    masked = any(mask["count"] * mask["width"] for mask in masks)
    words += ["waveform augmentation"] if waveform else []
    words += ["masks"] if masked else []
    return ", ".join(words if waveform or masked else [*words, "no augmentation"])


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
