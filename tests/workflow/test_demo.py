"""The whole DAG on the synthetic dataset, from nothing to tables, figures and the HTML report."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from soundclr.params import read_params
from support.projects import run_in

RECIPES = ("cross_entropy", "supervised_contrastive", "hybrid")
FIGURES = ["figure3-demo", "figure4-demo", "figure5-demo", "noise_snr-demo", "representations-demo", "curves-demo"]
FIGURES += ["confusion-demo", "comparison-demo", "per_class-demo", "calibration-demo"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_accuracy_is_far_above_chance(demo: Path, recipe: str) -> None:
    """Ten classes, so chance is 10 %; also at the last epoch, which is not chosen on the held-out fold."""
    table = pd.read_csv(demo / "results/demo/tables/table3.csv").set_index("recipe")
    assert table.loc[recipe, "runs"] == table.loc[recipe, "expected_runs"] == 5
    assert table.loc[recipe, "last_epoch_mean_percent"] > 40


def test_every_run_describes_itself(demo: Path) -> None:
    found = [json.loads(path.read_text()) for path in demo.glob("results/demo/runs/*/*/*/metrics.json")]
    assert len(found) == 26
    assert {(m["recipe"], m["fold"]) for m in found} >= {(r, f) for r in RECIPES for f in range(1, 6)}
    identical = dict.fromkeys(("groups", "clips", "across_folds", "across_classes"), 0)
    clips = {"train": 240, "test": 60, "validation": None, "identical": {**identical, "names": []}}
    assert all(m["clips"] == clips for m in found)
    assert len(list(demo.glob("results/demo/models/*/*/*.pt"))) == 26
    assert not list(demo.rglob("*.resume"))


def test_figures_and_tables_are_there(demo: Path) -> None:
    for name in FIGURES:
        assert (demo / f"figures/demo/{name}.png").stat().st_size > 10_000
        assert (demo / f"figures/demo/{name}.pdf").read_bytes().startswith(b"%PDF")
    page = (demo / "results/demo/README.md").read_text()
    assert "26 of 26 runs" in page
    assert "6 of 6 runs evaluated" in page
    assert read_params(demo / "params.yaml")["studies"]["demo"]["note"] in page


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_made_again_is_the_same_to_the_last_bit(demo: Path, tmp_path: Path, recipe: str) -> None:
    """On the same machine with as many threads; another number of threads adds up in another order."""
    first = next(demo.glob(f"results/demo/runs/demo/{recipe}-*/fold2-seed0"))
    threads = re.search(r"(\d+) thread", json.loads((first / "metrics.json").read_text())["device"])
    assert threads is not None
    options = ["--study", "demo", "--dataset", "demo", "--recipe", recipe, "--fold", "2", "--threads", threads[1]]
    run_in(demo, "soundclr", "train", *options, "--results", str(tmp_path))
    again = tmp_path / first.relative_to(demo / "results")
    assert (again / "predictions.csv").read_bytes() == (first / "predictions.csv").read_bytes()
    metrics = [json.loads((folder / "metrics.json").read_text()) for folder in (first, again)]
    assert metrics[0]["accuracy"] == metrics[1]["accuracy"]
    assert metrics[0]["best_epoch"] == metrics[1]["best_epoch"]


def test_a_second_call_has_nothing_to_do(demo: Path) -> None:
    done = run_in(demo, "snakemake", "--cores", "1", "--config", "study=demo")
    assert "Nothing to be done" in done.stdout + done.stderr


def test_classify_knows_a_training_sound(demo: Path) -> None:
    """The likeliest class of most of a few clips that the run has learned from is theirs."""
    run = next(demo.glob("results/demo/runs/demo/cross_entropy-*/fold1-seed0"))
    index = pd.read_csv(demo / "data/demo/index.csv").query("fold != 1").groupby("label").head(2)
    files = [str(demo / "data/demo" / path) for path in index["path"]]
    lines = run_in(demo, "soundclr", "classify", *files, "--run", str(run), "--top", "1").stdout.splitlines()
    right = [line.split()[0] == name for line, name in zip(lines[1::2], index["class"], strict=True)]
    assert sum(right) >= 0.5 * len(right)
    assert all("%" in line for line in lines[1::2])
