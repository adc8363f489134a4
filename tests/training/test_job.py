"""A job: its files, what they say of the run, and that they come out the same again."""

import csv
import dataclasses
import io
import json
import re

import pytest
import torch

from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Inputs
from soundclr.errors import UserError
from soundclr.machine import provenance
from soundclr.machine.files import sha256_of_file, sha256_of_json
from soundclr.machine.provenance import code_version
from soundclr.models.load import load_run
from soundclr.params import Params, RunSettings
from soundclr.run.runs import dataset_hash, find_run
from soundclr.training import loop
from soundclr.training.job import Paths, run_job
from support import toy
from support.toy import Interrupted

CPU = torch.device("cpu")
TIMES = ("duration_seconds", "clips_per_second", "created", "checksum", "files")


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return toy.write_features(tmp_path_factory.mktemp("features") / "toy.safetensors")


@pytest.fixture
def params(repo):
    return toy.params(repo)


@pytest.fixture(autouse=True)
def no_git(monkeypatch):
    """The repository's state is not what these tests are about, and two runs may fall on either side of a commit."""
    monkeypatch.setattr(provenance, "git_state", lambda: {"git_commit": "a" * 40, "git_dirty": False})


def start(params, features, results, recipe="hybrid", fold=2, seed=1):
    run = find_run(params, "toy", "toy", recipe, fold, seed)
    return run, run_job(run, params, Paths(features, None, results), CPU)


def table(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("recipe", ["cross_entropy", "supervised_contrastive", "hybrid"])
def test_the_files_of_a_run(params, features, tmp_path, recipe):
    run, path = start(params, features, tmp_path, recipe)
    folder = run.directory(tmp_path)
    assert path == folder / "metrics.json"
    assert sorted(p.name for p in folder.iterdir()) == ["history.csv", "metrics.json", "predictions.csv"]
    assert [p.name for p in run.model(tmp_path).parent.iterdir()] == ["fold2-seed1.pt"]  # and no checkpoint

    metrics = json.loads(path.read_text(encoding="utf-8"))
    checksum = metrics.pop("checksum")
    assert checksum == sha256_of_json(metrics)
    assert metrics["files"] == {name: sha256_of_file(folder / name) for name in ("history.csv", "predictions.csv")}
    expected = {
        "format": 3,
        "study": "toy",
        "dataset": "toy",
        "recipe": recipe,
        "recipe_hash": run.hash,
        "fold": 2,
        "seed": 1,
        "epochs": 3,
        "stopped_early": False,
        "clips": {"train": 18, "test": 9, "validation": None, "identical": toy.IDENTICAL},
        "classes": list(toy.CLASSES),
        "dataset_hash": dataset_hash(params, "toy"),
        "start": {"name": "none", "sha256": None},
        "index_sha256": "0" * 64,
        "features_sha256": Waveforms.load(features).sha256,
        "model_sha256": sha256_of_file(run.model(tmp_path)),
        "precision": "float32",
        "code": [code_version()],
        "git_commit": "a" * 40,
        "git_dirty": False,
    }
    assert {key: metrics[key] for key in expected} == expected
    assert set(metrics) - set(expected) == {
        "accuracy", "best_epoch", "settings", "device", "duration_seconds", "clips_per_second", "versions", "created",
        "files",
    }  # fmt: skip
    assert RunSettings.model_validate(metrics["settings"]) == params.resolve("toy", "toy", recipe)
    assert set(metrics["versions"]) == {"python", "torch", "torchvision", "torchaudio", "soundclr"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metrics["created"])
    assert metrics["device"].endswith((" thread", " threads"))

    history = table(folder / "history.csv")
    assert ",".join(history[0]) == (
        "stage,epoch,lr,train_loss,train_accuracy,val_loss,val_accuracy,seconds,clips_per_second"
    )
    stages = [stage.name for stage in params.resolve("toy", "toy", recipe).stages]
    assert [(row["stage"], row["epoch"]) for row in history] == [(name, str(e)) for name in stages for e in (1, 2, 3)]

    rows = table(folder / "predictions.csv")
    _, labels, folds, names = toy.arrays()
    held_out = [(name, str(label)) for name, label, fold in zip(names, labels, folds, strict=True) if fold == 2]
    assert list(rows[0]) == ["clip", "source", "label", "epoch", *toy.CLASSES]
    assert [(row["clip"], row["label"]) for row in rows] == held_out * 2
    assert [row["epoch"] for row in rows] == ["best"] * 9 + ["last"] * 9
    for row in rows:
        assert sum(float(row[name]) for name in toy.CLASSES) == pytest.approx(1, abs=3e-6)
    for epoch in ("best", "last"):
        chosen = [row for row in rows if row["epoch"] == epoch]
        guesses = [max(range(3), key=lambda label, row=row: float(row[toy.CLASSES[label]])) for row in chosen]
        right = sum(str(guess) == row["label"] for guess, row in zip(guesses, chosen, strict=True)) / 9
        assert metrics["accuracy"][f"{epoch}_epoch"] == pytest.approx(right)
    of_last_stage = [float(row["val_accuracy"]) for row in history if row["stage"] == stages[-1]]
    assert metrics["accuracy"]["best_epoch"] == pytest.approx(max(of_last_stage), abs=1e-6)
    assert metrics["best_epoch"] == of_last_stage.index(max(of_last_stage)) + 1
    assert metrics["accuracy"]["last_epoch"] == pytest.approx(of_last_stage[-1], abs=1e-6)


def test_the_model_gives_the_last_predictions(params, features, tmp_path):
    _, path = start(params, features, tmp_path)
    _, settings, network = load_run(path.parent)
    assert settings == params.resolve("toy", "toy", "hybrid")
    waveforms = toy.waveforms()
    inputs = Inputs(waveforms, settings)
    clips = (waveforms.folds == 2).nonzero()[:, 0]
    with torch.inference_mode():
        probabilities = network(inputs.eval_batch(clips, torch.Generator()))[1].softmax(dim=1)
    rows = [row for row in table(path.parent / "predictions.csv") if row["epoch"] == "last"]
    written = torch.tensor([[float(row[name]) for name in toy.CLASSES] for row in rows])
    torch.testing.assert_close(written, probabilities, rtol=0, atol=1e-4)


def test_two_runs_differ_only_in_time(params, features, tmp_path):
    outcomes = []
    for place in ("one", "two"):
        torch.rand(3)  # what was drawn before does not matter
        run, path = start(params, features, tmp_path / place)
        metrics = json.loads(path.read_text(encoding="utf-8"))
        history = [list(row.values())[:-2] for row in table(path.parent / "history.csv")]
        predictions = (path.parent / "predictions.csv").read_bytes()
        weights = torch.load(run.model(tmp_path / place))
        outcomes.append(({k: v for k, v in metrics.items() if k not in TIMES}, history, predictions, weights))
    one, two = outcomes
    assert one[:3] == two[:3]
    assert all(torch.equal(one[3][key], two[3][key]) for key in one[3])


def test_seed_and_fold_change_the_outcome(params, features, tmp_path):
    places = [{"fold": 2, "seed": 0}, {"fold": 2, "seed": 1}, {"fold": 1, "seed": 0}]
    outcomes = {
        (start(params, features, tmp_path, **place)[1].parent / "predictions.csv").read_text() for place in places
    }
    assert len(outcomes) == 3


@pytest.mark.parametrize("recipe", ["hybrid_inner", "supervised_contrastive_inner"])
def test_an_inner_fold_chooses_and_the_held_out_fold_has_no_say(repo, params, features, tmp_path, recipe):
    run, path = start(params, features, tmp_path / "one", recipe)
    metrics = json.loads(path.read_text(encoding="utf-8"))
    history = [list(row.values())[:-2] for row in table(path.parent / "history.csv")]
    rows = table(path.parent / "predictions.csv")
    clips = toy.waveforms()
    assert metrics["clips"] == {"train": 9, "test": 9, "validation": 9, "identical": toy.IDENTICAL}
    assert {row["clip"] for row in rows} == {n for n, f in zip(clips.clips, clips.folds, strict=True) if f == 2}
    accuracies = [float(row[6]) for row in history[-3:]]
    assert metrics["best_epoch"] == accuracies.index(max(accuracies)) + 1

    # Other sounds in the held-out fold: the same training, other predictions.
    other = clips.samples.clone()
    for clip in (clips.folds == 2).nonzero()[:, 0].tolist():
        other[clips.offsets[clip] : clips.offsets[clip + 1]] //= 3
        other[clips.offsets[clip]] = 30000
    elsewhere = toy.write_features(tmp_path / "other.safetensors", dataclasses.replace(clips, samples=other))
    _, again = start(params, elsewhere, tmp_path / "two", recipe)
    assert [list(row.values())[:-2] for row in table(again.parent / "history.csv")] == history
    assert run.model(tmp_path / "two").read_bytes() == run.model(tmp_path / "one").read_bytes()
    assert table(again.parent / "predictions.csv") != rows

    # What a training of the stage that ends with its best epoch says last is what this one says of its best.
    if recipe == "hybrid_inner":
        shorter = toy.params(repo, epochs=metrics["best_epoch"])
        _, short = start(shorter, features, tmp_path / "short", recipe)
        of_best = [list(row.values())[4:] for row in rows if row["epoch"] == "best"]
        assert [
            list(r.values())[4:] for r in table(short.parent / "predictions.csv") if r["epoch"] == "last"
        ] == of_best


def test_the_report_takes_runs_with_an_inner_fold(repo, features, tmp_path):
    from soundclr.report.collect import collect  # all of the report, which no other test here needs

    content = toy.content(repo)
    content["studies"]["toy"]["recipes"] = ["hybrid_inner"]
    params = Params.model_validate(content)
    start(params, features, tmp_path, "hybrid_inner", seed=0)
    assert collect(params, "toy", tmp_path).coverage == "1 of 3 runs"


def test_a_device_without_memory_for_the_clips_is_one_line(params, features, tmp_path, monkeypatch):
    def to(self, device):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(Waveforms, "to", to)
    with pytest.raises(UserError, match="no memory for the network and the clips") as error:
        start(params, features, tmp_path)
    assert "\n" not in str(error.value) and list(tmp_path.iterdir()) == []


def test_an_interrupted_job_goes_on_and_ends_the_same(params, features, tmp_path, interrupt):
    _, whole = start(params, features, tmp_path / "whole")
    interrupt(2)
    with pytest.raises(Interrupted):
        start(params, features, tmp_path / "pieces")
    run = find_run(params, "toy", "toy", "hybrid", 2, 1)
    checkpoint = run.model(tmp_path / "pieces").with_suffix(".resume")
    assert checkpoint.is_file()
    assert not run.directory(tmp_path / "pieces").exists()
    interrupt(99)
    _, path = start(params, features, tmp_path / "pieces")
    assert not checkpoint.exists()
    assert (path.parent / "predictions.csv").read_bytes() == (whole.parent / "predictions.csv").read_bytes()
    histories = [[list(row.values())[:-2] for row in table(p.parent / "history.csv")] for p in (path, whole)]
    assert histories[0] == histories[1]


def test_a_checkpoint_of_another_run_is_not_gone_on_with(params, features, tmp_path, interrupt, capsys):
    interrupt(1)
    with pytest.raises(Interrupted):
        start(params, features, tmp_path, fold=1)
    interrupt(99)
    foreign = find_run(params, "toy", "toy", "hybrid", 1, 1).model(tmp_path).with_suffix(".resume")
    foreign.rename(foreign.with_name("fold2-seed1.resume"))
    _, path = start(params, features, tmp_path)
    assert "fold2-seed1.resume: cannot resume from it" in capsys.readouterr().err
    assert len(table(path.parent / "history.csv")) == 3


def test_a_checkpoint_of_other_clips_is_not_gone_on_with(params, features, tmp_path, interrupt, capsys):
    interrupt(2)
    with pytest.raises(Interrupted):
        start(params, features, tmp_path)
    interrupt(99)
    clips = toy.waveforms()
    other = toy.write_features(tmp_path / "other.safetensors", dataclasses.replace(clips, samples=clips.samples // 2))
    _, path = start(params, other, tmp_path)
    assert "fold2-seed1.resume: cannot resume from it" in capsys.readouterr().err
    _, whole = start(params, other, tmp_path / "whole")
    assert (path.parent / "predictions.csv").read_bytes() == (whole.parent / "predictions.csv").read_bytes()


@pytest.mark.parametrize("recipe", ["hybrid", "supervised_contrastive"])
def test_a_run_that_other_code_goes_on_with_names_both(params, features, tmp_path, interrupt, monkeypatch, recipe):
    interrupt(2)
    with pytest.raises(Interrupted):
        start(params, features, tmp_path, recipe)
    interrupt(99)
    monkeypatch.setattr(loop, "code_version", lambda: "another code")
    _, path = start(params, features, tmp_path, recipe)
    assert json.loads(path.read_text(encoding="utf-8"))["code"] == [code_version(), "another code"]


def test_stopped_early_is_told(repo, features, tmp_path):
    params = toy.params(repo, epochs=9, patience=1, lr=1e-9)  # nothing is learned, so nothing gets better
    _, path = start(params, features, tmp_path)
    metrics = json.loads(path.read_text(encoding="utf-8"))
    assert metrics["stopped_early"] is True
    assert metrics["epochs"] == metrics["best_epoch"] + 1 < 9


@pytest.mark.parametrize(("first", "second", "early"), [(1, 9, True), (9, 1, True), (9, 9, False)])
def test_any_stage_that_stopped_early_is_told(repo, features, tmp_path, first, second, early):
    """The last epoch of a later stage rests on what the held-out fold ended before it."""
    content = toy.content(repo)
    stages = content["recipes"]["supervised_contrastive"]["settings"]["stages"]
    for stage, patience in zip(stages, (first, second), strict=True):
        # nothing is learned, so nothing gets better
        stage["training"] = {"epochs": 3, "patience": patience, "lr": 1e-12, "monitor": "accuracy"}
    _, path = start(Params.model_validate(content), features, tmp_path, "supervised_contrastive")
    metrics = json.loads(path.read_text(encoding="utf-8"))
    epochs = [row["stage"] for row in table(path.parent / "history.csv")]
    assert [epochs.count(stage["name"]) for stage in stages] == [3 if n == 9 else 2 for n in (first, second)]
    assert metrics["stopped_early"] is early


def test_metrics_are_written_last(params, features, tmp_path, monkeypatch):
    """Whatever fails while a run's files are written, there is no metrics.json that speaks of them."""
    monkeypatch.setattr("soundclr.training.state.save", lambda *_: None)
    monkeypatch.setattr(torch, "save", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(UserError, match=r"fold2-seed1\.pt: cannot be written \(disk full\)"):
        start(params, features, tmp_path)
    run = find_run(params, "toy", "toy", "hybrid", 2, 1)
    assert not (run.directory(tmp_path) / "metrics.json").exists()
    assert not run.model(tmp_path).exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_rate": 8000}, "has 8000 Hz and 3 classes, but toy in params.yaml has 4000 Hz and 3"),
        ({"classes": ("a", "b")}, "has 4000 Hz and 2 classes, but toy in params.yaml has 4000 Hz and 3"),
        ({"folds": torch.ones(27, dtype=torch.int64)}, "no clip of toy is in fold 2"),
    ],
)
def test_features_that_are_not_the_datasets_are_refused(params, tmp_path, changes, message):
    features = toy.write_features(tmp_path / "other.safetensors", dataclasses.replace(toy.waveforms(), **changes))
    with pytest.raises(UserError, match=message) as error:
        start(params, features, tmp_path / "results")
    assert str(features) in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "results").exists()


def test_no_features(params, tmp_path):
    with pytest.raises(UserError, match="no such features file"):
        start(params, tmp_path / "none.safetensors", tmp_path / "results")


def test_weights_that_params_yaml_does_not_name_are_refused(repo, features, tmp_path):
    content = toy.content(repo)
    content["studies"]["toy"]["settings"] |= {"encoder": "resnet18", "start": {"weights": "imagenet_pqf"}}
    params = Params.model_validate(content)
    weights = tmp_path / "weights.pth"
    torch.save({}, weights)
    run = find_run(params, "toy", "toy", "hybrid", 2, 1)
    expected = params.weights["imagenet_pqf"].files["resnet18"].sha256
    message = (
        f"has SHA-256 {sha256_of_file(weights)}, not {expected} as in params.yaml; "
        "remove it, then run `soundclr weights"
    )
    with pytest.raises(UserError, match=message) as error:
        run_job(run, params, Paths(features, weights, tmp_path / "results"), CPU)
    assert str(weights) in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "results").exists()
