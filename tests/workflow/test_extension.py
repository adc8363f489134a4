"""A new loss and a new augmentation: one entry in one file and one line in params.yaml each."""

import json
import re
from pathlib import Path

import pytest
import yaml

from soundclr.params import read_params
from support import toy
from support.projects import copy_of, run_in

LOSS = '''

class Confidence(Term):
    """The mean square of the logits."""

    reads = "classifier"
    needs_labels = False
    scale: Temperature

    def __call__(self, outputs: Outputs) -> Tensor:
        """The loss of ``outputs``."""
        return outputs.logits.float().square().mean() / self.scale


TERMS["confidence"] = Confidence
'''
AUGMENTATION = '''

class Gain(Augmentation):
    """Louder or softer by up to ``decibels``."""

    domain = "waveform"
    decibels: Annotated[float, Field(gt=0, le=60)]

    def apply(self, batch: Tensor, random: torch.Generator) -> Tensor:
        """``batch`` (clips, samples), each clip times a factor of its own."""
        factors = 10 ** (self.decibels / 20 * (2 * uniform(random, len(batch), 1) - 1))
        return batch * factors.to(batch)


AUGMENTATIONS["gain"] = Gain
'''
RECIPE = {
    "title": "what is new",
    "settings": {
        "loss": {"cross_entropy": 0.9, "confidence": 0.1},
        "augment": ["scale", "gain", "frequency_mask", "time_mask"],
    },
}


@pytest.fixture(scope="module")
def extended(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy study with one recipe more, which uses the two entries."""
    folder = copy_of(repo, tmp_path_factory.mktemp("extended") / "project")
    toy.project(repo, folder)
    params = read_params(folder / "params.yaml")
    params["studies"]["toy"].update(folds=[1], recipes=["cross_entropy", "new"])
    params["recipes"]["new"] = RECIPE
    for file, entry, line in (
        ("losses.py", LOSS, ("losses", "confidence", {"scale": 10.0})),
        ("audio/augmentations.py", AUGMENTATION, ("augmentations", "gain", {"decibels": 6.0})),
    ):
        path = folder / "src" / "soundclr" / file
        path.write_text(path.read_text() + entry)
        room, name, parameters = line
        params["defaults"][room][name] = parameters
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    return folder


def run_extended(folder: Path, *command: str) -> str:
    """What a command of the extended package says on standard output."""
    return run_in(folder, "env", f"PYTHONPATH={folder / 'src'}", *command).stdout


def test_they_are_planned(extended: Path) -> None:
    plan = run_extended(extended, "snakemake", "runs", "--dry-run", "--cores", "1")
    assert re.search(r"^train +2$", plan, re.MULTILINE)
    assert re.search(r"train new on toy, fold 1, seed 0", plan)
    assert re.search(r"^ +2  in all, each trained once", run_extended(extended, "soundclr", "plan"), re.MULTILINE)


def test_they_train(extended: Path) -> None:
    run_extended(extended, "snakemake", "runs", "--cores", "1")
    (path,) = extended.glob("results/toy/runs/toy/new-*/fold1-seed0/metrics.json")
    (stage,) = json.loads(path.read_text())["settings"]["stages"]
    assert [(term["name"], term["weight"]) for term in stage["loss"]] == [("cross_entropy", 0.9), ("confidence", 0.1)]
    assert stage["augment"][1] == {"name": "gain", "parameters": {"decibels": 6.0}}


def test_a_wrong_parameter_of_theirs_is_one_line(extended: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "params.yaml"
    wrong.write_text((extended / "params.yaml").read_text().replace("decibels: 6.0", "decibels: -6.0"))
    command = ["env", f"PYTHONPATH={extended / 'src'}", "soundclr", "--params", str(wrong), "plan"]
    done = run_in(extended, *command, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "defaults.augmentations.gain.decibels" in done.stderr and "found -6.0" in done.stderr
