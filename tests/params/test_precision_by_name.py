"""An automatic precision is a name before runs are hashed."""

import os
import sys

import pytest
import torch

from soundclr.errors import UserError
from soundclr.run.runs import recipe_hash
from support.real_params import changed

STAGE = {"name": "joint", "trains": ["encoder", "projection", "classifier"]}


@pytest.mark.parametrize(("capabilities", "name"), [({}, "float32"), ({"amx_bf16": True}, "bfloat16")])
def test_an_automatic_precision_is_the_planning_machines(loaded, monkeypatch, capabilities, name):
    """One name in settings and hash, that of the setting spelled out; jobs inherit it, whatever they run on."""
    monkeypatch.setenv("SOUNDCLR_PRECISION", "")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    auto, spelled = (loaded(changed(("defaults.training.precision", setting))) for setting in ("auto", name))
    place = ("esc10", "esc10", "supervised_contrastive")
    assert auto.resolve(*place).precision == name
    assert recipe_hash(auto, *place) == recipe_hash(spelled, *place)
    assert os.environ["SOUNDCLR_PRECISION"] == name
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {} if capabilities else {"amx_bf16": True})
    assert recipe_hash(auto, *place) == recipe_hash(spelled, *place)


def test_the_meaning_of_auto_can_be_set(loaded, monkeypatch):
    params = loaded(changed(("defaults.training.precision", "auto")))
    other = loaded(changed(("recipes.hybrid.settings.training", {"precision": "float32"})))
    monkeypatch.setenv("SOUNDCLR_PRECISION", "bfloat16")
    assert params.resolve("esc10", "esc10", "hybrid").precision == "bfloat16"
    assert other.resolve("esc10", "esc10", "hybrid").precision == "float32"
    monkeypatch.setenv("SOUNDCLR_PRECISION", "half")
    with pytest.raises(UserError, match="SOUNDCLR_PRECISION: is 'half'; set it to float32 or bfloat16"):
        params.resolve("esc10", "esc10", "hybrid")


def test_auto_without_pytorch_is_one_line(loaded, monkeypatch):
    params = loaded(changed(("defaults.training.precision", "auto")))
    monkeypatch.delenv("SOUNDCLR_PRECISION", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "soundclr.machine.devices", raising=False)
    with pytest.raises(UserError, match=r"precision auto: torch is not installed.*set SOUNDCLR_PRECISION"):
        params.resolve("esc10", "esc10", "hybrid")


def test_stages_may_differ_in_precision(loaded):
    names = ("bfloat16", "float32", "bfloat16")
    stages = [{**STAGE, "name": f"s{n}", "training": {"precision": name}} for n, name in enumerate(names)]
    params = loaded(changed(("recipes.hybrid.settings.stages", stages)))
    assert params.resolve("esc10", "esc10", "hybrid").precision == "bfloat16, float32"
