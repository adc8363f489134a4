"""Frames of invented runs, as `soundclr.report.frames` has them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


def clips_of(rights: Mapping[str, Any], dataset: str = "esc10") -> pd.DataFrame:
    """Clips at both epochs. `rights`: recipe to a (folds, seeds, clips) array of 0 and 1; a source has two clips."""
    rows = []
    for recipe, values in rights.items():
        for fold, seeds in enumerate(np.asarray(values), start=1):
            for seed, clips in enumerate(seeds):
                for clip, right in enumerate(clips):
                    place = {"dataset": dataset, "recipe": recipe, "fold": fold, "seed": seed, "clip": f"{fold}-{clip}"}
                    p = {"p0": float(right), "p1": 1 - float(right)}
                    row = {**place, "source": f"{fold}-{clip // 2}", "label": 0, "right": bool(right), **p}
                    rows += [{**row, "epoch": epoch} for epoch in ("best", "last")]
    return pd.DataFrame(rows)
