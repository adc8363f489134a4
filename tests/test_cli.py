"""The command line: what can be mended is one line and exit code 2; never a traceback."""

import json
import subprocess
import sys

import pytest
import soundfile
import torch
import yaml

from soundclr import __version__
from soundclr.commands import cli
from soundclr.datasets.index import IndexRow, write_index
from soundclr.params import read_params
from soundclr.run import runs
from soundclr.run.runs import find_run
from support import toy

VERBS = ["fetch", "weights", "features", "train", "evaluate", "plan", "status", "schema", "report", "classify"]


@pytest.fixture
def project(repo, tmp_path, monkeypatch):
    """A folder with params.yaml and the toy features, in which commands run; its parameters."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOUNDCLR_MIRROR", raising=False)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    return toy.project(repo, tmp_path)


@pytest.fixture
def soundclr(capsys):
    """``soundclr("train --fold 1")`` -> exit code, standard output, standard error."""

    def run(line):
        try:
            code = cli.main(line.split() if isinstance(line, str) else line)
        except SystemExit as exit:  # argparse's way
            code = exit.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def assert_one_line(outcome, *messages):
    code, out, err = outcome
    assert code == 2, err
    assert err.startswith("soundclr: error: ") and err.count("\n") == 1 and err.endswith("\n"), err
    for message in messages:
        assert message in err
    assert out == ""


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help(soundclr, verb):
    code, out, err = soundclr(f"{verb} --help")
    assert code == 0 and out.startswith("usage: soundclr") and err == ""
    if not verb:
        assert all(f" {name} " in out for name in VERBS)


def test_version(soundclr):
    assert soundclr("--version") == (0, f"soundclr {__version__}\n", "")


@pytest.mark.parametrize(
    "line",
    ["", "trian", "train", "train --dataset toy --recipe hybrid --fold one", "classify", "classify --run x",
     "fetch", "weights imagenet_pqf", "train --dataset toy --recipe hybrid --fold 1 --threads 0",
     "train --dataset toy --recipe hybrid --fold 1 --threads -1", "features toy --threads 0",
     "features toy --threads 100000", "train --dataset toy --recipe hybrid --fold 1 --jobs-per-gpu 1000000000",
     "classify x.wav --run x --top 0"],
)  # fmt: skip
def test_a_wrong_command_line_shows_the_usage(project, soundclr, line):
    code, out, err = soundclr(line)
    assert code == 2 and out == ""
    assert err.startswith("usage: soundclr") and "error: " in err.splitlines()[-1] and "Traceback" not in err


HYBRID = "train --dataset toy --recipe hybrid --fold 1"
EVALUATE = HYBRID.replace("train", "evaluate")
READING = ["fetch toy", "weights imagenet_pqf resnet50", "features toy", HYBRID, EVALUATE, "report"]


@pytest.mark.parametrize(
    ("line", "messages"),
    [
        ("fetch tyo", ["unknown dataset: 'tyo'; did you mean 'toy'?"]),
        ("weights imagenet_qpf resnet50", ["unknown weights: 'imagenet_qpf'; did you mean 'imagenet_pqf'"]),
        ("weights imagenet_pqf resnet51", ["unknown encoder with weights 'imagenet_pqf': 'resnet51'; did you mean"]),
        ("features tyo", ["unknown dataset: 'tyo'; did you mean 'toy'?"]),
        ("features toy --data nowhere", ["nowhere/toy/index.csv"]),
        (HYBRID.replace("hybrid", "hybird"), ["unknown recipe: 'hybird'; did you mean 'hybrid' or"]),
        (HYBRID.replace("toy", "tyo"), ["unknown dataset: 'tyo'; did you mean 'toy'?"]),
        (HYBRID.replace("fold 1", "fold 4"), ["unknown fold of toy: 4; known: 1, 2, 3"]),
        (f"{HYBRID} --study tyo", ["unknown study: 'tyo'; did you mean 'toy'?"]),
        (f"{HYBRID} --seed -1", ["seed -1: must be from 0 to 1,000,000,000"]),
        (f"{HYBRID} --data nowhere", ["nowhere/features/toy-", "is missing; make it with `soundclr features toy`"]),
        (f"{HYBRID} --hash 0123456789ab", ["params.yaml: gives hybrid the hash ", "this job is for 0123456789ab"]),
        (EVALUATE.replace("hybrid", "hybird"), ["unknown recipe: 'hybird'; did you mean 'hybrid' or"]),
        (f"{EVALUATE} --data nowhere", ["nowhere/features/toy-", "is missing; make it with `soundclr features toy`"]),
        (f"{EVALUATE} --hash 0123456789ab", ["params.yaml: gives hybrid the hash ", "this job is for 0123456789ab"]),
        (f"{EVALUATE} --key 0123456789ab", ["gives evaluations the key ", "this job is for 0123456789ab"]),
        (EVALUATE, ["metrics.json: is missing; make it with `soundclr train --study toy --dataset toy --recipe"]),
        ("report --study tyo", ["unknown study: 'tyo'; did you mean 'toy'?"]),
        ("classify x.wav --run results/nowhere", ["results/nowhere: not a finished run"]),
        *(
            (f"--params none.yaml {line}", ["none.yaml: is missing; run the command in the repository's folder"])
            for line in READING
        ),
        *((f"--params broken.yaml {line}", ["broken.yaml: not valid YAML"]) for line in READING),
    ],
)
def test_mistakes_are_one_line(project, soundclr, tmp_path, line, messages):
    (tmp_path / "broken.yaml").write_text("study: [")
    assert_one_line(soundclr(line), *messages)
    assert not (tmp_path / "results").exists()


def test_train_needs_the_initial_weights(project, soundclr, tmp_path):
    content = read_params(tmp_path / "params.yaml")
    content["studies"]["toy"]["settings"].update(encoder="resnet18", start={"weights": "imagenet_pqf"})
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    assert_one_line(
        soundclr(HYBRID),
        "data/weights/imagenet_pqf-resnet18.pth",
        "make it with `soundclr weights imagenet_pqf resnet18`",
    )


def test_train_evaluate_and_classify(project, soundclr, tmp_path):
    run = find_run(project, "toy", "toy", "hybrid", 1, 4)
    code, out, err = soundclr(f"{HYBRID} --seed 4 --hash {run.hash} --threads 1")
    best, last = json.loads((run.directory() / "metrics.json").read_text())["accuracy"].values()
    assert code == 0 and out.startswith("hybrid on toy, fold 1, seed 4: held-out accuracy ")
    assert f" {100 * best:.2f} % at the best epoch (" in out and f", {100 * last:.2f} % at the last (3): " in out
    assert out.endswith(f": {run.directory() / 'metrics.json'}\n")
    assert err.count("\n") == 2 + 3  # its budget is small, its device, then one line an epoch
    assert "warning: stage 'joint' takes only 12 optimiser steps" in err.splitlines()[0]
    assert json.loads((run.directory() / "metrics.json").read_text())["seed"] == 4

    for number, samples in enumerate(toy.arrays()[0][:2]):
        soundfile.write(tmp_path / f"{number}.wav", samples, toy.RATE, subtype="PCM_16")
    code, out, err = soundclr(f"classify 0.wav 1.wav --run {run.directory()} --top 2")
    assert code == 0 and err == ""
    lines = out.splitlines()
    assert len(lines) == 6 and lines[0].startswith("0.wav, 0.00 to 0.") and lines[3].startswith("1.wav, ")
    assert all("%" in line for line in (*lines[1:3], *lines[4:]))

    (tmp_path / "no.wav").write_text("no sound")
    code, out, err = soundclr(f"classify 0.wav no.wav --run {run.directory()}")
    assert code == 2 and out.startswith("0.wav, ") and err.count("\n") == 1 and "no.wav: is no WAV" in err

    evaluate = f"{EVALUATE} --seed 4 --hash {run.hash} --key {runs.evaluation_key(project)} --threads 1"
    path = run.evaluation(runs.evaluation_key(project)) / "evaluation.json"
    assert soundclr(evaluate) == (0, f"{path}\n", "")
    assert json.loads(path.read_text())["seed"] == 4

    run.model().unlink()
    command = "soundclr train --study toy --dataset toy --recipe hybrid --fold 1 --seed 4 --force"
    remedy = f"make it with `{command}`, or pull the model"
    assert_one_line(soundclr(evaluate), f"{run.model()}: is missing; {remedy}")
    assert_one_line(soundclr(f"classify 0.wav --run {run.directory()}"), "the run's model is missing")


def test_a_finished_run_is_trained_again_only_by_force(project, soundclr, monkeypatch):
    """Also where the data have gone meanwhile: a finished run needs none."""
    line, run = f"{HYBRID} --seed 5", find_run(project, "toy", "toy", "hybrid", 1, 5)
    metrics, model = run.directory() / "metrics.json", run.model()
    assert soundclr(line)[0] == 0
    written = {path: path.read_bytes() for path in (metrics, model)}
    created = json.loads(metrics.read_text())["created"]

    assert soundclr(f"{line} --data nowhere") == (
        0,
        f"{metrics}: the run is finished; train it again with --force\n",
        "",
    )
    assert {path: path.read_bytes() for path in written} == written
    assert_one_line(soundclr(f"{line} --data nowhere --force"), "make it with `soundclr features toy`")

    model.unlink()
    assert_one_line(soundclr(line), "metrics.json: the run is finished, but its model is missing", "with --force")
    assert metrics.read_bytes() == written[metrics]
    metrics.write_bytes(written[metrics][:100])
    assert_one_line(soundclr(line), "metrics.json: cannot be read as JSON")
    assert soundclr(f"{line} --force")[0] == 0
    again = json.loads(metrics.read_text())
    assert model.read_bytes() == written[model]
    assert again["accuracy"] == json.loads(written[metrics])["accuracy"] and again["created"] >= created


def test_a_training_has_one_thread_unless_told(project, soundclr, monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    soundclr(f"{HYBRID} --seed 6")
    soundclr(f"{HYBRID} --seed 6 --threads 3 --force")
    assert asked == [1, 3]


def test_weights_and_features_have_the_paths_that_train_looks_in(project, soundclr, tmp_path):
    """The index of two clips becomes a features file at the path of the run's dataset."""
    folder = tmp_path / "fresh" / "toy"
    folder.mkdir(parents=True)
    samples = toy.arrays()[0]
    for number in range(2):
        soundfile.write(folder / f"{number}.wav", samples[number], toy.RATE, subtype="PCM_16")
    rows = [IndexRow("0", "0.wav", 0, "low", 1, "0"), IndexRow("1", "1.wav", 1, "high", 2, "1")]
    write_index(folder / "index.csv", rows, runs.dataset_hash(project, "toy"))
    code, out, _ = soundclr("features toy --data fresh --threads 1")
    path = runs.features_path(project, "toy", tmp_path / "fresh").relative_to(tmp_path)
    assert (code, out) == (0, f"{path}\n") and path.is_file()
    assert_one_line(soundclr(f"{HYBRID} --data fresh"), "2 classes", "make the features again")


def test_the_mirror_comes_from_the_environment_or_the_command_line(monkeypatch):
    monkeypatch.setenv("SOUNDCLR_MIRROR", "/there")
    assert str(cli.parser().parse_args(["fetch", "toy"]).mirror) == "/there"
    assert str(cli.parser().parse_args(["fetch", "toy", "--mirror", "/here"]).mirror) == "/here"
    monkeypatch.setenv("SOUNDCLR_MIRROR", "")
    assert cli.parser().parse_args(["fetch", "toy"]).mirror is None


def test_interruption_is_told_in_one_line(project, soundclr, monkeypatch):
    monkeypatch.setattr("soundclr.commands.train.asked_run", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
    code, _, err = soundclr(HYBRID)
    assert code == 130 and err.count("\n") == 1 and "interrupted" in err


def test_module_and_exit_code(repo):
    """The real process, `python -m soundclr`."""
    done = subprocess.run(
        [sys.executable, "-m", "soundclr", "fetch", "esc01"],
        capture_output=True,
        text=True,
        cwd=repo,
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("soundclr: error: unknown dataset: 'esc01'; did you mean ")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_one_line(repo, tmp_path, capsys):
    """As a full disk or a missing permission would be."""
    (tmp_path / "results").write_text("a file where a folder should be")
    arguments = ["--params", str(repo / "params.yaml"), "report", "--study", "demo"]
    code = cli.main([*arguments, "--results", str(tmp_path / "results"), "--figures", str(tmp_path / "figures")])
    error = capsys.readouterr().err
    assert code == 2
    assert error.startswith("soundclr: error: ")
    assert error.count("\n") == 1
