"""A linear probe: what it can tell apart, and that a training with probes is the training without them."""

import dataclasses

import pytest
import torch

from soundclr.training import state as checkpoints
from soundclr.training.loop import StageLoop, train
from soundclr.training.probe import probe_accuracy
from support.outcomes import always, assert_equal, assert_same_outcome
from support.toy import Interrupted


def clouds(apart, clips=60, classes=3, size=8, seed=0):
    """Points around a place for each class, so far apart."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(clips) % classes
    places = torch.randn(classes, size, generator=torch.Generator().manual_seed(7))
    return apart * places[labels] + torch.randn(clips, size, generator=random), labels


def test_it_finds_what_is_linear_and_nothing_where_there_is_nothing():
    assert probe_accuracy(*clouds(10.0), *clouds(10.0, seed=1)) == 1
    assert probe_accuracy(*clouds(0.0), *clouds(0.0, clips=600, seed=1)) == pytest.approx(1 / 3, abs=0.08)
    # A ring around a point is no half-space's.
    angles = torch.linspace(0, 6.28, 100)
    ring = torch.stack([angles.cos(), angles.sin()], dim=1)
    points = torch.cat([ring, 0.1 * ring])
    labels = (torch.arange(200) >= 100).long()
    assert probe_accuracy(points, labels, points, labels) < 0.65


def test_a_features_scale_and_offset_do_not_matter():
    (train_points, labels), (test_points, test_labels) = clouds(0.7), clouds(0.7, clips=200, seed=1)
    scale = torch.tensor([1e-4, 1.0, 1e4, 3.0, 1.0, 1.0, 1.0, 1.0])
    plain = probe_accuracy(train_points, labels, test_points, test_labels)
    assert 0.4 < plain < 1
    assert probe_accuracy(scale * train_points + 5, labels, scale * test_points + 5, test_labels) == plain


def by_leaving_each_out(train, labels, test):
    """What ridge regression of +1 and -1 guesses, with that of 10^-2 ... 10^5 which errs least on clips left out."""
    mean, spread = train.mean(0), train.std(0, correction=0)
    rows, targets = (train - mean) / spread, 2.0 * torch.nn.functional.one_hot(labels).double() - 1

    def guesses(rows, targets, penalty, given):
        centre, level = rows.mean(0), targets.mean(0)
        products = (rows - centre).T @ (rows - centre) + penalty * torch.eye(rows.shape[1], dtype=torch.float64)
        return (given - centre) @ torch.linalg.solve(products, (rows - centre).T @ (targets - level)) + level

    def error(penalty):
        kept = [torch.arange(len(rows)) != clip for clip in range(len(rows))]
        return sum(
            float((guesses(rows[others], targets[others], penalty, rows[~others]) - targets[~others]).square().sum())
            for others in kept
        )

    penalty = min((10.0**power for power in range(-2, 6)), key=error)
    return penalty, guesses(rows, targets, penalty, (test - mean) / spread).argmax(1)


def near_copies(clips, seed):
    """Two features that differ by a fiftieth of what they are, in the direction of the class."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(clips) % 2
    first, noise = torch.randn(2, clips, generator=random)
    return torch.stack([first, first + 0.02 * (2 * labels - 1 + 0.3 * noise)], dim=1), labels


@pytest.mark.parametrize(
    ("make", "chosen"),
    [
        (near_copies, 0.01),
        (lambda clips, seed: clouds(0.3, clips=clips, seed=seed), 100.0),
        (lambda clips, seed: clouds(1.0, clips=clips, seed=seed), 10.0),
    ],
    ids=["near copies", "clouds that overlap", "clouds apart"],
)
def test_the_penalty_is_the_one_that_errs_least_on_clips_left_out(make, chosen):
    (train_points, labels), (test_points, test_labels) = make(40, 0), make(2000, 1)
    penalty, guesses = by_leaving_each_out(train_points.double(), labels, test_points.double())
    assert penalty == chosen
    right = float((guesses == test_labels).double().mean())
    assert probe_accuracy(train_points, labels, test_points, test_labels) == pytest.approx(right, abs=1e-3)


def test_where_there_is_nothing_to_learn_the_largest_penalty_leaves_the_commoner_class():
    random = torch.Generator().manual_seed(0)
    labels = (torch.arange(2000) % 25 >= 13).long()
    train_points, test_points = torch.randn(2, 2000, 200, generator=random)
    assert probe_accuracy(train_points, labels, test_points, labels) == 13 / 25


@pytest.mark.parametrize("recipe", ["supervised_contrastive", "hybrid"])
def test_probes_leave_the_training_bit_for_bit(settings, make_task, make_network, tmp_path, recipe):
    histories, networks = [], []
    for every in (0, 2):
        chosen = settings(recipe, epochs=5, patience=5, probe_every=every)
        networks.append(make_network(chosen))
        histories.append(train(make_task(chosen), networks[-1], tmp_path / f"{every}.resume").history)
    assert_equal(networks[0].state_dict(), networks[1].state_dict())
    plain, probed = histories
    assert not any("probe_accuracy" in row for row in plain)
    assert [row["probe_accuracy"] is not None for row in probed] == [False, True, False, True, False] * len(
        chosen.stages
    )
    assert [row["val_loss"] for row in plain] == [row["val_loss"] for row in probed]
    assert list(probed[0])[-3:] == ["probe_accuracy", "seconds", "clips_per_second"]


def test_a_probe_sees_the_labels_that_may_be_learnt_from(settings, make_task, make_network, tmp_path, monkeypatch):
    chosen = settings("hybrid", epochs=1, probe_every=1)
    task, given = make_task(chosen), []
    known = task.known.clone()
    known[task.train[::2]] = -1
    monkeypatch.setattr("soundclr.training.loop.probe_accuracy", lambda *arguments: given.append(arguments) or 0.5)
    train(dataclasses.replace(task, known=known), make_network(chosen), tmp_path / "x.resume")
    ((features, labels, val_features, val_labels),) = given
    assert torch.equal(labels, task.labels[task.train[1::2]]) and torch.equal(val_labels, task.labels[task.val])
    assert (len(features), len(val_features)) == (len(labels), len(val_labels))


def test_probes_of_a_training_killed_often_are_those_of_the_whole(
    settings, make_task, make_network, tmp_path, monkeypatch
):
    chosen = settings("hybrid", epochs=2, probe_every=1)
    task, network = make_task(chosen), make_network(chosen)
    whole = train(task, network, tmp_path / "whole.resume")
    save, left = checkpoints.save, [0]

    def and_die(*arguments):
        save(*arguments)
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted

    monkeypatch.setattr(checkpoints, "save", and_die)
    probed = []
    probe = StageLoop.probe
    monkeypatch.setattr(StageLoop, "probe", lambda self: probed.append(self.state.epoch) or probe(self))
    for deaths in range(20):
        pieces, left[0] = make_network(chosen), 9 + deaths % 2  # an epoch's batches, and what a probe hears
        try:
            state = train(task, pieces, tmp_path / "pieces.resume", clock=always())
            break
        except Interrupted:
            continue
    assert 1 <= deaths < 19 and len(probed) > 2  # some died in the middle of a probe
    assert not (tmp_path / "pieces.damaged").exists()
    assert_same_outcome(state, pieces, whole, network)
