"""Collections of invented frames."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest


@pytest.fixture
def collection() -> Callable[..., Any]:
    """A collection of the study `esc10`'s shape from frames; those that are not given are empty."""

    def of(**frames: pd.DataFrame) -> Any:
        keys = ["dataset", "recipe", "fold", "seed"]
        empty = {
            "clips": [*keys, "epoch", "clip", "source", "label", "right"],
            "epochs": [*keys, "stage", "epoch", "seconds", "val_accuracy_percent"],
            "noise": [*keys, "noise", "sigma", "accuracy_percent"],
            "answers": [*keys, "noise", "sigma", "clip", "source", "right"],
            "distances": [*keys, "space", "intra", "inter", "ratio"],
        }
        return SimpleNamespace(**{name: frames.get(name, pd.DataFrame(columns=c)) for name, c in empty.items()})

    return of
