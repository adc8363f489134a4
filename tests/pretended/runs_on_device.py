"""Whole runs on the pretended device: the CPU's models, predictions and evaluations bit for bit, and no step waits.

The methods are params.yaml's recipes: one of each kind of stage, by its parts, views, losses and optimiser.
"""

import functools
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from soundclr.evaluation.classifier import Classifier
from soundclr.evaluation.job import evaluate_job
from soundclr.machine.files import read_json
from soundclr.params import Params
from soundclr.run.runs import Run, find_run
from soundclr.training import state as checkpoints
from soundclr.training.job import Paths, run_job
from support import toy
from support.pretended_device import waits

CPU = torch.device("cpu")
REPO = Path(__file__).parents[2]
OWN = ("start", "encoder", "representation")  # what the toy problem has instead of a recipe's
TIMES = {"seconds", "clips_per_second"}
# Waits: for a training epoch's losses, and how many clips were right; then for the held-out clips' loss and logits; and
# for the clips of a probe, to learn from and held out.
OF_ALL_STEPS, OF_AN_EPOCH, OF_A_PROBE = 2, 4, 2


@functools.cache
def params_of(**training: Any) -> Params:
    """The toy study with all of params.yaml's recipes, two epochs a stage."""
    content = toy.content(REPO)
    for recipe in content["recipes"].values():
        recipe.pop("datasets", None)
        other = "augment" if recipe.get("settings", {}).get("representation") == "picture" else None  # toy has sounds
        kept = {key: value for key, value in recipe.get("settings", {}).items() if key not in (*OWN, other)}
        recipe["settings"] = kept
        for block in (recipe["settings"], *recipe["settings"].get("stages", [])):
            if "epochs" in block.get("training", {}):
                block["training"]["epochs"] = min(2, block["training"]["epochs"])
    content["studies"]["toy"]["recipes"] = list(content["recipes"])
    content["studies"]["toy"]["settings"]["training"] |= {"epochs": 2, **training}
    return Params.model_validate(content)


def recipes() -> list[str]:
    """Those of params.yaml that have a stage of a kind that no recipe before them has, or another thing first."""
    params, seen, found = params_of(), set(), []
    for name in params.recipes:
        settings = params.resolve("toy", "toy", name)
        things = {("classifier on", settings.classifier.input)}
        for stage in settings.stages:
            losses = tuple(sorted(term.name for term in stage.loss))
            things |= {
                (stage.trains, stage.views, losses, stage.optimizer.name, bool(stage.augment)),
                ("probe", bool(stage.training.probe_every)),
                ("epoch by", stage.training.validation, stage.training.keep),
            }
        found += [name] if things - seen else []
        seen |= things
    return found


def trained(params: Params, recipe: str, features: Path, results: Path, device: torch.device) -> Run:
    """The run of a recipe, trained."""
    run = find_run(params, "toy", "toy", recipe, 1, 0)
    run_job(run, params, Paths(features, None, results), device)
    return run


def outcome(run: Run, results: Path) -> dict[str, Any]:
    """What a run came to, without times."""
    folder = run.directory(results)
    columns, *rows = [line.split(",") for line in (folder / "history.csv").read_text().splitlines()]
    metrics = read_json(folder / "metrics.json")
    return {
        "accuracy": metrics["accuracy"],
        "best_epoch": metrics["best_epoch"],
        "history": [{k: v for k, v in zip(columns, row, strict=True) if k not in TIMES} for row in rows],
        "predictions": (folder / "predictions.csv").read_text(),
        "model": {name: value.numpy().tobytes() for name, value in torch.load(run.model(results)).items()},
    }


@pytest.mark.usefixtures("large_batches")
@pytest.mark.parametrize("recipe", recipes())
def test_every_kind_of_method_trains_as_on_the_cpu(device, features, tmp_path, epochs, recipe):
    params = params_of()
    run = trained(params, recipe, features, tmp_path / "cpu", CPU)
    epochs.clear()
    assert trained(params, recipe, features, tmp_path / "device", device) == run
    found = outcome(run, tmp_path / "device")
    assert found == outcome(run, tmp_path / "cpu")
    rows = [row for row in found["history"] if float(row["lr"])]  # a solver's epoch has none, and no steps
    for (in_steps, in_all, kept), row in zip(epochs, rows, strict=True):
        assert in_steps == OF_ALL_STEPS, Counter(waits)
        assert in_all == OF_AN_EPOCH + kept + (OF_A_PROBE if row.get("probe_accuracy") else 0), Counter(waits)


def test_accuracies_equal_those_on_the_cpu(device, features, tmp_path):
    """Which is clip by clip, and adds up in another order."""
    params = params_of()
    for recipe in toy.STUDY["recipes"]:
        run = trained(params, recipe, features, tmp_path / "cpu", CPU)
        trained(params, recipe, features, tmp_path / "device", device)
        one, other = (outcome(run, tmp_path / place) for place in ("device", "cpu"))
        assert one["accuracy"] == other["accuracy"] and one["best_epoch"] == other["best_epoch"]


@pytest.mark.usefixtures("large_batches")
def test_bfloat16_is_the_cpu_s(device, features, tmp_path, epochs):
    params = params_of(precision="bfloat16")
    run = trained(params, "hybrid", features, tmp_path / "cpu", CPU)
    epochs.clear()
    trained(params, "hybrid", features, tmp_path / "device", device)
    assert outcome(run, tmp_path / "device") == outcome(run, tmp_path / "cpu")
    assert epochs == [(OF_ALL_STEPS, OF_AN_EPOCH, 0)] * 2
    whole = params_of()
    single = trained(whole, "hybrid", features, tmp_path / "single", CPU)
    assert outcome(single, tmp_path / "single")["predictions"] != outcome(run, tmp_path / "cpu")["predictions"]


@pytest.mark.usefixtures("large_batches")
@pytest.mark.parametrize("recipe", ["hybrid", "clar_self_supervised"])
def test_a_model_is_evaluated_as_on_the_cpu(device, features, tmp_path, recipe):
    """With a classifier, and without."""
    params = params_of()
    run = trained(params, recipe, features, tmp_path, CPU)
    found = []
    for place in (CPU, device):
        path = evaluate_job(run, params, features, tmp_path, place)
        found.append((path.read_text(), (path.parent / "projection.csv").read_text()))
    (one, map_of_one), (other, map_of_other) = found
    assert map_of_one == map_of_other
    assert {**json.loads(one), "created": 0, "checksum": 0} == {**json.loads(other), "created": 0, "checksum": 0}


@pytest.mark.usefixtures("large_batches")
def test_a_model_of_the_device_classifies_as_the_cpu_s(device, features, tmp_path):
    params, sound = params_of(), tmp_path / "x.wav"
    soundfile.write(sound, toy.arrays()[0][0], toy.RATE, subtype="PCM_16")
    said = []
    for name, place in (("cpu", CPU), ("device", device)):
        run = trained(params, "hybrid", features, tmp_path / name, place)
        said.append(Classifier(run.directory(tmp_path / name)).classify(sound))
    assert said[0] == said[1]


@pytest.mark.usefixtures("large_batches")
@pytest.mark.parametrize(("after", "there"), [(2, True), (9, True), (5, False)])
def test_an_interrupted_run_goes_on_wherever_it_is(device, features, tmp_path, monkeypatch, after, there):
    """Killed after some of its checkpoints, one a batch, and resumed there or, elsewhere, on the CPU."""
    params, places = params_of(), [device, device if there else CPU]
    run = trained(params, "supervised_contrastive", features, tmp_path / "whole", CPU)
    save, saves = checkpoints.save, itertools.count(1)

    def and_die(*arguments: Any) -> None:
        save(*arguments)
        if next(saves) == after:
            raise toy.Interrupted

    monkeypatch.setattr(checkpoints, "save", and_die)
    monkeypatch.setattr(checkpoints, "INTERVAL", 0.0)
    with pytest.raises(toy.Interrupted):
        trained(params, "supervised_contrastive", features, tmp_path / "pieces", places[0])
    assert run.model(tmp_path / "pieces").with_suffix(".resume").is_file()
    trained(params, "supervised_contrastive", features, tmp_path / "pieces", places[1])
    assert outcome(run, tmp_path / "pieces") == outcome(run, tmp_path / "whole")
    assert not list((tmp_path / "pieces").rglob("*.damaged"))
