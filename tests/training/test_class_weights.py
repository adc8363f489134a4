"""Class weights: rare classes weigh as much as common ones, in the loss and in the closed-form classifier."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression as Model
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy

from soundclr.losses import CrossEntropy, Loss, Outputs, balanced_weights
from soundclr.params import Params
from soundclr.training.loop import StageLoop
from soundclr.training.solvers import LogisticRegression
from soundclr.training.state import State

COUNTS = torch.tensor([6, 3, 0, 1])


def outputs(logits, labels, class_clips=COUNTS):
    clips = torch.arange(len(labels))
    return Outputs(torch.full((len(labels), 2), torch.nan), logits, labels, clips, 1, class_clips)


def test_the_weights_are_scikit_learns():
    labels = np.repeat([0, 1, 3], [6, 3, 1])
    of_the_present = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=labels)
    assert balanced_weights(COUNTS)[[0, 1, 3]].numpy() * 4 / 3 == pytest.approx(of_the_present)  # of 3 classes, not 4
    assert balanced_weights(COUNTS)[2] == 0


def test_a_batch_is_a_weighted_mean():
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 3, -1, 1, 0])
    weights = [10 / (4 * 6), 10 / (4 * 1), 0, 10 / (4 * 3), 10 / (4 * 6)]
    each = cross_entropy(logits, labels, ignore_index=-1, reduction="none")
    expected = sum(w * float(one) for w, one in zip(weights, each, strict=True)) / sum(weights)
    assert float(CrossEntropy(class_weights="balanced")(outputs(logits, labels))) == pytest.approx(expected)
    plain = CrossEntropy()(outputs(logits, labels))
    assert float(plain) == pytest.approx(float(each.sum() / 4))


def test_equal_classes_change_nothing():
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))
    labels, equal = torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([4, 4, 4])
    one, other = (CrossEntropy(class_weights=each)(outputs(logits, labels, equal)) for each in ("balanced", None))
    assert float(one) == pytest.approx(float(other))


def test_a_batch_without_labels_costs_nothing():
    logits = torch.randn(3, 4, requires_grad=True)
    loss = CrossEntropy(class_weights="balanced")(outputs(logits, torch.full((3,), -1)))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_batches_keep_the_counts_when_they_are_joined():
    part = outputs(torch.zeros(2, 4), torch.tensor([0, 1]))
    assert torch.equal(Outputs.joined([part, part]).class_clips, COUNTS)


def test_a_training_counts_its_labelled_clips(settings, make_task, make_network):
    task, network = make_task(settings("hybrid")), make_network(settings("hybrid"))
    task.known[task.train[0]] = -1
    loop = StageLoop(task, task.stages[0], network, State(), None)
    known = [int(task.known[clip]) for clip in task.train if task.known[clip] >= 0]
    assert loop.class_clips.tolist() == [known.count(label) for label in range(network.classes)]
    assert loop.outputs(task.train[:2], torch.Generator()).class_clips is loop.class_clips


def test_params_name_it(repo):
    from support import toy

    content = toy.content(repo)
    content["recipes"]["hybrid"]["settings"]["losses"] = {"cross_entropy": {"class_weights": "balanced"}}
    (stage,) = Params.model_validate(content).resolve("toy", "toy", "hybrid").stages
    assert [getattr(term, "class_weights", None) for _, term in Loss.from_stage(stage).terms] == ["balanced", None]


@pytest.mark.parametrize("classes", [2, 3])
def test_the_closed_form_classifier_is_scikit_learns(classes):
    random = np.random.default_rng(0)
    labels = np.repeat(range(classes), [12, 4, 4][:classes])
    features = random.normal(size=(len(labels), 3)) + labels[:, None]
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    inner, strength = np.zeros(len(labels), bool), 0.1
    weights, biases = LogisticRegression(strengths=(strength,)).solve(features, labels, inner, classes, balanced=True)
    theirs = Model(C=(2 if classes == 2 else 1) / (strength * len(labels)), class_weight="balanced", tol=1e-8)
    theirs = theirs.fit(features, labels).predict_proba(features)
    logits = features @ weights.T + biases
    ours = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert ours == pytest.approx(theirs, abs=1e-4)
    plain = LogisticRegression(strengths=(strength,)).solve(features, labels, inner, classes)[0]
    assert not np.allclose(plain, weights, atol=1e-3)
