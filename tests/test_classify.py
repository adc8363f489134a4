"""Classifying sound files with a trained run."""

import json
import shutil

import numpy as np
import pytest
import soundfile
import torch
import toy

from soundclr.classify import chart, classify
from soundclr.errors import UserError
from soundclr.runs import find_run
from soundclr.trained import load_run
from soundclr.training.job import Paths, run_job

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


def classified(path, trained):
    results, run = trained
    [(found, classes)] = classify([path], run.directory(results))
    assert found == path
    assert sorted(name for name, _ in classes) == sorted(toy.CLASSES)
    assert sum(p for _, p in classes) == pytest.approx(1, abs=1e-5)
    assert [p for _, p in classes] == sorted((p for _, p in classes), reverse=True)
    return classes


@pytest.mark.parametrize("suffix", FORMATS)
def test_formats(trained, tmp_path, suffix):
    path = tmp_path / f"sound.{suffix}"
    stereo = np.stack([tone(1600, rate=16000)] * 2, axis=1)
    soundfile.write(path, stereo, 16000, format=suffix.upper(), subtype=FORMATS[suffix])
    assert classified(path, trained)[0][0] == "high"


@pytest.mark.parametrize(("name", "hertz"), list(zip(toy.CLASSES, toy.HERTZ, strict=True)))
def test_finds_the_class(trained, tmp_path, name, hertz):
    soundfile.write(tmp_path / "x.wav", tone(hertz), toy.RATE)
    assert classified(tmp_path / "x.wav", trained)[0][0] == name


@pytest.mark.parametrize(
    "samples", [np.zeros(900), tone(700, 0.01), tone(700, 20), np.array([0.5])], ids=["silence", "short", "long", "one"]
)
def test_odd_lengths(trained, tmp_path, samples):
    soundfile.write(tmp_path / "x.wav", samples, toy.RATE)
    classified(tmp_path / "x.wav", trained)


def test_agrees_with_the_runs_predictions(trained, tmp_path):
    results, run = trained
    clips, _, folds, names = toy.arrays()
    lines = (run.directory(results) / "predictions.csv").read_text().splitlines()
    rows = {(line.split(",")[0], line.split(",")[2]): [float(p) for p in line.split(",")[3:]] for line in lines[1:]}
    paths, expected = [], []
    for clip, fold, name in zip(clips, folds, names, strict=True):
        if fold == run.fold:
            paths.append(tmp_path / f"{name}.wav")
            soundfile.write(paths[-1], clip, toy.RATE, subtype="PCM_16")
            expected.append(rows[name, "last"])
    for (_, classes), row in zip(classify(paths, run.directory(results)), expected, strict=True):
        assert [dict(classes)[name] for name in toy.CLASSES] == pytest.approx(row, abs=1e-4)


def test_the_network_is_ready_to_judge(trained):
    results, run = trained
    settings, network, classes = load_run(run.directory(results))
    assert not network.training and classes == list(toy.CLASSES) and settings.encoder.name == "small"


@pytest.mark.parametrize("kind", ["text", "empty", "missing", "folder", "truncated"])
def test_what_is_no_sound_is_named(trained, tmp_path, kind):
    results, run = trained
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
        list(classify([path], run.directory(results)))
    assert "\n" not in str(error.value)


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
    with pytest.raises(UserError, match=rf"{run.name}\.pt: the run's model is not here"):
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
        torch.save({**state, "classifier.weight": torch.zeros(4, 128)}, model)
    with pytest.raises(UserError, match=rf"{run.name}\.pt: is damaged .*; remove it") as error:
        load_run(run.directory(folder))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["text", "list", "no settings", "no classes", "unknown setting"])
def test_damaged_metrics(results, kind):
    folder, run = results
    path = run.directory(folder) / "metrics.json"
    metrics = json.loads(path.read_text())
    if kind == "list":
        metrics = []
    elif kind == "no settings":
        del metrics["settings"]
    elif kind == "no classes":
        del metrics["classes"]
    elif kind == "unknown setting":
        metrics["settings"]["encoder"]["depth"] = 3
    path.write_text("{" if kind == "text" else json.dumps(metrics))
    with pytest.raises(UserError, match=r"metrics\.json") as error:
        load_run(run.directory(folder))
    assert "\n" not in str(error.value)


def test_chart():
    lines = chart([("dog_bark", 0.9), ("rain", 0.1), ("x", 0.0)]).splitlines()
    assert lines == ["  dog_bark  90.0 % " + "█" * 36, "  rain      10.0 % " + "█" * 4, "  x          0.0 % "]
