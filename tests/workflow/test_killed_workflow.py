"""Snakemake killed in the middle, two at once, parameters edited meanwhile, more trainings than cores."""

import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from soundclr.machine.locks import locked
from soundclr.params import read_params
from support.projects import copy_of, run_in, surroundings

COMMAND = ("snakemake", "runs", "--cores", "2")


@pytest.fixture(scope="module")
def prepared(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trainings of the demo on a few clips, one after the other, the data decoded already."""
    folder = copy_of(repo, tmp_path_factory.mktemp("kill") / "project")
    params = read_params(folder / "params.yaml")
    params["study"] = "demo"
    params["datasets"]["demo"]["synthetic"]["clips_per_fold"] = 1
    params["studies"]["demo"] |= {"folds": [1, 2], "recipes": ["cross_entropy"], "artefacts": {}, "evaluate": None}
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
    with open(folder / "messages.txt", "w") as messages:
        process = subprocess.Popen(
            command, cwd=folder, env=surroundings(), stdout=messages, stderr=messages, start_new_session=True
        )
    wait_for(lambda: list(folder.glob("logs/demo/demo/*/*.log")) or process.poll() is not None)
    assert process.poll() is None, (folder / "messages.txt").read_text()
    return process


def wait_for(what: Callable[[], Any], seconds: float = 120) -> None:
    """Return when the answer is true, or fail."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.05)


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in folder.glob("results/demo/runs/*/*/*/metrics.json")]


def test_a_second_snakemake_gives_way_and_after_a_kill_the_same_command_goes_on(project: Path) -> None:
    params = read_params(project / "params.yaml")
    params["studies"]["demo"]["settings"]["training"] |= {"epochs": 60, "patience": 60}  # longer than two look on
    write(project, params)
    process = start(project, *COMMAND)
    second = run_in(project, *COMMAND, check=False)
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1].startswith(
        "snakemake: error: .snakemake/soundclr.lock: the jobs of this folder"
    )
    assert f"by process {process.pid} on " in second.stderr
    run_in(project, *COMMAND, "--dry-run")
    assert process.poll() is None

    process.kill()  # Snakemake alone: its trainings live on
    process.wait()
    locks = "results/demo/models/demo/*/*.lock"
    wait_for(lambda: len([*project.glob(locks), *metrics(project)]) == 2)  # both have begun, or ended
    wait_for(lambda: not list(project.glob(locks)))
    run_in(project, *COMMAND)
    assert sorted(run["fold"] for run in metrics(project)) == [1, 2]


def test_ctrl_c_twice_ends_it_without_snakemakes_traceback(project: Path) -> None:
    params = read_params(project / "params.yaml")
    params["studies"]["demo"]["settings"]["training"] |= {"epochs": 1000, "patience": 1000}
    write(project, params)
    process = start(project, *COMMAND)
    wait_for(lambda: list(project.glob("results/demo/models/demo/*/*.resume")))
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        time.sleep(0.1)
    assert process.wait(timeout=120) == 1
    said = (project / "messages.txt").read_text()
    assert "At least one job did not complete successfully" in said
    assert "site-packages/snakemake" not in said, said
    assert "clips/s" not in said and "\ntrain ended: interrupted" in said, said
    closing = said[said.index("\nStudy demo: ") :].splitlines()
    assert closing[1].startswith("Study demo: trainings: 0 of 2 done, ") and " stopped" in closing[1]
    assert closing[2] == "Next: run the same command to resume"


def test_what_fails_by_a_mistake_is_tried_once_and_by_a_kill_again(project: Path) -> None:
    """The end shows what is done, what failed and why, and what to type; more trainings than cores raise a warning."""
    params = read_params(project / "params.yaml")
    params["studies"]["demo"]["recipes"].append("hybrid")
    params["recipes"]["hybrid"]["settings"] |= {"training": {"lr": 1.0e30}}
    params["studies"]["demo"]["settings"]["training"] |= {"epochs": 40, "patience": 40}
    write(project, params)
    process = start(project, *COMMAND, "--resources", "gpu=9")
    lock = "results/demo/models/demo/cross_entropy-*/*.lock"
    wait_for(lambda: any("process " in path.read_text() for path in project.glob(lock)))
    os.kill(int(re.search(r"process (\d+)", next(project.glob(lock)).read_text())[1]), signal.SIGKILL)
    assert process.wait(timeout=300) == 1
    said = (project / "messages.txt").read_text()
    assert "warning: --resources gpu=9 is more than the 2 cores of --cores: 2 trainings run at once" in said
    assert said.count("Trying to restart job") == 1 and said.count("SIGKILL") == 1, said
    assert said.count("\ntrain failed: ") == 2 and "epoch 1 of stage 'joint': the loss is nan in batch " in said, said
    closing = said[said.index("\nStudy demo: ") :].splitlines()
    assert closing[1] == "Study demo: trainings: 2 of 4 done, 2 failed"
    assert closing[2].startswith("  failed: demo hybrid fold1-seed0: ") and closing[3].startswith("  failed: demo hyb")
    assert closing[4].endswith("; `soundclr report --study demo` makes the tables of what is done")


def copy_of_params(project: Path) -> Path:
    """The copy of the parameters as they are now, which the jobs read."""
    content = read_params(project / "params.yaml")
    return next(path for path in project.glob("logs/params/*.yaml") if yaml.safe_load(path.read_text()) == content)


def test_a_damaged_copy_of_the_parameters_is_written_again(project: Path) -> None:
    copy = copy_of_params(project)
    text = copy.read_text()
    assert copy.stem == hashlib.sha256(text.encode()).hexdigest()[:12]
    copy.write_text(text[: len(text) // 2])
    run_in(project, *COMMAND)
    assert copy.read_text() == text
    assert len(metrics(project)) == 2


def test_a_job_on_another_machine_reads_the_copy(project: Path) -> None:
    """As the SLURM executor starts one: a Snakemake of its own, beside the one that planned it, after an edit."""
    process = start(project, *COMMAND)
    assert process.wait(timeout=300) == 0
    copy = copy_of_params(project)
    target = next(project.glob("results/demo/runs/demo/*/fold2-seed0/metrics.json"))
    target.unlink()
    params = read_params(project / "params.yaml")
    params["defaults"]["optimizers"]["adamw"]["weight_decay"] = 0.5
    write(project, params)
    inner = ["--mode", "remote", "--nolock", "--no-hooks", "--force", "--allowed-rules", "train", "--cores", "1"]
    environment = surroundings() | {"SOUNDCLR_PARAMS": str(copy.relative_to(project))}
    with locked(project / ".snakemake/soundclr.lock", "this test runs the workflow"):
        command = ["snakemake", str(target.relative_to(project)), *inner]
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    settings = json.loads(target.read_text())["settings"]
    assert settings["stages"][0]["optimizer"]["parameters"]["weight_decay"] == 1e-3


def test_an_edit_of_the_parameters_is_for_the_next_workflow(project: Path) -> None:
    """The second training begins after the edit and has the settings and the path from before it."""
    process = start(project, *COMMAND)
    params = read_params(project / "params.yaml")
    params["studies"]["demo"]["recipes"] = ["hybrid"]
    params["defaults"]["optimizers"]["adamw"]["weight_decay"] = 0.5
    write(project, params)
    assert process.wait(timeout=300) == 0, (project / "messages.txt").read_text()
    assert sorted((run["recipe"], run["fold"]) for run in metrics(project)) == [("cross_entropy", n) for n in (1, 2)]
    plan = run_in(project, *COMMAND, "--dry-run").stdout
    assert re.search(r"^train +2$", plan, re.MULTILINE)


@pytest.mark.parametrize(
    ("options", "threads", "at_once"),
    [((), 1, 2), (("--resources", "gpu=1"), 2, 1), (("--resources", "gpu=4"), 1, 2), (("--resources", "gpu=0"), 1, 2)],
)
def test_no_more_trainings_than_cores_and_each_has_its_share(
    project: Path, options: tuple[str, ...], threads: int, at_once: int
) -> None:
    """Two cores, no GPU, and a stand-in for trainings that writes when one begins and ends."""
    params = read_params(project / "params.yaml")
    params["studies"]["demo"]["folds"] = [1, 2, 3]
    write(project, params)
    soundclr = project / "bin/soundclr"
    soundclr.parent.mkdir()
    soundclr.write_text('#!/bin/bash\necho begin "$@" >> work.txt; sleep 0.5; echo end >> work.txt\nexit 1\n')
    soundclr.chmod(0o755)
    path = os.pathsep.join([str(soundclr.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([*COMMAND, *options], cwd=project, env=environment, capture_output=True, timeout=300)
    lines = (project / "work.txt").read_text().splitlines()
    begins = [line for line in lines if line.startswith("begin")]
    working = list(itertools.accumulate(1 if line.startswith("begin") else -1 for line in lines))
    assert max(working) == at_once
    assert len(begins) == 9  # three trainings, each tried three times
    assert all(f"--threads {threads} " in line for line in begins)
