"""Real processes, killed and asked to stop at any moment: what they leave goes on and ends as if nothing had been."""

import csv
import json
import multiprocessing
import os
import random
import re
import signal
import socket
import sys
import time

import pytest
import yaml

from soundclr.run.runs import find_run
from support import toy

pytestmark = pytest.mark.slow

# A server that has imported once what a training needs forks them: each is a process of its own, there in no time.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["torch._dynamo", "pandas", "soundclr.datasets", "soundclr.training.job", "soundclr.commands.cli"]
)
RECIPE = "supervised_contrastive_inner"  # two stages, a watched fold of its own, weights of the best epoch
ARGUMENTS = ["train", "--dataset", "toy", "--recipe", RECIPE, "--fold", "2", "--threads", "1"]
EPOCHS = 15


def training(folder, results, interval, dies_in_save, lingers):
    """The body of a process: `soundclr train` in ``folder``, its output in results.log.

    ``interval`` is the time between checkpoints; ``dies_in_save`` the one it is killed in, half of it written;
    ``lingers`` is how many seconds longer each takes.
    """
    os.chdir(folder)
    log = os.open(f"{results}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1), os.dup2(log, 2)
    import torch

    from soundclr.commands import cli
    from soundclr.training import state

    state.INTERVAL = interval
    whole, saves = torch.save, []

    def save(content, file):
        whole(content, file)
        time.sleep(lingers)
        saves.append(1)
        if len(saves) == dies_in_save:
            file.flush()
            os.truncate(file.name, os.path.getsize(file.name) // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    torch.save = save
    sys.exit(cli.main([*ARGUMENTS, "--results", results]))


class Training:
    """One such process."""

    def __init__(self, folder, results, interval=60.0, dies_in_save=None, lingers=0.0):
        self.process = FORKS.Process(target=training, args=(folder, results, interval, dies_in_save, lingers))
        self.process.start()

    def end(self, number=None):
        """The exit code, negative for the signal that killed it, after the signal ``number`` was sent."""
        if number is not None:
            os.kill(self.process.pid, number)
        self.process.join(120)
        return self.process.exitcode


@pytest.fixture(scope="module")
def folder(repo, tmp_path_factory):
    """A folder with params.yaml and the toy features, whose runs take a second or two."""
    folder = tmp_path_factory.mktemp("project")
    toy.project(repo, folder)
    content = toy.content(repo)
    content["studies"]["toy"]["settings"]["training"].update(epochs=EPOCHS, patience=EPOCHS)
    (folder / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(repo):
    return find_run(toy.params(repo, epochs=EPOCHS, patience=EPOCHS), "toy", "toy", RECIPE, 2, 0)


@pytest.fixture(scope="module")
def outcome(folder, run):
    """``outcome("results")``: all that must not depend on what happened meanwhile."""

    def read(results):
        place = run.directory(folder / results)
        metrics = json.loads((place / "metrics.json").read_text(encoding="utf-8"))
        with open(place / "history.csv", encoding="utf-8", newline="") as file:
            history = [row[:-2] for row in csv.reader(file)]  # but for the times
        predictions = (place / "predictions.csv").read_bytes()
        model = run.model(folder / results)
        assert [path.name for path in model.parent.iterdir()] == [model.name]  # nothing half-written, no checkpoint
        return metrics["accuracy"], metrics["best_epoch"], history, predictions, model.read_bytes()

    return read


@pytest.fixture(scope="module")
def unbroken(folder, outcome):
    assert Training(folder, "whole").end() == 0
    return outcome("whole")


def test_two_processes_do_the_same(folder, outcome, unbroken):
    assert len(unbroken[2]) == 1 + 2 * EPOCHS
    assert Training(folder, "again").end() == 0
    assert outcome("again") == unbroken


def await_checkpoints(path, number):
    """Return after ``number`` checkpoints more have taken their place at ``path``."""

    def identity():
        return path.stat().st_ino if path.exists() else None

    for _ in range(number):
        before, until = identity(), time.monotonic() + 60
        while identity() == before and time.monotonic() < until:
            time.sleep(0.001)


def test_killed_ten_times_at_any_moment(folder, run, outcome, unbroken):
    moments = random.Random(1)
    checkpoint = run.model(folder / "killed").with_suffix(".resume")
    reached = set()
    for kill in range(10):
        if kill == 4:
            code = Training(folder, "killed", interval=0.0, dies_in_save=moments.randint(2, 9)).end()
        else:
            one = Training(folder, "killed", interval=0.0)
            await_checkpoints(checkpoint, moments.randint(0, 15))
            time.sleep(moments.uniform(0, 0.02))
            code = one.end(signal.SIGKILL)
        assert code == -signal.SIGKILL, (folder / "killed.log").read_text()
        assert not run.directory(folder / "killed").exists()
        reached.add(checkpoint.read_bytes() if checkpoint.exists() else None)
    assert len(reached) > 5  # most of them got on
    assert Training(folder, "killed").end() == 0
    assert outcome("killed") == unbroken
    assert not (checkpoint.with_suffix(".damaged")).exists()


def test_a_signal_is_obeyed_after_the_batch_and_the_same_command_goes_on(folder, run, outcome, unbroken):
    checkpoint = run.model(folder / "asked").with_suffix(".resume")
    for number, code in ((signal.SIGTERM, os.EX_TEMPFAIL), (signal.SIGUSR1, os.EX_TEMPFAIL), (signal.SIGINT, 130)):
        one = Training(folder, "asked", lingers=0.05)
        await_checkpoints(checkpoint, 1)
        assert one.end(number) == code
        *_, last = (folder / "asked.log").read_text(encoding="utf-8").splitlines()
        name = signal.Signals(number).name
        assert re.fullmatch(rf"soundclr: interrupted by {name} in epoch \d+; run the same command to resume", last)
    assert Training(folder, "asked").end() == 0
    assert outcome("asked") == unbroken


def test_a_run_is_trained_by_one_process_at_a_time(folder, run, outcome, unbroken):
    one = Training(folder, "twice", interval=0.0)
    await_checkpoints(run.model(folder / "twice").with_suffix(".resume"), 1)
    os.kill(one.process.pid, signal.SIGSTOP)
    assert Training(folder, "twice").end() == 2
    *_, last = (folder / "twice.log").read_text(encoding="utf-8").splitlines()
    assert last.endswith(
        f".lock: this run is being trained by process {one.process.pid} on {socket.gethostname()}; "
        "wait for it or end it"
    )
    assert one.end(signal.SIGCONT) == 0
    assert outcome("twice") == unbroken
