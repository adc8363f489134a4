"""Snakemake killed in the middle, two at once, parameters edited meanwhile, more trainings than cores."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from projects import copy_of, run_in

COMMAND = ("snakemake", "runs", "--cores", "2")


@pytest.fixture(scope="module")
def prepared(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trainings of the demo on a few clips, one after the other, the data decoded already."""
    folder = copy_of(repo, tmp_path_factory.mktemp("kill") / "project")
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["study"] = "demo"
    params["datasets"]["demo"]["synthetic"]["clips_per_fold"] = 1
    params["studies"]["demo"] |= {"folds": [1, 2], "recipes": ["cross_entropy"], "artefacts": {}}
    params["studies"]["demo"]["settings"]["training"]["epochs"] = 2
    write(folder, params)
    run_in(folder, "snakemake", "features", "--cores", "1")
    return folder


@pytest.fixture
def project(prepared: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return shutil.copytree(prepared, tmp_path / "project")


def write(folder: Path, params: dict[str, Any]) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def start(folder: Path, *command: str) -> subprocess.Popen[bytes]:
    """``command`` in the background, its jobs too in a process group of their own, until its first training begins."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with open(folder / "messages.txt", "w") as messages:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=messages, stderr=messages, start_new_session=True
        )
    end = time.monotonic() + 120
    while not list(folder.glob("logs/demo/demo/*/*.log")):
        assert process.poll() is None and time.monotonic() < end, (folder / "messages.txt").read_text()
        time.sleep(0.05)
    return process


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in folder.glob("results/demo/runs/*/*/*/metrics.json")]


def test_a_second_snakemake_gives_way_and_after_a_kill_the_same_command_goes_on(project: Path) -> None:
    process = start(project, *COMMAND)
    second = run_in(project, *COMMAND, check=False)
    assert second.returncode == 1
    assert "no other Snakemake process" in second.stderr and str(project) in second.stderr
    assert "--unlock" in second.stderr and "Traceback" not in second.stderr
    assert process.poll() is None

    process.kill()  # Snakemake alone: its training lives on
    process.wait()
    assert run_in(project, *COMMAND, check=False).returncode == 1
    run_in(project, "snakemake", "--unlock")
    run_in(project, *COMMAND)
    assert sorted(run["fold"] for run in metrics(project)) == [1, 2]


def test_an_edit_of_the_parameters_is_for_the_next_workflow(project: Path) -> None:
    """The second training begins after the edit and has the settings and the path from before it."""
    process = start(project, *COMMAND)
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["studies"]["demo"]["recipes"] = ["hybrid"]
    params["defaults"]["training"]["weight_decay"] = 0.5
    write(project, params)
    assert process.wait(timeout=300) == 0, (project / "messages.txt").read_text()
    assert sorted((run["recipe"], run["fold"]) for run in metrics(project)) == [("cross_entropy", n) for n in (1, 2)]
    plan = run_in(project, *COMMAND, "--dry-run").stdout
    assert re.search(r"^train +2$", plan, re.MULTILINE)


@pytest.mark.parametrize(("options", "threads", "at_once"), [((), 2, 1), (("--resources", "gpu=4"), 1, 2)])
def test_no_more_trainings_than_cores_and_each_has_its_share(
    project: Path, options: tuple[str, ...], threads: int, at_once: int
) -> None:
    """Two cores, and a stand-in for trainings that writes when one begins and ends."""
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["studies"]["demo"]["folds"] = [1, 2, 3]
    write(project, params)
    soundclr = project / "bin/soundclr"
    soundclr.parent.mkdir()
    soundclr.write_text('#!/bin/bash\necho begin "$@" >> work.txt; sleep 0.5; echo end >> work.txt\nexit 1\n')
    soundclr.chmod(0o755)
    path = os.pathsep.join([str(soundclr.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        [*COMMAND, *options], cwd=project, env={**os.environ, "PATH": path}, capture_output=True, timeout=300
    )
    lines = (project / "work.txt").read_text().splitlines()
    begins = [line for line in lines if line.startswith("begin")]
    working = list(itertools.accumulate(1 if line.startswith("begin") else -1 for line in lines))
    assert max(working) == at_once
    assert len(begins) == 9  # three trainings, each tried three times
    assert all(f"--threads {threads} " in line for line in begins)
