"""The examples in docstrings run, and give the results that are written there."""

import doctest
import importlib

import pytest
import torch

# An extension point each: a loss, an encoder, an augmentation, a representation, and the adapter of a dataset.
MODULES = ["losses", "models.encoders", "audio.augmentation", "audio.representations", "datasets.source"]


@pytest.mark.parametrize("name", MODULES)
def test_an_example(name: str) -> None:
    module = importlib.import_module(f"soundclr.{name}")
    tried = doctest.testmod(module, extraglobs={"torch": torch}, optionflags=doctest.REPORT_NDIFF)
    assert tried.attempted > 0
    assert tried.failed == 0
