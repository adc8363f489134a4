"""The whole DAG on the synthetic dataset, from nothing to tables, figures and the HTML report."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from projects import run_in

RECIPES = ("cross_entropy", "supervised_contrastive", "hybrid")


@pytest.mark.parametrize("recipe", RECIPES)
def test_accuracy_is_far_above_chance(demo: Path, recipe: str) -> None:
    """Ten classes, so chance is 10 %; also at the last epoch, which is not chosen on the held-out fold."""
    table = pd.read_csv(demo / "results/demo/tables/table3.csv").set_index("recipe")
    assert table.loc[recipe, "runs"] == table.loc[recipe, "expected_runs"] == 5
    assert table.loc[recipe, "last_epoch_mean_percent"] > 40


def test_every_run_describes_itself(demo: Path) -> None:
    found = [json.loads(path.read_text()) for path in demo.glob("results/demo/runs/*/*/*/metrics.json")]
    assert len(found) == 15
    assert {(m["recipe"], m["fold"]) for m in found} == {(r, f) for r in RECIPES for f in range(1, 6)}
    assert all(m["clips"] == {"train": 240, "test": 60} for m in found)
    assert len(list(demo.glob("results/demo/models/*/*/*.pt"))) == 15
    assert not list(demo.rglob("*.resume"))


def test_figures_and_tables_are_there(demo: Path) -> None:
    for name in ("figure4-demo", "curves-demo", "confusion-demo"):
        assert (demo / f"figures/demo/{name}.png").stat().st_size > 10_000
        assert (demo / f"figures/demo/{name}.pdf").read_bytes().startswith(b"%PDF")
    page = (demo / "results/demo/README.md").read_text()
    assert "15 of 15 runs" in page
    assert yaml.safe_load((demo / "params.yaml").read_text())["studies"]["demo"]["note"] in page


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
