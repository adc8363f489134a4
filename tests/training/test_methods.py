"""Methods beyond SoundCLR's: views and NT-Xent, few labels, a start from another run, 1-D encoders."""

import dataclasses
import itertools
import json

import pytest
import soundfile
import torch

from soundclr.errors import UserError
from soundclr.evaluation.classifier import Classifier
from soundclr.evaluation.job import evaluate_job
from soundclr.machine.files import read_json, sha256_of_file
from soundclr.method import check
from soundclr.params import Params
from soundclr.run.records import write_record
from soundclr.run.runs import find_run, started_from
from soundclr.training import state as checkpoints
from soundclr.training.job import Paths, run_job
from soundclr.training.loop import StageLoop, train
from soundclr.training.split import known_labels
from soundclr.training.state import Saver, State
from support import toy
from support.outcomes import always, assert_equal, assert_same_outcome
from support.toy import Interrupted

CPU = torch.device("cpu")
MLP = {"layers": [{"linear_without_bias": 16}, "batch_norm", "relu", {"dropout": 0.1}, {"linear": 8}]}
PRETRAIN = {
    "name": "pretrain",
    "trains": ["encoder", "projection"],
    "views": 2,
    "loss": {"cross_entropy": 0.0, "nt_xent": 1.0},
    "training": {"monitor": "loss"},
}
PROBE = {"name": "probe", "trains": ["classifier"], "augment": []}
# Chen et al. 2020, two stages; Al-Tahan and Mohsenzadeh 2021 (CLAR), one, the classifier on the projection.
METHODS = {
    "nt_xent": {"stages": [PRETRAIN, PROBE], "projection": MLP, "crop": {"train": "centre"}},
    "clar": {
        "views": 2,
        "loss": {"cross_entropy": 1.0, "nt_xent": 1.0},
        "projection": MLP,
        "classifier": {"input": "projection", "layers": ["relu", {"linear": "classes"}]},
    },
    "few_labels": {"labels": 0.5, "loss": {"cross_entropy": 0.5, "supcon": 0.5}, "optimizer": "adam"},
    "lars": {"optimizer": "lars_adam", "optimizers": {"lars_adam": {"weight_decay": 1e-3, "decay_vectors": False}}},
    "waveforms": {"representation": "waveform", "encoder": "small_1d", "augment": ["scale"], "schedule": "cosine"},
}


def params_of(repo, method, others=(), **training):
    """The toy study with a recipe ``method`` of these settings, and ``others``."""
    content = toy.content(repo)
    for name, settings in {"method": method, **dict(others)}.items():
        content["recipes"][name] = {"title": name, "settings": settings}
    content["studies"]["toy"] |= {"recipes": ["method", *dict(others)]}
    content["studies"]["toy"]["settings"]["training"] |= training
    params = Params.model_validate(content)
    check(params.resolve("toy", "toy", "method"), "here")
    return params


@pytest.fixture
def resolved(repo):
    """``resolved(method, epochs=2)``: the settings of the toy run with this method."""
    return lambda method, **training: params_of(repo, method, **training).resolve("toy", "toy", "method")


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return toy.write_features(tmp_path_factory.mktemp("features") / "toy.safetensors")


def test_two_views_teach_without_a_label(resolved, make_task, make_network, tmp_path):
    """A probe of one linear layer knows the classes from what NT-Xent has made of the encoder."""
    chosen = resolved(METHODS["nt_xent"], epochs=15, patience=15)
    task, network = make_task(chosen), make_network(chosen)
    blind = dataclasses.replace(task, stages=chosen.stages[:1], known=torch.full_like(task.known, -1))
    pretrained = train(blind, network, tmp_path / "1.resume")
    losses = [row["val_loss"] for row in pretrained.history]
    assert min(losses[-3:]) < losses[0] - 0.2
    assert all(row["train_accuracy"] is None for row in pretrained.history)
    before = {key: value.clone() for key, value in network.encoder.state_dict().items()}
    probe = dataclasses.replace(task, stages=chosen.stages[1:])
    assert train(probe, network, tmp_path / "2.resume").history[-1]["val_accuracy"] >= 0.8
    assert_equal(network.encoder.state_dict(), before)


def test_nt_xent_and_cross_entropy_teach_together_through_the_projection(resolved, make_task, make_network, tmp_path):
    chosen = resolved(METHODS["clar"], epochs=15, patience=15)
    network = make_network(chosen)
    before = {key: value.clone() for key, value in network.named_parameters()}
    history = train(make_task(chosen), network, tmp_path / "x.resume").history
    assert history[-1]["val_accuracy"] >= 0.8 and history[-1]["train_accuracy"] >= 0.8
    assert not [key for key, value in network.named_parameters() if torch.equal(value, before[key])]


@pytest.mark.parametrize("method", METHODS)
def test_a_training_killed_every_few_batches_ends_bit_for_bit_the_same(
    resolved, make_task, make_network, tmp_path, monkeypatch, method
):
    """Also with views, labels, dropout and kept representations, in batches of 5; the last batch of 18 clips has 3."""
    chosen = resolved(METHODS[method], epochs=2)
    task = make_task(chosen)
    task = dataclasses.replace(task, known=known_labels(toy.waveforms(), task.train, chosen.labels))
    network = make_network(chosen)
    whole = train(task, network, tmp_path / "whole.resume")
    save, left = checkpoints.save, [0]

    def and_die(*arguments):
        save(*arguments)
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted

    monkeypatch.setattr(checkpoints, "save", and_die)
    for deaths in range(40):
        # As often as it makes progress: validation clips and kept representations are encoded again after a kill.
        pieces, left[0] = make_network(chosen), {"nt_xent": 9, "clar": 5}.get(method, 3) + deaths % 2
        torch.manual_seed(deaths)
        try:
            state = train(task, pieces, tmp_path / "pieces.resume", clock=always())
            break
        except Interrupted:
            continue
    assert 2 <= deaths < 39
    assert not (tmp_path / "pieces.damaged").exists()
    assert_same_outcome(state, pieces, whole, network)


def test_a_probe_on_a_fixed_encoder_encodes_each_clip_once(resolved, make_task, make_network, tmp_path, monkeypatch):
    chosen = resolved({**METHODS["nt_xent"], "stages": [PROBE]}, epochs=3)
    task, given = make_task(chosen), []
    original = task.inputs.eval_batch
    monkeypatch.setattr(task.inputs, "eval_batch", lambda *a: given.extend(a[0].tolist()) or original(*a))
    monkeypatch.setattr(task.inputs, "train_batch", None)
    kept, network = make_network(chosen), make_network(chosen)
    history = train(task, kept, tmp_path / "x.resume").history
    assert sorted(given) == list(range(len(task.labels))) and len(history) == 3

    monkeypatch.undo()
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)
    loop_of = StageLoop.__init__

    def never_still(self, *arguments):
        loop_of(self, *arguments)
        self.still = False

    monkeypatch.setattr(StageLoop, "__init__", never_still)
    plain = train(task, network, tmp_path / "y.resume").history
    for one, other in zip(history, plain, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], abs=1e-5)
        assert one["val_accuracy"] == other["val_accuracy"]


@pytest.mark.parametrize("crop", [{"train": "random"}, {"train": "centre", "eval": "random"}])
def test_a_probe_with_random_crops_encodes_in_each_epoch(resolved, make_task, make_network, tmp_path, crop):
    chosen = resolved({"stages": [PROBE], "crop": crop})
    loop = StageLoop(make_task(chosen), chosen.stages[0], make_network(chosen), State(), Saver(tmp_path / "x", "x"))
    assert not loop.still


def test_views_of_validation_clips_are_the_same_each_epoch_and_apart_from_the_trainings(
    resolved, make_task, make_network, tmp_path
):
    chosen = resolved(METHODS["clar"], patience=9)
    task = make_task(chosen)
    loop = StageLoop(task, chosen.stages[0], make_network(chosen), State(), Saver(tmp_path / "x", "x"))
    loop.saver.due = lambda: False
    one, other = loop.validate(), loop.validate()
    assert one[0] == other[0] and torch.equal(one[1], other[1])

    # Whatever the validation clips are: the training draws the same.
    networks = [make_network(chosen) for _ in range(2)]
    histories = [
        train(dataclasses.replace(task, val=val), network, tmp_path / f"{len(val)}.resume").history
        for val, network in zip((task.val, task.val[:4]), networks, strict=True)
    ]
    assert [row["train_loss"] for row in histories[0]] == [row["train_loss"] for row in histories[1]]
    assert_equal(networks[0].state_dict(), networks[1].state_dict())


@pytest.mark.parametrize("method", ["few_labels", "clar"])
def test_labels_beyond_the_share_are_not_looked_at(resolved, make_task, make_network, tmp_path, monkeypatch, method):
    """Nor are clips without a label encoded if all losses need labels."""
    chosen = resolved({**METHODS[method], "labels": 0.5}, epochs=2)
    task, given = make_task(chosen), set()
    known = known_labels(toy.waveforms(), task.train, chosen.labels)
    original = task.inputs.train_batch
    monkeypatch.setattr(task.inputs, "train_batch", lambda *a: given.update(a[0].tolist()) or original(*a))

    def weights(labels, known):
        network = make_network(chosen)
        train(dataclasses.replace(task, labels=labels, known=known), network, tmp_path / "x.resume")
        (tmp_path / "x.resume").unlink()
        return network.state_dict()

    some = weights(task.labels, known)
    with_label = task.train[known[task.train] != -1]
    assert torch.bincount(known[with_label]).tolist() == [3, 3, 3]
    taught = set((with_label if method == "few_labels" else task.train).tolist())
    assert given & set(task.train.tolist()) == taught
    assert_equal(some, weights(task.labels.where(known != -1, (task.labels + 1) % 3), known))
    every = weights(task.labels, task.labels)
    assert not torch.equal(some["classifier.1.weight"], every["classifier.1.weight"])


def test_half_of_the_labels_through_a_job(repo, features, tmp_path):
    params = params_of(repo, METHODS["few_labels"], epochs=15, patience=15)
    run = find_run(params, "toy", "toy", "method", 1, 0)
    metrics = read_json(run_job(run, params, Paths(features, None, tmp_path), CPU))
    assert metrics["settings"]["labels"] == 0.5 and metrics["clips"]["train"] == 18
    assert metrics["accuracy"]["last_epoch"] >= 0.8


@pytest.mark.parametrize("size", [17, 8, 2])
def test_a_clip_left_over_is_in_the_batch_before(resolved, make_task, make_network, tmp_path, size):
    """Batch norm in a head cannot take one clip, nor a contrastive loss learn from it."""
    chosen = resolved({"loss": {"cross_entropy": 0.5, "supcon": 0.5}, "projection": MLP}, epochs=2, batch_size=size)
    task = make_task(chosen)
    task = dataclasses.replace(task, train=task.train[: 17 // size * size + 1])
    network = make_network(chosen)
    network.projection[1].register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    sizes = []
    train(task, network, tmp_path / "x.resume")
    steps = torch.load(tmp_path / "x.resume")["optimizer"]["state"][0]["step"]
    assert steps == 2 * (17 // size) and min(sizes) > 1 and max(sizes) == max(size + 1, len(task.val))


START = {"stages": [PROBE], "start": {"weights": "none", "run": "cross_entropy"}, "crop": {"train": "centre"}}


def test_a_run_starts_from_another_runs_encoder(repo, features, tmp_path):
    params = params_of(repo, START, epochs=8, patience=8)
    paths = Paths(features, None, tmp_path)
    run = find_run(params, "toy", "toy", "method", 2, 1)
    other = started_from(params, run)
    assert (other.recipe, other.fold, other.seed) == ("cross_entropy", 2, 1)
    with pytest.raises(UserError) as error:
        run_job(run, params, paths, CPU)
    assert "this run starts from it, but it is missing; make it with `soundclr train" in str(error.value)
    assert "--recipe cross_entropy --fold 2 --seed 1`" in str(error.value)

    run_job(other, params, paths, CPU)
    metrics = read_json(run_job(run, params, paths, CPU))
    model = sha256_of_file(other.model(tmp_path))
    assert metrics["start"] == {"name": f"{other.group}/fold2-seed1", "sha256": model}
    first, second = (torch.load(r.model(tmp_path)) for r in (other, run))
    encoder = {key for key in first if key.startswith("encoder.")}
    assert_equal({key: first[key] for key in encoder}, {key: second[key] for key in encoder})
    assert metrics["accuracy"]["last_epoch"] >= 0.8

    other.model(tmp_path).write_bytes(b"x")
    with pytest.raises(UserError, match=r"fold2-seed1\.pt: is damaged or belongs to another run"):
        run_job(run, params, paths, CPU)


def test_a_checkpoint_of_another_start_is_not_gone_on_from(repo, features, tmp_path, interrupt, capsys):
    """The run that it starts from was trained again, elsewhere: metrics.json could not name both."""
    params = params_of(repo, START, epochs=2)
    paths = Paths(features, None, tmp_path)
    run = find_run(params, "toy", "toy", "method", 2, 1)
    other = started_from(params, run)
    run_job(other, params, paths, CPU)
    interrupt(1)
    with pytest.raises(Interrupted):
        run_job(run, params, paths, CPU)
    interrupt(99)
    state = torch.load(other.model(tmp_path))
    torch.save({key: value * 2 if "encoder" in key else value for key, value in state.items()}, other.model(tmp_path))
    path = other.directory(tmp_path) / "metrics.json"
    record = read_json(path)
    del record["checksum"]
    write_record(path, record | {"model_sha256": sha256_of_file(other.model(tmp_path))})
    run_job(run, params, paths, CPU)
    assert "fold2-seed1.resume: cannot resume from it" in capsys.readouterr().err


def test_a_start_from_another_encoder_is_one_line(repo, features, tmp_path):
    start = {**START, "start": {"weights": "none", "run": "waveforms"}}
    params = params_of(repo, start, {"waveforms": METHODS["waveforms"]}, epochs=1)
    paths = Paths(features, None, tmp_path)
    run_job(find_run(params, "toy", "toy", "waveforms", 1, 0), params, paths, CPU)
    with pytest.raises(UserError, match="its encoder differs from this run's") as error:
        run_job(find_run(params, "toy", "toy", "method", 1, 0), params, paths, CPU)
    assert "\n" not in str(error.value)


def test_waveforms_train_are_evaluated_and_classify(repo, features, tmp_path):
    params = params_of(repo, METHODS["waveforms"], epochs=25, patience=25)
    run = find_run(params, "toy", "toy", "method", 1, 0)
    metrics = read_json(run_job(run, params, Paths(features, None, tmp_path), CPU))
    assert metrics["accuracy"]["last_epoch"] >= 0.8
    clean, *_ = json.loads(evaluate_job(run, params, features, tmp_path, CPU).read_text())["accuracy"]
    assert (clean["sigma"], clean["accuracy"]) == (0, metrics["accuracy"]["last_epoch"])
    classifier, right = Classifier(run.directory(tmp_path)), 0
    clips, labels, folds, _ = toy.arrays()
    for clip, label in itertools.compress(zip(clips, labels, strict=True), [fold == 1 for fold in folds]):
        soundfile.write(tmp_path / "x.wav", clip, toy.RATE, subtype="PCM_16")
        whole, _ = classifier.classify(tmp_path / "x.wav")
        right += next(iter(whole.classes)) == toy.CLASSES[label]
    assert right / 9 >= 0.8
