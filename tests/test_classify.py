"""Classifying sound files with a trained run."""

import csv
import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from soundclr.commands import cli
from soundclr.commands.arguments import readable
from soundclr.errors import UserError
from soundclr.evaluation.classifier import CSV_HEADER, Classifier, Part, chart, csv_lines, json_line, windows
from soundclr.machine.files import sha256_of_file
from soundclr.models.load import load_run
from soundclr.params import read_params
from soundclr.run.records import write_record
from soundclr.run.runs import find_run
from soundclr.training.job import Paths, run_job
from support import toy

FORMATS = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}


@pytest.fixture(scope="module")
def trained(repo, tmp_path_factory):
    """The results of one toy run that has learnt its classes, and the run."""
    folder = tmp_path_factory.mktemp("trained")
    params = toy.params(repo, epochs=12, patience=12)
    features = toy.write_features(folder / "toy.safetensors")
    run = find_run(params, "toy", "toy", "cross_entropy", 1, 0)
    run_job(run, params, Paths(features, None, folder / "results"), torch.device("cpu"))
    return folder / "results", run


@pytest.fixture
def results(trained, tmp_path):
    """A copy of the results to be damaged, and the run's folder in it."""
    source, run = trained
    shutil.copytree(source, tmp_path / "results")
    return tmp_path / "results", run


def tone(hertz, seconds=0.5, rate=toy.RATE):
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


@pytest.fixture(scope="module")
def classifier(trained):
    results, run = trained
    return Classifier(run.directory(results))


def likeliest(part):
    """The most probable class of a part, which must have all classes in order of probability."""
    assert sorted(part.classes) == sorted(toy.CLASSES)
    assert sum(part.classes.values()) == pytest.approx(1, abs=1e-5)
    assert list(part.classes.values()) == sorted(part.classes.values(), reverse=True)
    return next(iter(part.classes))


@pytest.mark.parametrize("suffix", FORMATS)
def test_formats(classifier, tmp_path, suffix):
    path = tmp_path / f"sound.{suffix}"
    stereo = np.stack([tone(1600, rate=16000)] * 2, axis=1)
    soundfile.write(path, stereo, 16000, format=suffix.upper(), subtype=FORMATS[suffix])
    assert likeliest(classifier.classify(path)[0]) == "high"


@pytest.mark.parametrize(("name", "hertz"), list(zip(toy.CLASSES, toy.HERTZ, strict=True)))
def test_finds_the_class(classifier, tmp_path, name, hertz):
    soundfile.write(tmp_path / "x.wav", tone(hertz), toy.RATE)
    assert likeliest(classifier.classify(tmp_path / "x.wav")[0]) == name


@pytest.mark.parametrize("samples", [tone(700, 0.01), tone(700, 20), np.array([0.5])], ids=["short", "long", "one"])
def test_odd_lengths(classifier, tmp_path, samples):
    soundfile.write(tmp_path / "x.wav", samples, toy.RATE)
    whole = classifier.classify(tmp_path / "x.wav")[0]
    assert likeliest(whole) in toy.CLASSES
    assert (whole.begin, whole.end) == (0, len(samples) / toy.RATE)


def test_a_long_file_is_looked_at_all_along(classifier, tmp_path):
    """Low for five seconds, then high: no window but those across the change is in doubt."""
    change, end = 5.0, 8.0
    soundfile.write(tmp_path / "x.wav", np.concatenate([tone(250, change), tone(1600, end - change)]) + 0.01, toy.RATE)
    whole, parts = classifier.classify(tmp_path / "x.wav")
    assert (whole.begin, whole.end, parts[0].begin, parts[-1].end) == (0, end, 0, end)
    length = toy.SAMPLES / toy.RATE
    assert all(part.end - part.begin == pytest.approx(length) for part in parts)
    assert all(later.begin - part.begin == pytest.approx(length / 2) for part, later in pairwise(parts[:-1]))
    assert {likeliest(part) for part in parts if part.end <= change} == {"low"}
    assert {likeliest(part) for part in parts if part.begin >= change} == {"high"}
    for name in toy.CLASSES:
        assert whole.classes[name] == pytest.approx(np.mean([part.classes[name] for part in parts]), abs=1e-6)
    assert whole.classes["low"] > whole.classes["high"] > whole.classes["middle"]


def test_a_window_does_not_depend_on_how_many_there_are(classifier, tmp_path):
    """Each window is what the same sound is as a file of its own."""
    sound = np.concatenate([tone(hertz, 4) for hertz in (*toy.HERTZ, 400)])
    soundfile.write(tmp_path / "x.wav", sound, toy.RATE, subtype="FLOAT")
    _, parts = classifier.classify(tmp_path / "x.wav")
    assert len(parts) > 2 * 16  # batches
    for number in (0, 15, 16, 20, len(parts) - 1):
        begin = round(parts[number].begin * toy.RATE)
        soundfile.write(tmp_path / "y.wav", sound[begin : begin + toy.SAMPLES], toy.RATE, subtype="FLOAT")
        alone, _ = classifier.classify(tmp_path / "y.wav")
        assert alone.classes == pytest.approx(parts[number].classes, abs=1e-4)


def test_silence_is_called_silence(classifier, tmp_path):
    path = tmp_path / "x.wav"
    for samples in (np.zeros(9000), np.full(9000, 1e-6)):
        soundfile.write(path, samples, toy.RATE, subtype="FLOAT")
        whole, parts = classifier.classify(path)
        assert not whole.classes and not any(part.classes for part in parts)
        assert chart(path, whole, 3).splitlines() == [f"{path}, 0.00 to 2.25 s", "  silence"]


def test_silence_in_a_file_does_not_count(classifier, tmp_path):
    """Nor does it shift the times."""
    pause = np.zeros(3 * toy.SAMPLES)
    soundfile.write(tmp_path / "x.wav", np.concatenate([pause, tone(700, 2), pause, tone(700, 2), pause]), toy.RATE)
    whole, parts = classifier.classify(tmp_path / "x.wav")
    sounding = [part for part in parts if part.classes]
    assert 2 < len(sounding) < len(parts)
    assert parts[0].begin == pytest.approx(3 * toy.SAMPLES / toy.RATE, abs=0.01)
    assert parts[-1].end == pytest.approx(6 * toy.SAMPLES / toy.RATE + 4, abs=0.01)
    assert whole.classes["middle"] == pytest.approx(np.mean([part.classes["middle"] for part in sounding]), abs=1e-6)


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (3, [(0, 3)]),
        (10, [(0, 10)]),
        (11, [(0, 10), (1, 11)]),
        (15, [(0, 10), (5, 15)]),
        (21, [(0, 10), (5, 15), (10, 20), (11, 21)]),
    ],
)
def test_windows(total, expected):
    assert [(span.start, span.stop) for span in windows(total, 10)] == expected
    assert [span.start for span in windows(3, 1)] == [0, 1, 2]


def test_agrees_with_the_runs_predictions(trained, classifier, tmp_path):
    results, run = trained
    clips, _, folds, names = toy.arrays()
    lines = (run.directory(results) / "predictions.csv").read_text().splitlines()
    rows = {(line.split(",")[0], line.split(",")[3]): [float(p) for p in line.split(",")[4:]] for line in lines[1:]}
    compared = 0
    for clip, fold, name in zip(clips, folds, names, strict=True):
        if fold == run.fold and len(clip) <= toy.SAMPLES:  # a longer one is cropped there and has two windows here
            soundfile.write(tmp_path / f"{name}.wav", clip, toy.RATE, subtype="PCM_16")
            whole, _ = classifier.classify(tmp_path / f"{name}.wav")
            assert [whole.classes[label] for label in toy.CLASSES] == pytest.approx(rows[name, "last"], abs=1e-4)
            compared += 1
    assert compared > 2


def test_the_network_is_ready_to_judge(trained):
    results, run = trained
    metrics, settings, network = load_run(run.directory(results))
    assert not network.training and metrics.classes == toy.CLASSES and settings.encoder.name == "small"


@pytest.mark.parametrize("kind", ["text", "empty", "missing", "folder", "truncated"])
def test_what_is_no_sound_is_named(classifier, tmp_path, kind):
    path = tmp_path / "sound.wav"
    if kind == "text":
        path.write_text("no sound at all")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.mkdir()
    elif kind == "truncated":
        soundfile.write(path, tone(700), toy.RATE)
        path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(UserError, match=r"sound\.wav") as error:
        classifier.classify(path)
    assert "\n" not in str(error.value)
    assert kind != "missing" or str(error.value) == f"{path}: there is no such file"


@pytest.mark.parametrize(
    "place", ["", "toy", "toy/runs/toy", "nowhere", "toy/runs/toy/hybrid-0123456789ab/fold1-seed0", "/"]
)
def test_a_folder_that_is_no_run(results, place):
    with pytest.raises(UserError, match="not a finished run") as error:
        load_run(results[0] / place)
    assert "\n" not in str(error.value)


def test_a_run_without_its_model(results):
    folder, run = results
    run.model(folder).unlink()
    with pytest.raises(UserError, match=rf"{run.name}\.pt: the run's model is missing"):
        load_run(run.directory(folder))


@pytest.mark.parametrize("kind", ["truncated", "text", "shapes"])
def test_a_damaged_model(results, kind):
    folder, run = results
    model = run.model(folder)
    if kind == "truncated":
        model.write_bytes(model.read_bytes()[:5000])
    elif kind == "text":
        model.write_text("x")
    else:
        state = torch.load(model)
        torch.save({**state, "classifier.1.weight": torch.zeros(4, 128)}, model)
    with pytest.raises(UserError, match=rf"{run.name}\.pt: is damaged .*; remove it") as error:
        load_run(run.directory(folder))
    assert "\n" not in str(error.value)


DAMAGE = {
    "no settings": lambda metrics: metrics.pop("settings"),
    "no classes": lambda metrics: metrics.pop("classes"),
    "unknown setting": lambda metrics: metrics["settings"]["encoder"].update(depth=3),
    "another format": lambda metrics: metrics.update(format=2),
    "another run": lambda metrics: metrics.update(seed=7),
}


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("kind", DAMAGE)
def test_metrics_of_something_else(results, kind, sealed):
    """Whether by hand, which the checksum tells, or as another version writes them."""
    folder, run = results
    path = run.directory(folder) / "metrics.json"
    metrics = json.loads(path.read_text())
    DAMAGE[kind](metrics)
    if sealed:
        del metrics["checksum"]
        write_record(path, metrics)
    else:
        path.write_text(json.dumps(metrics))
    with pytest.raises(UserError, match=r"metrics\.json") as error:
        load_run(run.directory(folder))
    assert "\n" not in str(error.value) and ("changed after it was written" in str(error.value)) != sealed


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_metrics_that_are_none(results, text):
    folder, run = results
    path = run.directory(folder) / "metrics.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"metrics\.json") as error:
        load_run(run.directory(folder))
    assert "\n" not in str(error.value)


PART = Part(1.5, 4.0, {"dog_bark": 0.9, "rain": 0.1, "x, y": 0.0})


def test_chart():
    bars = ["  dog_bark  90.0 % " + "█" * 36, "  rain      10.0 % " + "█" * 4]
    assert chart("a.wav", PART, 2).splitlines() == ["a.wav, 1.50 to 4.00 s", *bars]


def test_json():
    assert json.loads(json_line("a.wav", PART, None)) == {
        "file": "a.wav", "begin": 1.5, "end": 4.0, "classes": PART.classes,
    }  # fmt: skip
    assert json.loads(json_line("a.wav", Part(0, 1, {}), None))["classes"] == {}


def test_csv():
    rows = [
        *csv.DictReader([CSV_HEADER, *csv_lines("a, b.wav", PART, None).splitlines()]),
        *csv.DictReader([CSV_HEADER, csv_lines("s.wav", Part(0, 1, {}), None)]),
    ]
    assert [row["class"] for row in rows] == ["dog_bark", "rain", "x, y", ""]
    assert rows[0] == {
        "file": "a, b.wav", "begin": "1.500", "end": "4.000", "class": "dog_bark", "probability": "0.900000"
    }  # fmt: skip
    assert rows[-1]["probability"] == ""


@pytest.mark.parametrize(("form", "lines"), [("", 8), ("--json", 2), ("--csv", 7), ("--windows", 12), ("--top 1", 4)])
def test_a_bad_file_does_not_stop_the_rest(trained, tmp_path, monkeypatch, capsys, form, lines):
    results, run = trained
    monkeypatch.chdir(tmp_path)
    soundfile.write("1.wav", tone(700, 0.6), toy.RATE)  # two windows
    soundfile.write("2.wav", tone(1600), toy.RATE)
    (tmp_path / "no.wav").write_text("no sound")
    code = cli.main(
        ["classify", "1.wav", "no.wav", "gone.wav", "2.wav", "--run", str(run.directory(results)), *form.split()]
    )
    out, err = capsys.readouterr()
    assert code == 2
    assert [line.split(": ")[2] for line in err.splitlines()] == ["no.wav", "gone.wav"]
    assert all(line.startswith("soundclr: error: ") for line in err.splitlines())
    assert len(out.splitlines()) == lines and "1.wav" in out and "2.wav" in out
    assert cli.main(["classify", "1.wav", "--run", str(run.directory(results)), *form.split()]) == 0


def test_a_model_without_finite_outputs_reports_no_silence(results, tmp_path):
    folder, run = results
    state = torch.load(run.model(folder))
    torch.save({**state, "classifier.1.bias": torch.full((3,), torch.nan)}, run.model(folder))
    path = run.directory(folder) / "metrics.json"
    metrics = json.loads(path.read_text())
    del metrics["checksum"]
    write_record(path, metrics | {"model_sha256": sha256_of_file(run.model(folder))})
    soundfile.write(tmp_path / "x.wav", tone(700), toy.RATE)
    with pytest.raises(UserError, match="the run's model gives values that are not finite"):
        Classifier(run.directory(folder)).classify(tmp_path / "x.wav")


@pytest.fixture
def two(repo, trained, tmp_path, monkeypatch):
    """In a folder with the parameters and a sound: the run that params.yaml has, and one of another hash."""
    monkeypatch.chdir(tmp_path)
    toy.project(repo, tmp_path)
    results, run = trained
    params = read_params(tmp_path / "params.yaml")
    params["studies"]["toy"]["settings"]["training"] |= {"epochs": 12, "patience": 12}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    shutil.copytree(results, "results", dirs_exist_ok=True)
    other = run.directory().as_posix().replace(run.hash, "0" * 12)
    shutil.copytree(run.directory(), other)
    soundfile.write("-0abc.wav", tone(toy.HERTZ[0]), toy.RATE)
    return run.directory().as_posix(), other


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_runs_it_takes_the_one_that_params_has(two, capsys, order):
    """As a shell gives them for `hybrid-*`, before or behind the file, whose name may begin with a dash."""
    runs = two[::order]
    for line in (["classify", "-0abc.wav", "--run", *runs], ["classify", "--run", *runs, "--json", "-0abc.wav"]):
        assert cli.main(line) == 0
        said = capsys.readouterr()
        assert said.err == f"using {two[0]}, the one of 2 runs with params.yaml's settings\n"
        assert "0abc.wav" in said.out


def test_of_several_runs_none_or_more_of_which_are_current_it_names_all(two, capsys):
    current, other = two
    third = other.replace("fold1", "fold2")
    assert cli.main(["classify", "-0abc.wav", "--run", other, third]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"{third} (not finished)" in said
    assert f"{other} (with other settings or sounds than in params.yaml)" in said
    Path("params.yaml").unlink()
    assert cli.main(["classify", "-0abc.wav", "--run", current, other]) == 2
    assert "--run names 2 runs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "understood"),
    [
        (["-0abc.wav"], ["./-0abc.wav"]),
        (["-folder/x.wav", "--output", "-a.png"], ["./-folder/x.wav", "--output", "./-a.png"]),
        (["--params=a/b.yaml", "-h", "--top=3", "--"], ["--params=a/b.yaml", "-h", "--top=3", "--"]),
        (["--run", "a/fold1-seed0", "b/fold1-seed0/", "x"], ["--run", "a/fold1-seed0", "--run", "b/fold1-seed0/", "x"]),
    ],
)
def test_a_command_line_is_read_as_it_is_meant(line, understood):
    assert readable(line) == understood


def test_below_the_threshold_a_sound_is_unknown(trained, tmp_path, capsys):
    """How sure the run may be is told once; unknown comes before the classes, with what the likeliest leaves."""
    results, run = trained
    soundfile.write(tmp_path / "high.wav", tone(1600), toy.RATE)
    command = ["classify", str(tmp_path / "high.wav"), "--run", str(run.directory(results)), "--json"]
    assert cli.main([*command, "--threshold", "0.5"]) == 0
    said = capsys.readouterr()
    assert next(iter(json.loads(said.out)["classes"])) == "high"
    assert said.err.startswith("probabilities are calibrated on the run's ")
    assert said.err.count("\n") == 1
    classifier = Classifier(run.directory(results))
    classifier.name_from(0.6)
    ranked = classifier._ranked(torch.tensor([0.3, 0.5, 0.2]))
    assert list(ranked) == ["unknown", *(toy.CLASSES[i] for i in (1, 0, 2))]
    assert ranked["unknown"] == pytest.approx(0.5)
    assert "unknown" not in classifier._ranked(torch.tensor([0.3, 0.6, 0.1]))


@pytest.mark.parametrize("threshold", ["-0.1", "1.5", "nan", "much"])
def test_a_threshold_is_a_probability(trained, capsys, threshold):
    results, run = trained
    with pytest.raises(SystemExit):
        cli.main(["classify", "x.wav", "--run", str(run.directory(results)), "--threshold", threshold])
    assert "--threshold" in capsys.readouterr().err
