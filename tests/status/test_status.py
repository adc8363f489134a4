"""`soundclr status`: each state that a job can be in is told from the files that real trainings leave."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from soundclr.commands import cli
from soundclr.machine.files import write_text
from soundclr.machine.locks import locked
from soundclr.params import Params
from soundclr.planning.status import page
from soundclr.planning.status.jobs import Places, Study, TrainingStatus, log_of, training_status
from soundclr.planning.status.left import kind_of, left, schedule
from soundclr.run import runs
from soundclr.run.runs import Run
from soundclr.training import heartbeat, state
from support import toy

PLACES = Places()


@pytest.fixture(scope="module")
def trained(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy study with one run done, one stopped in its second stage and one that failed, each with its log."""
    folder = tmp_path_factory.mktemp("status")
    params = toy.project(repo, folder)
    study = Study.from_params(params, "toy")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(state, "SHARE", 1e9)  # a checkpoint after each epoch, short as they are
        patch.setattr("torch.set_num_threads", lambda _: None)
        train(run_of(study, "hybrid", 1))
        patch.setattr(state.Saver, "end_of_epoch", interrupted_after(4))
        with pytest.raises(toy.Interrupted):
            train(run_of(study, "supervised_contrastive", 2))
        features = runs.features_path(params, "toy")
        features.rename("away")
        assert train(run_of(study, "hybrid", 3)) == 2
        Path("away").rename(features)
    return folder


def train(run: Run) -> int:
    """`soundclr train`, its standard error in the log that the workflow would keep."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            return cli.main(run.train_command.split()[1:])
    finally:
        write_text(log_of(run, PLACES), said.getvalue())


def interrupted_after(epochs: int) -> Callable[..., None]:
    """A training that is killed when so many epochs have their checkpoint."""
    save, done = state.Saver.end_of_epoch, []

    def end_of_epoch(self: state.Saver, *arguments: object) -> None:
        save(self, *arguments)  # type: ignore[arg-type]
        done.append(True)
        if len(done) == epochs:
            raise toy.Interrupted

    return end_of_epoch


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study to change."""
    monkeypatch.chdir(shutil.copytree(trained, tmp_path / "project"))
    return tmp_path / "project"


@pytest.fixture
def study(repo: Path) -> Study:
    return Study.from_params(toy.params(repo), "toy")


def run_of(study: Study, recipe: str, fold: int) -> Run:
    return next(run for run in study.runs if (run.recipe, run.fold) == (recipe, fold))


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """The lock of a process that is at work."""
    with locked(path, "busy"):
        yield


def test_a_study_with_nothing_yet(repo: Path, study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.lines(study, PLACES)
    assert text == [
        "Study toy: toy",
        "No workflow runs in this folder now.",
        "",
        "  trainings    0 of 9 done, 9 waiting",
        "  tables       not made yet",
        "  time left    known once an epoch is done",
    ]
    assert list(tmp_path.iterdir()) == []


def test_done_stopped_failed_and_waiting(study: Study, folder: Path) -> None:
    text = page.lines(study, PLACES)
    assert "  trainings    1 of 9 done, 1 failed, 1 stopped, 6 waiting" in text
    place = text.index("stopped: the same command resumes them")
    assert text[place + 1] == "  toy supervised_contrastive fold2-seed0 at epoch 1/3 of stage classifier (2 of 2)"
    place = text.index("failed: fix what the line says, then run the same command again")
    assert text[place + 1] == "  toy hybrid fold3-seed0"
    line = text[place + 2].strip()
    assert line.startswith("data/features/toy-") and line.endswith("make it with `soundclr features toy`")
    assert all(len(line) <= page.WIDTH for line in text)


def test_the_heartbeat_of_a_stopped_training_has_the_epochs_of_its_checkpoint(study: Study, folder: Path) -> None:
    run = run_of(study, "supervised_contrastive", 2)
    beat = heartbeat.read(run.model().with_suffix(".progress"))
    content = torch.load(run.model().with_suffix(".resume"), weights_only=True)
    assert beat.history == content["state"]["history"] and beat.saved == 4
    assert [(row["stage"], row["epoch"]) for row in beat.history] == [
        ("contrastive", 1), ("contrastive", 2), ("contrastive", 3), ("classifier", 1),
    ]  # fmt: skip
    beat._replace(saved=3).write(run.model().with_suffix(".progress"))  # killed before its checkpoint had the last
    one = training_status(study, run, PLACES)
    assert (one.state, one.stage, one.epoch) == ("stopped", 0, 3)
    assert not run_of(study, "hybrid", 1).model().with_suffix(".progress").exists()  # it is done


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"device": "x", "saved": 1, "history": [{}]}', b"\xff", None])
def test_a_heartbeat_that_cannot_be_read_is_none(folder: Path, study: Study, content: bytes | None) -> None:
    run = run_of(study, "supervised_contrastive", 2)
    path = run.model().with_suffix(".progress")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert heartbeat.read(path) == heartbeat.Heartbeat()
    one = training_status(study, run, PLACES)
    assert (one.state, one.stage, one.epoch) == ("stopped", 0, 0)


def test_epochs_shorter_than_a_second_share_a_heartbeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(state.time, "monotonic", lambda: now[0])
    saver, whole = state.Saver(tmp_path / "x.resume", "x", clock=lambda: 0.0, device="a device"), state.State()
    saver.cost = 1.0  # a checkpoint is not due
    seen = []
    for epoch in range(1, 9):
        whole.history.append(row(epoch))
        now[0] += 0.4
        saver.end_of_epoch(whole)
        seen.append(len(heartbeat.read(tmp_path / "x.progress").history))
    assert seen == [1, 1, 1, 4, 4, 4, 7, 7]
    assert heartbeat.read(tmp_path / "x.progress").device == "a device" and not (tmp_path / "x.resume").exists()


def row(epoch: int, accuracy: float | None = 0.5) -> dict[str, object]:
    return {"stage": "joint", "epoch": epoch, "val_accuracy": accuracy, "clips_per_second": 20.0, "seconds": 3.0}


def test_a_training_runs_while_its_lock_is_held(study: Study, folder: Path) -> None:
    run = run_of(study, "hybrid", 2)
    heartbeat.Heartbeat("a CPU, 1 thread", [row(1), row(2, 0.75)]).write(run.model().with_suffix(".progress"))
    with held(run.model().with_suffix(".lock")):
        one = training_status(study, run, PLACES)
        text = page.lines(study, PLACES)
    assert (one.state, one.stage, one.epoch, one.accuracy, one.seconds) == ("running", 0, 2, 0.75, {"joint": 3.0})
    place = next(number for number, line in enumerate(text) if line.startswith("running"))
    assert text[place].split() == ["running", "stage", "epoch", "clips/s", "accuracy", "device"]
    assert text[place + 1] == "toy hybrid fold2-seed0  joint    2/3     20.0    75.0 %  a CPU, 1 thread"
    assert "1 of 9 done, 1 running, 1 failed, 1 stopped, 5 waiting" in text[3]
    assert training_status(study, run, PLACES).state == "waiting"


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("soundclr: error: no memory\n", "no memory"),
        ("soundclr train: error: argument --slots: no\n", "argument --slots: no"),
        ("Traceback (most recent call last):\n  File x\nRuntimeError: broken\n", "RuntimeError: broken"),
        ("all 2 GPUs are taken; waiting for 1\n", ""),
        ("soundclr: interrupted by SIGTERM in epoch 3; run the same command to resume\n", ""),
        ("soundclr: error: once\ntoy joint: epoch 1/3, loss 1.000\n", ""),
        ("", ""),
    ],
)
def test_failed_is_what_ends_with_an_error(study: Study, folder: Path, log: str, said: str) -> None:
    run = run_of(study, "cross_entropy", 1)
    write_text(log_of(run, PLACES), log)
    one = training_status(study, run, PLACES)
    assert (one.state, one.error) == (("failed", said) if said else ("waiting", ""))


def test_a_job_of_the_workflow_that_runs_now_is_starting(study: Study, folder: Path) -> None:
    run = run_of(study, "cross_entropy", 1)
    write_text(log_of(run, PLACES), "")
    with held(PLACES.workflow_lock):
        begun = PLACES.workflow_lock.stat().st_mtime
        os.utime(log_of(run, PLACES), (begun + 1, begun + 1))
        assert training_status(study, run, PLACES).state == "starting"
        assert page.lines(study, PLACES)[1].startswith(f"A workflow runs in this folder: process {os.getpid()} on ")
        os.utime(log_of(run, PLACES), (begun - 9, begun - 9))  # of the workflow before
        assert training_status(study, run, PLACES).state == "waiting"


def test_a_record_that_was_edited_is_a_failure(study: Study, folder: Path) -> None:
    path = run_of(study, "hybrid", 1).directory() / "metrics.json"
    path.write_text(path.read_text().replace('"fold": 1', '"fold": 2'))
    one = training_status(study, run_of(study, "hybrid", 1), PLACES)
    assert one.state == "failed" and "restore the run folder from git or delete it" in one.error


def test_a_file_that_is_restored_is_no_failure_any_more(study: Study, folder: Path) -> None:
    run = run_of(study, "hybrid", 1)
    path = run.directory() / "predictions.csv"
    text = path.read_bytes()
    path.write_bytes(b"")
    assert training_status(study, run, PLACES).state == "failed"
    path.write_bytes(text)
    assert training_status(study, run, PLACES).state == "done"
    path.write_bytes(b"damaged")
    assert training_status(study, run, PLACES).state == "failed"


def test_jobs_that_train_nothing(repo: Path, folder: Path) -> None:
    """The fetching failed, an evaluation is done, another failed, and the tables are there."""
    content = toy.content(repo)
    content["studies"]["toy"]["evaluate"] = {"recipes": ["hybrid"], "folds": [1, 2]}
    study = Study.from_params(Params.model_validate(content), "toy")
    key = runs.evaluation_key(study.params)
    write_text(run_of(study, "hybrid", 1).evaluation(key) / "evaluation.json", "{}")
    write_text(log_of(run_of(study, "hybrid", 2), PLACES, f"-evaluation-{key}"), "soundclr: error: no model\n")
    write_text(PLACES.logs / "fetch" / "toy.log", "soundclr: error: no host\n")
    write_text(PLACES.results / "toy" / "README.md", "")
    text = page.lines(study, PLACES)
    assert "  evaluations  1 of 2 done, 1 failed" in text and "  tables       results/toy/README.md" in text
    place = text.index("  fetching toy")
    assert text[place : place + 4] == [
        "  fetching toy", "    no host", "  evaluation of toy hybrid fold2-seed0", "    no model",
    ]  # fmt: skip
    write_text(PLACES.logs / "toy" / "report.log", "soundclr: error: other clips\n")
    text = page.lines(study, PLACES)
    assert text[text.index("  results/toy/README.md") + 1] == "    other clips"


def test_runs_of_settings_that_params_no_longer_has(study: Study, folder: Path) -> None:
    with held(Path("results/toy/models/toy/hybrid-0123456789ab/fold1-seed0.lock")):
        assert "1 more runs with other settings than params.yaml has now." in page.lines(study, PLACES)


def made_up(study: Study, **states: str) -> list[TrainingStatus]:
    """Every run of the toy study; an epoch of any stage takes 36 s, of a running one's 72."""
    names = {"cross_entropy": ["joint"], "hybrid": ["joint"], "supervised_contrastive": ["contrastive", "classifier"]}

    def one(run: Run) -> TrainingStatus:
        state = states.get(f"{run.recipe}_{run.fold}", "waiting")
        seconds = {"done": 36.0, "running": 72.0}.get(state)
        at = {"stage": 1, "epoch": 1} if state == "running" and run.recipe == "supervised_contrastive" else {}
        return TrainingStatus(run, state, seconds=dict.fromkeys(names[run.recipe], seconds) if seconds else {}, **at)  # type: ignore[arg-type]

    return [one(run) for run in study.runs]


def test_time_left_by_hand(study: Study) -> None:
    """Two cross-entropy runs of 3 epochs of 36 s; three hybrids that nothing is known of; the contrastive runs' 3 + 3
    epochs at 72 s, since one is running, which has 2 left."""
    stands = made_up(study, cross_entropy_1="done", supervised_contrastive_1="running")
    remaining = left(study, stands)
    assert remaining.device == pytest.approx(2 * 3 * 36 + (2 + 6 + 6) * 72)
    assert (remaining.unknown, remaining.by, remaining.at_once) == (3, 2, 1)
    assert remaining.together == pytest.approx(remaining.device)


def test_time_left_of_several_at_once(study: Study) -> None:
    """Two contrastive runs with 2 epochs left each, then one of 6 and two cross-entropy ones of 3."""
    running = dict.fromkeys(("supervised_contrastive_1", "supervised_contrastive_2"), "running")
    stands = [one for one in made_up(study, cross_entropy_1="done", **running) if one.run.recipe != "hybrid"]
    remaining = left(study, stands)
    assert (remaining.at_once, remaining.unknown) == (2, 0)
    assert remaining.together == pytest.approx(schedule([2 * 72, 2 * 72, 3 * 36, 3 * 36, 6 * 72], 2))
    assert left(study, stands, devices=9).together == remaining.longest == pytest.approx(6 * 72)


@pytest.mark.parametrize(("devices", "seconds"), [(1, 10), (2, 6), (4, 4), (64, 4)])
def test_jobs_take_the_first_free_device(devices: int, seconds: float) -> None:
    assert schedule([2, 4, 1, 3], devices) == seconds


def test_a_job_waits_for_the_one_that_it_starts_from() -> None:
    """The second device is idle while the last job, of 3 seconds, waits for the second, of 4."""
    assert schedule([2, 4, 1, 3], 2, {3: 1}) == 7


def test_the_kind_of_a_stage_is_what_its_speed_depends_on(repo: Path) -> None:
    def kinds_with(**changes: object) -> set[str]:
        params = toy.params(repo, **changes)
        every = (params.resolve("toy", "toy", recipe) for recipe in params.studies["toy"].recipes)
        return {kind_of(settings, stage) for settings in every for stage in settings.stages}

    plain = kinds_with()
    assert len(plain) == 4  # cross-entropy, hybrid, contrastive, classifier
    assert kinds_with(lr=1e-4) == kinds_with(labels=0.5) == kinds_with(epochs=7) == plain
    log_mel = {"n_fft": 128, "hop_length": 64, "n_mels": 16, "channels": 1}
    for change in ({"views": 2}, {"augment": []}, {"batch_size": 4}, {"representations": {"log_mel": log_mel}}):
        assert not kinds_with(**change) & plain


def test_a_study_that_is_done(repo: Path, folder: Path) -> None:
    content = toy.content(repo)
    content["studies"]["toy"] |= {"recipes": ["hybrid"], "folds": [1]}
    write_text(PLACES.results / "toy" / "README.md", "")
    study = Study.from_params(Params.model_validate(content), "toy")
    assert page.lines(study, PLACES)[2:] == ["", "  trainings    1 of 1 done", "  tables       results/toy/README.md"]


def test_long_names_are_cut_and_long_errors_are_folded(study: Study, folder: Path) -> None:
    run = run_of(study, "hybrid", 2)
    heartbeat.Heartbeat("a very long device " * 9).write(run.model().with_suffix(".progress"))
    write_text(log_of(run_of(study, "cross_entropy", 2), PLACES), f"soundclr: error: {'word ' * 60}end\n")
    with held(run.model().with_suffix(".lock")):
        text = page.lines(study, PLACES)
    assert max(map(len, text)) == page.WIDTH
    assert sum(line.count("word") for line in text) == 60 and any(line.endswith("...") for line in text)


@pytest.mark.parametrize(("rows", "shown"), [(None, 10), (11, 10), (10, 9), (5, 4)])
def test_a_screen_gets_as_many_lines_as_fit(rows: int | None, shown: int) -> None:
    text = list(page.visible_lines([str(number) for number in range(10)], rows))
    assert len(text) == shown
    if shown < 10:
        assert text[-1] == f"... {10 - shown + 1} more lines: `soundclr status` shows all"


def test_watching_ends_with_ctrl_c(folder: Path) -> None:
    command = [sys.executable, "-m", "soundclr", "status", "--watch"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen = [process.stdout.readline() for _ in range(5)]
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert "Study toy: toy\n" in seen and "\x1b" not in "".join(seen)
    assert (process.returncode, error) == (0, "")


def test_watching_draws_again(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    drawings = iter([["first"], ["second"]])

    def draw() -> list[str]:
        try:
            return next(drawings)
        except StopIteration:
            raise KeyboardInterrupt from None

    page.watch(draw, seconds=0)
    assert [line for line in capsys.readouterr().out.splitlines() if ":" not in line] == ["first", "second", ""]


def test_it_waits_for_no_library(folder: Path) -> None:
    code = "import sys; from soundclr.commands import cli; cli.main(['status']); "
    code += "print({'torch', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "1 of 9 done" in done.stdout and done.stdout.endswith("\nset()\n")


def test_an_unknown_study_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--study", "tyo"]) == 2
    assert "unknown study: 'tyo'; did you mean 'toy'?" in capsys.readouterr().err
