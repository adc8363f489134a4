"""A study through profiles/slurm on a real SLURM with four GPUs, while jobs and the controller are killed.

One workflow of six trainings meets it all, since a job costs seconds of starting Snakemake twice: one training is
cancelled, one warned, one held up beyond its time limit; the controller is killed and started again; and
params.yaml is edited while two trainings are still queued.
"""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from soundclr.params import read_params
from support.projects import copy_of, run_in

STATE = Path(os.environ["SOUNDCLR_TEST_SLURM"])
EPOCHS = {"cross_entropy": 2, "hybrid": 60}
# Writes down which GPU a training sees, then becomes the training.
WRAPPER = """#!/bin/bash
echo "$SLURM_JOB_ID $$ ${CUDA_VISIBLE_DEVICES-none} $*" >> trainings.txt
exec "%s" "$@"
"""


def project_in(repo: Path, folder: Path) -> Path:
    """The demo with six trainings, decoded already, and profiles/slurm with times of a test."""
    copy_of(repo, folder)
    params = read_params(folder / "params.yaml")
    params["study"] = "demo"
    params["datasets"]["demo"]["synthetic"]["clips_per_fold"] = 2
    params["studies"]["demo"] |= {"folds": [1, 2, 3], "recipes": list(EPOCHS), "artefacts": {}}
    del params["studies"]["demo"]["evaluate"]  # whose jobs are so short that they end while the controller is away
    for recipe, epochs in EPOCHS.items():
        training = {"epochs": epochs, "patience": epochs}
        params["recipes"][recipe].setdefault("settings", {})["training"] = training
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    profile = folder / "profiles/slurm/config.yaml"
    settings = yaml.safe_load(profile.read_text())
    settings |= {"set-threads": {"train": 1}, "latency-wait": 10, "slurm-init-seconds-before-status-checks": 3}
    settings["default-resources"] = {"runtime": 20, "mem_mb": 1000}
    # Two minutes for one training, until SLURM has ended it; its warning would come at once.
    first_try = "wildcards.recipe == 'hybrid' and wildcards.fold == '3' and attempt == 1"
    settings["set-resources"]["train"] = {"mem_mb": 1000, "runtime": f"2 if {first_try} else 20"}
    profile.write_text(yaml.safe_dump(settings))

    soundclr = folder / "bin/soundclr"
    soundclr.parent.mkdir()
    soundclr.write_text(WRAPPER % shutil.which("soundclr", path=Path(sys.executable).parent))
    soundclr.chmod(0o755)
    run_in(folder, "snakemake", "features", "--cores", "2")
    return folder


def edit(project: Path) -> None:
    """Give every recipe other settings, so other paths, and take one out of the study."""
    params = read_params(project / "params.yaml")
    params["studies"]["demo"]["recipes"] = ["cross_entropy"]
    params["defaults"]["optimizers"]["adamw"]["weight_decay"] = 0.5
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def slurm(*command: str) -> str:
    """A SLURM client's output."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def settled() -> bool:
    """No job started or ended just now: the controller's saved state knows all of that, and would lose it otherwise."""
    jobs = (line.split() for line in slurm("squeue", "--noheader", "--states=all", "--format=%T %S %e").splitlines())
    changes = [started if state == "RUNNING" else ended for state, started, ended in jobs if state != "PENDING"]
    return all((datetime.now() - datetime.fromisoformat(when)).total_seconds() > 10 for when in changes)


def restart_controller() -> None:
    """Kill slurmctld, leave the cluster without it for a while, start it again."""
    pid = int((STATE / "run/slurmctld.pid").read_text())
    assert Path(f"/proc/{pid}/comm").read_text() == "slurmctld\n"
    os.kill(pid, signal.SIGKILL)
    time.sleep(12)
    subprocess.run(["slurmctld"], check=True, timeout=30)


def wait_for(what: Callable[[], Any], process: subprocess.Popen[str], seconds: float = 240) -> Any:
    """The first true answer, asked again while Snakemake runs."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert process.poll() is None, "Snakemake has ended"
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.05)
    return answer


@pytest.fixture(scope="module")
def study(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The finished workflow: its folder, Snakemake's exit code and messages, SLURM's records of the jobs."""
    project = project_in(repo, tmp_path_factory.mktemp("slurm") / "project")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(project / "src")}
    places = [project / "bin", project / "profiles/slurm/without-accounting", Path(sys.executable).parent]
    environment["PATH"] = os.pathsep.join([*map(str, places), os.environ["PATH"]])

    def checkpoint(fold: int) -> Path | None:
        return next(project.glob(f"results/demo/models/demo/hybrid-*/fold{fold}-seed0.resume"), None)

    def training(fold: int) -> tuple[str, int]:
        """SLURM's and the system's number of a fold's job, by its first try."""
        started = (project / "trainings.txt").read_text()
        job, pid = re.search(rf"^(\d+) (\d+) .* --recipe hybrid .*--fold {fold} ", started, re.MULTILINE).groups()
        return job, int(pid)

    with open(project / "messages.txt", "w") as messages:
        process = subprocess.Popen(
            ["snakemake", "--workflow-profile", "profiles/slurm"],
            cwd=project, env=environment, stdout=messages, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    try:
        wait_for(lambda: len(slurm("squeue", "--noheader").splitlines()) == 6, process)
        edit(project)
        edited = datetime.now()
        waiting = {1, 2, 3}
        while waiting:
            fold = wait_for(lambda: next((fold for fold in waiting if checkpoint(fold)), None), process)
            waiting.discard(fold)
            job, pid = training(fold)
            if fold == 1:
                slurm("scancel", job)
            elif fold == 2:
                slurm("scancel", "--signal=TERM", job)
            else:
                os.kill(pid, signal.SIGSTOP)
        time.sleep(10)  # what it was told last is in the controller's saved state by then
        wait_for(settled, process)
        restart_controller()
        process.wait(timeout=400)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
        said = (project / "messages.txt").read_text()
        print(said)
    lines = slurm("scontrol", "show", "job", "-d", "-o").splitlines()
    jobs = {}
    for line in lines:
        record = dict(re.findall(r"(\w+)=(\S*)", line))
        jobs[record["JobId"]] = record
    yield SimpleNamespace(folder=project, code=process.returncode, said=said, jobs=jobs, edited=edited)


def tries(study: SimpleNamespace, recipe: str, fold: int) -> list[tuple[str, str]]:
    """SLURM's job number and the visible GPU of each try of a training, in order."""
    pattern = rf"^(\d+) \d+ (\S+) train .*--recipe {recipe} .*--fold {fold} "
    return re.findall(pattern, (study.folder / "trainings.txt").read_text(), re.MULTILINE)


def metrics(study: SimpleNamespace) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in study.folder.glob("results/demo/runs/*/*/*/metrics.json")]


def test_the_study_is_complete(study: SimpleNamespace) -> None:
    assert study.code == 0
    assert {(m["recipe"], m["fold"]) for m in metrics(study)} == set(itertools.product(EPOCHS, (1, 2, 3)))
    assert not list(study.folder.rglob("*.resume"))
    assert "6 of 6 runs" in (study.folder / "results/demo/README.md").read_text()


def test_each_training_has_a_gpu_of_its_own(study: SimpleNamespace) -> None:
    """Four at a time at most, and no GPU twice at one time, by SLURM's times and by what the trainings saw."""
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for recipe, fold in itertools.product(EPOCHS, (1, 2, 3)):
        for job, gpu in tries(study, recipe, fold):
            record = study.jobs[job]
            spans.setdefault(gpu, []).append(
                (datetime.fromisoformat(record["StartTime"]), datetime.fromisoformat(record["EndTime"]))
            )
    assert sorted(spans) == ["0", "1", "2", "3"]
    for used in spans.values():
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(sorted(used)))


@pytest.mark.parametrize(("fold", "state"), [(1, "CANCELLED"), (2, "FAILED"), (3, "TIMEOUT")])
def test_a_training_that_was_ended_goes_on(study: SimpleNamespace, fold: int, state: str) -> None:
    """The second try's first epoch comes after one that the first had saved; together they are all epochs, once."""
    (first, _), (second, _) = tries(study, "hybrid", fold)
    assert (study.jobs[first]["JobState"], study.jobs[second]["JobState"]) == (state, "COMPLETED")
    log = next(study.folder.glob(f"logs/demo/demo/hybrid-*/fold{fold}-seed0.log")).read_text()
    epochs = [int(number) for number in re.findall(r"epoch (\d+)/60", log)]
    assert epochs[0] > 1
    assert epochs == list(range(epochs[0], 61))


def test_queued_jobs_train_what_they_were_queued_for(study: SimpleNamespace) -> None:
    """The edit came before two of the trainings and all second tries began; none knows of it."""
    late = [job for job in study.jobs.values() if datetime.fromisoformat(job["StartTime"]) > study.edited]
    assert len(late) >= 5
    for run in metrics(study):
        assert [stage["training"]["epochs"] for stage in run["settings"]["stages"]] == [EPOCHS[run["recipe"]]]
        assert run["settings"]["stages"][0]["optimizer"]["parameters"]["weight_decay"] == 1e-3
    plan = run_in(study.folder, "snakemake", "--dry-run", "--cores", "1").stdout
    assert re.search(r"^train +3$", plan, re.MULTILINE)  # the next workflow knows of it
