"""A plain `snakemake` ends with every run, every evaluation and tables made of exactly these, whatever went before."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from soundclr.params import read_params
from support import toy
from support.projects import copy_of, run_in

REPORT = ("snakemake", "--snakefile", "workflow/report.smk", "--cores", "1", "--forceall")
SECOND_RUN = "results/toy/runs/toy/cross_entropy-*/fold2-seed0"


@pytest.fixture(scope="module")
def complete(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy study with two runs, one of them evaluated, all of it done."""
    folder = copy_of(repo, tmp_path_factory.mktemp("complete") / "project")
    toy.project(repo, folder)
    edit(folder, lambda params: params["studies"]["toy"].update(
        folds=[1, 2], recipes=["cross_entropy"], evaluate={"folds": [1]}
    ))  # fmt: skip
    (folder / "said.txt").write_text(run_in(folder, "snakemake", "--cores", "2").stdout)
    assert "Nothing to be done" in run_in(folder, "snakemake", "--cores", "1").stderr
    return folder


@pytest.fixture(scope="module")
def partial(complete: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy without the second run, its report made of what is left; the run itself lies in ``away``."""
    folder = copied(complete, tmp_path_factory.mktemp("partial") / "project")
    (folder / "away").mkdir()
    shutil.move(next(folder.glob(SECOND_RUN)), folder / "away")
    run_in(folder, *REPORT)
    assert "1 of 2 runs" in (folder / "results/toy/README.md").read_text()
    return folder


def copied(source: Path, folder: Path) -> Path:
    """A copy of a project with its files' times."""
    return shutil.copytree(source, folder)


def edit(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change params.yaml."""
    params = read_params(folder / "params.yaml")
    change(params)
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def forget(folder: Path, *names: str) -> Path:
    """What a clone lacks: Snakemake's metadata, and the folders named."""
    for name in (".snakemake", "logs", *names):
        shutil.rmtree(folder / name, ignore_errors=True)
    return folder


def bring_back(folder: Path) -> None:
    """The second run arrives, with the times that its files have."""
    shutil.move(folder / "away/fold2-seed0", next(folder.glob("results/toy/runs/toy/cross_entropy-*")))


def same_times(folder: Path) -> None:
    """All files as old as each other, as after a checkout."""
    for path in filter(Path.is_file, folder.rglob("*")):
        os.utime(path, (1_700_000_000, 1_700_000_000))


def planned(folder: Path, *targets: str) -> dict[str, int]:
    """The number of jobs of each rule that a plain `snakemake` would run, without the targets themselves."""
    plan = run_in(folder, "snakemake", *targets, "--dry-run", "--cores", "1").stdout
    jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", plan, re.MULTILINE)}
    return {rule: count for rule, count in jobs.items() if rule not in ("total", "all")}


def test_each_training_ends_with_its_result(complete: Path) -> None:
    """On the workflow's own output; the log has its device and a line an epoch."""
    said = (complete / "said.txt").read_text()
    for record in complete.glob("results/toy/runs/toy/*/*/metrics.json"):
        metrics = json.loads(record.read_text())
        best = f"held-out accuracy {100 * metrics['accuracy']['best_epoch']:.2f} % at the best epoch"
        assert f"cross_entropy on toy, fold {metrics['fold']}, seed 0: {best}" in said
    log = next(complete.glob("logs/toy/toy/*/fold1-seed0.log")).read_text()
    assert f": computes on {metrics['device']}\n" in log and ": epoch 3/3, loss " in log


def test_after_a_report_in_a_clone_with_some_of_the_runs(partial: Path, tmp_path: Path) -> None:
    folder = forget(copied(partial, tmp_path / "clone"), "results/toy/models")
    assert planned(folder) == {"train": 1, "tables": 1}


def test_after_a_failed_training_and_a_report(complete: Path, tmp_path: Path) -> None:
    """The training fails for good; the report is of the other run; then the same command again."""
    folder = copied(complete, tmp_path / "project")
    shutil.rmtree(next(folder.glob(SECOND_RUN)))
    next(folder.glob("results/toy/models/toy/*/fold2-seed0.pt")).unlink()
    features = next(folder.glob("data/features/*"))
    kept = features.read_bytes()
    features.write_bytes(b"")
    assert run_in(folder, "snakemake", "runs", "--cores", "1", check=False).returncode == 1
    features.write_bytes(kept)
    run_in(folder, *REPORT)
    assert planned(folder) == {"train": 1, "tables": 1}


def test_after_a_pull_that_gives_all_files_one_time(partial: Path, tmp_path: Path) -> None:
    folder = forget(copied(partial, tmp_path / "clone"))
    bring_back(folder)
    same_times(folder)
    assert planned(folder) == {"tables": 1}


def test_after_unpacking_an_archive_that_keeps_times(partial: Path, tmp_path: Path) -> None:
    """The run is older than the tables that lack it. One command, then all is there and there is nothing to do."""
    folder = copied(partial, tmp_path / "project")
    bring_back(folder)
    for target in ([], ["tables"], ["results/toy/README.md"]):
        assert planned(folder, *target) == {"tables": 1}
    run_in(folder, "snakemake", "--cores", "1")
    table = pd.read_csv(folder / "results/toy/tables/table3.csv").set_index("recipe")
    assert table.loc["cross_entropy", "runs"] == 2
    assert "Nothing to be done" in run_in(folder, "snakemake", "--cores", "1").stderr


def test_after_the_runs_were_removed(complete: Path, tmp_path: Path) -> None:
    folder = copied(complete, tmp_path / "project")
    shutil.rmtree(folder / "results/toy/runs")
    assert planned(folder) == {"train": 2, "tables": 1}


def test_after_a_change_below_evaluation(complete: Path, tmp_path: Path) -> None:
    folder = copied(complete, tmp_path / "project")
    edit(folder, lambda params: params["evaluation"].update(seed=1))
    assert planned(folder) == {"evaluate": 1, "tables": 1}


@pytest.mark.parametrize(("section", "name"), [("recipes", "cross_entropy"), ("datasets", "toy"), ("studies", "toy")])
def test_after_a_change_of_a_title(complete: Path, tmp_path: Path, section: str, name: str) -> None:
    folder = forget(copied(complete, tmp_path / "project"))
    same_times(folder)
    assert planned(folder) == {}
    edit(folder, lambda params: params[section][name].update(title="another title"))
    assert planned(folder) == {"tables": 1}


def test_the_record_is_of_contents_alone(complete: Path, tmp_path: Path) -> None:
    """Made again elsewhere at other times it is the same; a byte more in one file is another."""
    records = []
    for name in ("first", "second"):
        folder = forget(copied(complete, tmp_path / name))
        same_times(folder)
        run_in(folder, *REPORT)
        records.append((folder / "results/toy/made_of.json").read_text())
    assert len({*records, (complete / "results/toy/made_of.json").read_text()}) == 1
    folder = copied(complete, tmp_path / "third")
    evaluation = next(folder.glob("results/toy/evaluations/**/evaluation.json"))
    evaluation.write_text(evaluation.read_text() + "\n")
    assert planned(folder) == {"tables": 1}
