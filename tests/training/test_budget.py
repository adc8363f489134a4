"""A budget with too few optimiser steps raises a warning, and a sufficient one learns 40 clips."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from soundclr.audio.features import Waveforms
from soundclr.machine.files import read_json
from soundclr.models.encoders import ENCODERS, encoder_of
from soundclr.models.network import Encoder
from soundclr.params import Params
from soundclr.run import runs
from soundclr.training import budget
from soundclr.training.job import Paths, run_job
from support import toy

RATE = 16000


def steps(repo: Path, recipe: str, epochs: int, batch_size: int, clips: int = 32, **changes: Any) -> list[str]:
    settings = toy.params(repo, epochs=epochs, batch_size=batch_size, **changes).resolve("toy", "toy", recipe)
    return list(budget.warnings(settings, clips))


def test_the_rule_counts_the_steps_of_the_optimiser(repo: Path) -> None:
    assert budget.steps_for(0.1) == 66 and 0.9**66 < budget.LEFT < 0.9**65
    [line] = steps(repo, "cross_entropy", epochs=10, batch_size=16)
    assert "takes only 20 optimiser steps (10 epochs of 2, from 32 clips)" in line
    assert "with training.epochs 33 or a smaller training.batch_size" in line
    assert steps(repo, "cross_entropy", epochs=33, batch_size=16) == []
    assert steps(repo, "cross_entropy", epochs=22, batch_size=16, clips=34) == []  # the last, smaller batch counts
    assert len(steps(repo, "cross_entropy", epochs=22, batch_size=16, clips=33)) == 1  # unless it were one clip
    assert len(steps(repo, "cross_entropy", epochs=22, batch_size=16)) == 1


def test_views_are_not_steps(repo: Path) -> None:
    assert steps(repo, "cross_entropy", 10, 16, views=4) == steps(repo, "cross_entropy", 10, 16) != []


def test_a_stage_that_leaves_the_encoder_alone_is_not_warned_of(repo: Path) -> None:
    [line] = steps(repo, "supervised_contrastive", epochs=10, batch_size=16)
    assert line.startswith("stage 'contrastive' ")


@pytest.mark.parametrize("name", [name for name, entry in ENCODERS.items() if entry.momentum is not None])
def test_batch_norms_have_the_momentum_of_their_encoder(name: str) -> None:
    with torch.device("meta"):
        modules = Encoder(ENCODERS[name](frozen=0), channels=1).modules()
    norms = [module for module in modules if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert ({norm.momentum for norm in norms} or {None}) == {ENCODERS[name].momentum}


@pytest.mark.parametrize(
    ("network", "momentum", "steps"), [("mobilenet_v3_small", 0.01, 688), ("convnext_tiny", None, 0)]
)
def test_the_network_decides_its_momentum(repo: Path, network: str, momentum: float | None, steps: int) -> None:
    """Of batch norms that move by a hundredth a step; and of a network that has none."""
    settings = toy.params(
        repo, epochs=10, batch_size=16, encoder="torchvision", encoders={"torchvision": {"network": network}}
    )
    chosen = settings.resolve("toy", "toy", "cross_entropy")
    with torch.device("meta"):
        encoder = Encoder(encoder_of(chosen), channels=1)
    assert budget.slowest_momentum(encoder) == momentum and budget.steps_for(momentum) == steps
    lines = list(budget.warnings(chosen, 32, encoder))
    assert len(lines) == (steps > 0) and all(f"; take {steps} steps or more" in line for line in lines)
    assert list(budget.warnings(chosen, 32)) == []  # the plan does not build it


def test_the_plan_warns_once_per_dataset(repo: Path) -> None:
    from soundclr.planning import plan

    [joint, contrastive] = plan.warnings(toy.params(repo), "toy")
    assert joint.startswith("cross_entropy, hybrid on toy, stage 'joint' takes only 12 optimiser steps (3 epochs of 4")
    assert contrastive.startswith("supervised_contrastive on toy, stage 'contrastive'")
    assert plan.warnings(toy.params(repo, epochs=17), "toy") == []
    [line, _] = plan.warnings(toy.params(repo, epochs=17, validation="inner"), "toy")
    assert "from 9 clips" in line


@pytest.fixture(scope="module")
def separable() -> Waveforms:
    """40 clips of three pitches, which anyone can tell apart, a second each, in three folds."""
    random, time = np.random.default_rng(0), np.arange(RATE) / RATE
    labels = torch.arange(40) % 3
    clips = []
    for label in labels.tolist():
        tone = np.sin(2 * np.pi * ((300, 900, 2500)[label] * random.uniform(0.95, 1.05) * time + random.uniform()))
        clips.append((random.uniform(4000, 16000) * tone + random.normal(0, 300, RATE)).astype(np.int16))
    bare = Waveforms.from_arrays(clips, RATE)
    names = tuple(f"clip{number}" for number in range(40))
    folds = torch.arange(40) // 3 % 3 + 1
    return dataclasses.replace(bare, labels=labels, folds=folds, clips=names, classes=toy.CLASSES)


@pytest.mark.parametrize(("epochs", "warned"), [(5, True), (33, False)])
def test_40_separable_clips_are_learnt_unless_it_warns(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], separable: Waveforms, epochs: int, warned: bool
) -> None:
    """The demo's settings, but with other numbers of epochs, and without masks, which are as loud as the tones."""
    content = toy.content(repo)
    content["datasets"]["toy"] |= {"sample_rate": RATE, "samples": RATE}
    content["studies"]["toy"]["settings"] = settings = content["studies"]["demo"]["settings"]
    settings["augment"] = ["scale"]
    settings["training"] |= {"epochs": epochs, "patience": epochs}
    params = Params.model_validate(content)
    run = runs.find_run(params, "toy", "toy", "cross_entropy", 1, 0)
    paths = Paths(toy.write_features(tmp_path / "features.safetensors", separable), None, tmp_path / "results")
    metrics = read_json(run_job(run, params, paths, torch.device("cpu")))
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning: " in line]
    assert len(lines) == warned
    assert (metrics["accuracy"]["last_epoch"] > 0.9) != warned
