"""Linear evaluation: a fixed encoder's representations, and the classifier that logistic regression finds on them."""

import csv
import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression as Model
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from soundclr.audio.pipeline import Inputs
from soundclr.errors import UserError
from soundclr.evaluation.job import evaluate_job
from soundclr.method import check
from soundclr.models.load import load_run
from soundclr.params import Params
from soundclr.run.runs import find_run
from soundclr.training.job import Paths, run_job
from soundclr.training.solvers import Fit, LogisticRegression
from soundclr.training.solving import inner_clips
from support import toy

CPU = torch.device("cpu")
STAGE = {"name": "linear", "trains": ["classifier"], "augment": [], "optimizer": "logistic_regression"}
STAGE |= {"training": {"epochs": 1}}
LINEAR = {"classifier": {"layers": [{"linear": "classes"}]}, "stages": [STAGE]}


def params_of(repo, settings=LINEAR):
    content = toy.content(repo)
    content["recipes"]["linear"] = {"title": "linear", "settings": settings}
    content["studies"]["toy"] |= {"recipes": ["linear"]}
    return Params.model_validate(content)


@pytest.fixture(scope="module")
def params(repo):
    return params_of(repo)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("linear")
    return Paths(toy.write_features(folder / "toy.safetensors"), None, folder / "results")


@pytest.fixture(scope="module")
def finished(params, paths):
    """The run of fold 2, and what load_run has of it."""
    run = find_run(params, "toy", "toy", "linear", 2, 0)
    return run, *load_run(run_job(run, params, paths, CPU).parent)


def probabilities(run, paths):
    """Of each held-out clip, by its name."""
    with open(run.directory(paths.results) / "predictions.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["epoch"] == "last"]
    return {row["clip"]: [float(row[name]) for name in toy.CLASSES] for row in rows}


def test_it_equals_scikit_learn_on_standardised_features(finished, params, paths):
    """Fold 3 chooses the strength of a fit on fold 1; the fit on both says of fold 2 what the run does."""
    run, metrics, settings, network = finished
    clips = toy.waveforms()
    with torch.inference_mode():
        images = Inputs(clips, settings).eval_batch(torch.arange(len(clips)), torch.Generator())
        features = network.represent(images).double().numpy()
    labels, folds = clips.labels.numpy(), clips.folds.numpy()

    def fitted(among, strength):
        model = Model(C=1 / (strength * among.sum()), max_iter=10_000, tol=1e-7)
        return make_pipeline(StandardScaler(), model).fit(features[among], labels[among])

    (stage,) = settings.stages
    strengths = stage.optimizer.parameters["strengths"]
    assert len(strengths) == 7 and (strengths[0], strengths[-1]) == (1e-4, 1e2)
    scores = [fitted(folds == 1, s).score(features[folds == 3], labels[folds == 3]) for s in strengths]
    best = max(s for s, score in zip(strengths, scores, strict=True) if score == max(scores))
    expected = fitted(folds != 2, best).predict_proba(features[folds == 2])
    found = probabilities(run, paths)
    assert list(found) == [clip for clip, fold in zip(clips.clips, folds, strict=True) if fold == 2]
    np.testing.assert_allclose(list(found.values()), expected, atol=5e-3)
    right = (np.argmax(expected, axis=1) == labels[folds == 2]).mean()
    assert metrics.accuracy.last_epoch == metrics.accuracy.best_epoch == pytest.approx(right)


def test_its_record_is_of_one_epoch_that_was_not_cut_short(finished, paths):
    run, metrics, _, _ = finished
    assert (metrics.epochs, metrics.best_epoch, metrics.stopped_early) == (1, 1, False)
    with open(run.directory(paths.results) / "history.csv") as file:
        (row,) = csv.DictReader(file)
    assert (row["stage"], row["epoch"]) == ("linear", "1")
    assert float(row["val_accuracy"]) == pytest.approx(metrics.accuracy.last_epoch, abs=1e-5)
    assert float(row["train_accuracy"]) > 0.9


def test_the_encoder_is_as_it_was_and_the_model_answers_as_the_run_did(finished, params, paths):
    """The evaluation refuses a model that is not as often right as the run says."""
    run, _, _, network = finished
    assert evaluate_job(run, params, paths.features, paths.results, CPU).is_file()
    fresh = find_run(params, "toy", "toy", "linear", 2, 0)
    other = Paths(paths.features, None, paths.results.with_name("again"))
    run_job(fresh, params, other, CPU)
    assert fresh.model(other.results).read_bytes() == run.model(paths.results).read_bytes()
    norms = [module for module in network.encoder.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms and all(torch.equal(norm.running_mean, torch.zeros_like(norm.running_mean)) for norm in norms)


@pytest.mark.parametrize("clips", [40, 200])
@pytest.mark.parametrize("strength", [1e-3, 1.0])
def test_more_features_than_clips_or_fewer_come_to_scikit_learns_weights(clips, strength):
    """Of features that go together, as a network's do."""
    random = np.random.default_rng(3)
    labels = np.arange(clips) % 4
    features = random.normal(size=(clips, 8)) @ random.normal(size=(8, 60)) + 0.3 * random.normal(size=(clips, 60))
    features += np.eye(4)[labels] @ random.normal(size=(4, 60))
    weights, biases = Fit(features, labels).solve(strength, 4)
    scaler = StandardScaler().fit(features)
    model = Model(C=1 / (strength * clips), max_iter=20_000, tol=1e-9).fit(scaler.transform(features), labels)
    theirs = model.decision_function(scaler.transform(features))
    ours = features @ weights.T + biases
    np.testing.assert_allclose(ours - ours.mean(1, keepdims=True), theirs - theirs.mean(1, keepdims=True), atol=1e-2)


@pytest.mark.parametrize("present", [(0, 1, 2), (0, 2), (1, 2)])
def test_a_fit_minimises_its_objective(present):
    """Compare with plain gradient descent on the written-out loss; also with two classes, and with an empty class."""
    random = np.random.default_rng(0)
    labels = np.array([present[i % len(present)] for i in range(60)])
    features = 3 * random.normal(size=(60, 4)) + labels[:, None] + [5, 0, 0, 0]
    features[:, 3] = 7.0  # never differs
    strength = 0.1
    weights, biases = Fit(features, labels).solve(strength, classes=3)
    ours = features @ weights.T + biases

    scaled = torch.tensor((features - features.mean(0)) / np.array([*features[:, :3].std(0), 1.0]))
    rows = len(present)
    w, b = torch.zeros(rows, 4, dtype=torch.float64), torch.zeros(rows, dtype=torch.float64)
    target = torch.tensor([present.index(label) for label in labels])
    descent = torch.optim.LBFGS([w.requires_grad_(), b.requires_grad_()], max_iter=500, line_search_fn="strong_wolfe")

    def logits():
        return scaled @ w.T + b

    def loss():
        descent.zero_grad()
        value = torch.nn.functional.cross_entropy(logits(), target) + strength / 2 * w.square().sum()
        value.backward()
        return value

    descent.step(loss)
    expected = logits().detach().softmax(dim=1).numpy()
    found = np.exp(ours - ours.max(1, keepdims=True))
    found /= found.sum(1, keepdims=True)
    np.testing.assert_allclose(found[:, list(present)], expected, atol=1e-4)
    assert found[:, [c for c in range(3) if c not in present]].sum() == 0


def test_the_strength_is_chosen_on_the_inner_clips_alone():
    """Two features tell the classes apart by their difference, which a strong penalty does not find.

    Where the inner clips' labels are the wrong way round it is the better choice: it is right by chance.
    """
    random = np.random.default_rng(0)
    labels = np.arange(200) % 2
    inner = np.arange(200) >= 100
    common = random.normal(size=200) + 0.3 * labels
    features = np.stack([common + 0.05 * labels, common - 0.05 * labels], axis=1)
    solver = LogisticRegression(strengths=(1e-6, 10.0))
    for truth, best in ((labels, 1e-6), (np.where(inner, 1 - labels, labels), 10.0)):
        chosen = solver.solve(features, truth, inner, 2)
        np.testing.assert_array_equal(chosen[0], Fit(features, truth).solve(best, 2)[0])


def test_without_inner_clips_the_middle_strength_is_taken():
    """A clip of each class leaves none to choose by."""
    features, labels = np.random.default_rng(0).normal(size=(3, 5)), np.arange(3)
    inner = np.zeros(3, dtype=bool)
    chosen = LogisticRegression(strengths=(10.0, 1e-4, 0.1)).solve(features, labels, inner, 3)
    np.testing.assert_array_equal(chosen[0], Fit(features, labels).solve(0.1, 3)[0])


def test_inner_clips_are_the_next_fold_or_a_fifth_of_each_class():
    clips = toy.waveforms()
    for held_out, inner in ((1, 2), (2, 3), (3, 1)):
        train = (clips.folds != held_out).nonzero()[:, 0]
        mask = inner_clips(clips, train, clips.labels[train], held_out)
        assert set(clips.folds[train[mask]].tolist()) == {inner}
    train = (clips.folds == 2).nonzero()[:, 0]
    mask = inner_clips(clips, train, clips.labels[train], held_out=1)
    assert sorted(clips.labels[train[mask]].tolist()) == [0, 1, 2]  # one of three
    turned = inner_clips(clips, train.flip(0), clips.labels[train].flip(0), held_out=1)
    assert torch.equal(turned.flip(0), mask)


@pytest.mark.parametrize(
    "change",
    [
        {"stages": [STAGE | {"trains": ["encoder", "classifier"]}]},
        {"stages": [STAGE | {"augment": ["scale"]}]},
        {"stages": [STAGE | {"training": {"epochs": 2}}]},
        {"stages": [STAGE | {"loss": {"cross_entropy": 0.5, "supcon": 0.5}}]},
        {"classifier": {"layers": ["normalise", {"linear": "classes"}]}},
    ],
)
def test_what_it_cannot_do_is_one_line(repo, change):
    settings = params_of(repo, LINEAR | change).resolve("toy", "toy", "linear")
    with pytest.raises(UserError, match=r"stage 'linear': optimizer logistic_regression needs .* differs$"):
        check(settings, "here")


def test_few_clips_of_many_classes_bring_no_warning():
    features, labels = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Fit(features, labels).solve(1.0, 20)


def test_clips_of_one_class_are_one_line():
    with pytest.raises(UserError, match="all training clips have the same class"):
        Fit(np.zeros((3, 2)), np.ones(3))
