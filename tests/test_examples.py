"""The examples in docstrings run, and give the results that are written there."""

import doctest
import importlib
from pathlib import Path
from typing import Any

import pytest
import torch

from soundclr.params import DatasetSettings
from support.small_copies import write_clip

# The extension points: a loss, an encoder, an augmentation, a representation, and the adapter of a dataset.
MODULES = ["losses", "models.encoders", "audio.augmentation", "audio.representations", "datasets"]


@pytest.fixture
def names(tmp_path: Path) -> dict[str, Any]:
    """The names that examples use: torch, and a dataset's settings, data folder and mirror."""
    write_clip(tmp_path / "mirror/birds/audio/w1.wav", frames=4000, rate=44_100)
    (tmp_path / "mirror/birds/meta.csv").write_text("file,species,fold,recording\nw1,wren,1,r1\n")
    settings = DatasetSettings(
        adapter="birds", title="birds", file="birds.zip", folds=2, sample_rate=44_100, samples=220_500
    )
    return {"torch": torch, "settings": settings, "data": tmp_path / "data", "mirror": tmp_path / "mirror"}


@pytest.mark.parametrize("name", MODULES)
def test_an_example(name: str, names: dict[str, Any]) -> None:
    module = importlib.import_module(f"soundclr.{name}")
    tried = doctest.testmod(module, extraglobs=names, optionflags=doctest.REPORT_NDIFF)
    assert tried.attempted > 0
    assert tried.failed == 0
