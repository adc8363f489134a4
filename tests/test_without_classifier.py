"""A run that only teaches its encoder says nothing of classes: no accuracy anywhere, but its losses and its space."""

import csv
import json

import pytest
import torch

from soundclr.errors import UserError
from soundclr.evaluation.classifier import Classifier
from soundclr.evaluation.job import evaluate_job
from soundclr.losses import classifies
from soundclr.machine.files import read_json, write_text
from soundclr.params import Params
from soundclr.report.catalogue import figures_of, tables_of
from soundclr.report.collect import collect
from soundclr.report.write import write_report
from soundclr.run.records import write_record
from soundclr.run.runs import find_run
from soundclr.training.job import Paths, run_job
from support import toy

CPU = torch.device("cpu")
RECIPES = ("pretrained", "both", "cross_entropy")
PRETRAIN = {
    "name": "pretrain",
    "trains": ["encoder", "projection"],
    "views": 2,
    "loss": {"cross_entropy": 0.0, "nt_xent": 1.0},
    "training": {"monitor": "loss"},
}


@pytest.fixture(scope="module")
def params(repo):
    content = toy.content(repo)
    content["recipes"] |= {
        "pretrained": {"title": "encoder alone", "settings": {"stages": [PRETRAIN]}},
        "both": {"title": "both", "settings": {"stages": [PRETRAIN, {"name": "probe", "trains": ["classifier"]}]}},
    }
    content["evaluation"] |= {"sigmas": [0.0], "noises": ["white"], "snr": [20, 0]}
    study = content["studies"]["toy"] | {"recipes": RECIPES, "folds": [1], "evaluate": {}}
    study["settings"]["training"] |= {"epochs": 1}
    content["studies"]["toy"] = study
    content["studies"]["alone"] = study | {"recipes": ["pretrained"]}
    return Params.model_validate(content)


@pytest.fixture(scope="module")
def folder(params, tmp_path_factory):
    """One run of each recipe, evaluated, and the report of both studies, its figures laid out but not saved."""
    folder = tmp_path_factory.mktemp("without")
    features = toy.write_features(folder / "toy.safetensors")
    runs = [find_run(params, "toy", "toy", recipe, 1, 0) for recipe in RECIPES]
    runs.append(find_run(params, "alone", "toy", "pretrained", 1, 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("soundclr.report.write.save", lambda figure, png: figure.draw_without_rendering())
        for run in runs:
            run_job(run, params, Paths(features, None, folder / "results"), CPU)
            evaluate_job(run, params, features, folder / "results", CPU)
        for study in ("toy", "alone"):
            write_report(params, study, folder / "results", folder / "figures")
    return folder


def place(params, folder, recipe="pretrained"):
    return find_run(params, "toy", "toy", recipe, 1, 0).directory(folder / "results")


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_any_stage_may_teach_the_classifier(params):
    assert [classifies(params.resolve("toy", "toy", recipe)) for recipe in RECIPES] == [False, True, True]


def test_the_run_has_losses_and_no_accuracy(params, folder):
    run = place(params, folder)
    assert read_json(run / "metrics.json")["accuracy"] == {"best_epoch": None, "last_epoch": None}
    (epoch,) = rows(run / "history.csv")
    assert (epoch["train_accuracy"], epoch["val_accuracy"]) == ("", "") and float(epoch["val_loss"]) > 0
    assert rows(run / "predictions.csv") == []
    other = place(params, folder, "both")
    assert read_json(other / "metrics.json")["accuracy"]["last_epoch"] is not None
    assert len(rows(other / "predictions.csv")) == 2 * 9


def test_its_evaluation_has_distances_and_no_noise(params, folder):
    evaluations = folder / "results/toy/evaluations"
    for recipe, noises in (("pretrained", 0), ("both", 3)):
        (path,) = evaluations.glob(f"toy/{recipe}-*/*/*/evaluation.json")
        record = json.loads(path.read_text())
        assert len(record["accuracy"]) == noises and record["distances"]["ratio"] > 0
        assert len(rows(path.with_name("projection.csv"))) == 9


def test_only_its_losses_and_distances_are_shown(params, folder):
    results = folder / "results/toy"
    shown = {path.stem for path in (results / "tables").glob("*.csv") if "pretrained" in path.read_text()}
    assert shown == {"distances"}
    assert {row["recipe"] for row in rows(results / "tables/table3.csv")} == {"both", "cross_entropy"}
    for name in ("accuracy_per_fold", "confusion"):
        assert {row["recipe"] for row in rows(results / f"{name}.csv")} == {"both", "cross_entropy"}
    (curve,) = (row for row in rows(results / "curves.csv") if row["recipe"] == "pretrained")
    assert curve["val_accuracy"] == "" and float(curve["train_loss"]) > 0
    assert set(read_json(results / "accuracy.json")["toy"]) == {"both", "cross_entropy"}
    run = rows(results / "provenance.csv")[0]
    assert (run["best_epoch_percent"], run["last_epoch_percent"]) == ("", "")
    page = (results / "README.md").read_text()
    assert "1 of 3 runs have no classifier and so no accuracy" in page and "3 of 3 runs" in page


def test_a_study_of_encoders_alone_has_what_shows_no_accuracy(params, folder):
    assert [table.name for table in tables_of(params, "alone")] == ["distances"]
    figures = [figure.name for figure in figures_of(params, "alone", "toy")]
    assert sorted(figures) == ["curves", "representations"]
    assert "Training loss, each scheme's own." in (folder / "results/alone/README.md").read_text()
    assert "Best epoch: chosen" not in (folder / "results/alone/README.md").read_text()


def test_it_is_not_asked_for_classes(params, folder):
    with pytest.raises(UserError, match="no stage teaches the run's classifier; name a run that starts from this one"):
        Classifier(place(params, folder))


@pytest.mark.parametrize(("recipe", "says"), [("pretrained", 0.5), ("both", None)])
def test_an_accuracy_is_there_where_the_settings_teach_it(params, folder, recipe, says):
    path = place(params, folder, recipe) / "metrics.json"
    text = path.read_text()
    record = {key: value for key, value in json.loads(text).items() if key != "checksum"}
    write_record(path, record | {"accuracy": {"best_epoch": says, "last_epoch": says}})
    try:
        with pytest.raises(UserError, match=f"metrics.json says accuracy {says}, its settings"):
            collect(params, "toy", folder / "results")
    finally:
        write_text(path, text)
