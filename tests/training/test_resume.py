"""A training that was interrupted goes on bit for bit; a checkpoint that is not its own is set aside."""

import dataclasses
import itertools
import math
import signal

import pytest
import torch

from soundclr.errors import UserError
from soundclr.training import loop, signals
from soundclr.training import state as checkpoints
from soundclr.training.loop import train
from support.outcomes import always, assert_equal, assert_same_outcome
from support.toy import Interrupted

SCHEMES = ["cross_entropy", "supervised_contrastive", "hybrid"]


@pytest.mark.parametrize("recipe", SCHEMES)
@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_training_interrupted_after_every_epoch_ends_bit_for_bit_the_same(
    settings, make_task, make_network, tmp_path, interrupt, recipe, keep
):
    chosen = settings(recipe, keep=keep)
    task, network = make_task(chosen), make_network(chosen)
    whole = train(task, network, tmp_path / "whole.resume")

    for interruptions in range(len(whole.history) + 1):
        torch.manual_seed(interruptions)  # a new process has drawn other numbers before
        pieces = make_network(chosen)
        interrupt(1)
        try:
            state = train(make_task(chosen), pieces, tmp_path / "pieces.resume")
        except Interrupted:
            continue
        break
    assert interruptions == len(whole.history) == 3 * len(chosen.stages)
    assert_same_outcome(state, pieces, whole, network)


def test_a_training_killed_every_few_batches_ends_bit_for_bit_the_same(
    settings, make_task, make_network, tmp_path, monkeypatch
):
    chosen = settings("supervised_contrastive", epochs=2, keep="best")
    task, network = dataclasses.replace(make_task(chosen), keep_best=True), make_network(chosen)
    whole = train(task, network, tmp_path / "whole.resume")

    save, left = checkpoints.save, [0]

    def and_die(*arguments):
        save(*arguments)
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted

    monkeypatch.setattr(checkpoints, "save", and_die)
    for deaths in range(20):
        pieces, left[0] = make_network(chosen), 3 + deaths % 2  # an evaluation asks twice, and saves the same
        torch.manual_seed(deaths)
        try:
            state = train(task, pieces, tmp_path / "pieces.resume", clock=always())
            break
        except Interrupted:
            continue
    assert 6 <= deaths < 19
    assert_same_outcome(state, pieces, whole, network)
    assert_equal(state.best.network, whole.best.network)


@pytest.mark.parametrize("clock", [lambda: 0.0, always()])
def test_a_killed_epoch_goes_on_where_it_was_last_saved(
    settings, make_task, make_network, tmp_path, monkeypatch, clock
):
    chosen = settings("hybrid")
    task, network = make_task(chosen), make_network(chosen)
    whole = train(task, network, tmp_path / "whole.resume")
    call, calls, dies_at = loop.Loss.__call__, [], 8  # 4 batches of 5 clips and one evaluation an epoch

    def killed(self, outputs):
        calls.append(1)
        if len(calls) == dies_at:
            raise Interrupted
        return call(self, outputs)

    monkeypatch.setattr(loop.Loss, "__call__", killed)
    with pytest.raises(Interrupted):
        train(task, make_network(chosen), tmp_path / "pieces.resume", clock=clock)
    pieces = make_network(chosen)
    state = train(task, pieces, tmp_path / "pieces.resume", clock=clock)
    done_again = len(calls) - 1 - 3 * 5
    assert done_again == (2 if clock() == 0 else 0)
    assert_same_outcome(state, pieces, whole, network)


def test_checkpoints_are_a_minute_apart_within_an_epoch(settings, make_task, make_network, tmp_path, monkeypatch):
    """Each of an epoch's 4 batches takes 20 seconds."""
    chosen = settings("hybrid", epochs=2)
    task, seconds, when_saved = make_task(chosen), [0], []
    make_batch = task.inputs.train_batch

    def slow(*arguments):
        seconds[0] += 20
        return make_batch(*arguments)

    monkeypatch.setattr(task.inputs, "train_batch", slow)
    monkeypatch.setattr(
        checkpoints,
        "save",
        lambda path, identity, state, *_: when_saved.append(state.partial and state.partial.batches),
    )
    train(task, make_network(chosen), tmp_path / "x.resume", clock=lambda: seconds[0])
    assert when_saved == [3, None, 3, None]


def test_short_epochs_share_a_checkpoint(settings, make_task, make_network, tmp_path, monkeypatch):
    """A clock that ticks at each look makes all that happens equally long, so saving costs more than its share."""
    monkeypatch.setattr(checkpoints, "SHARE", 0.05)
    saves = []
    monkeypatch.setattr(checkpoints, "save", lambda path, identity, state, *_: saves.append(state.epoch))
    seconds = itertools.count(0.0, 0.4)
    chosen = settings("cross_entropy", epochs=12, patience=12)
    train(make_task(chosen), make_network(chosen), tmp_path / "x.resume", clock=lambda: next(seconds))
    assert saves[0] == 1
    assert all(later - sooner > 1 for sooner, later in itertools.pairwise(saves))
    assert 12 / len(saves) < 8


@pytest.mark.parametrize(("asked_after", "epoch"), [(1, 1), (5, 1), (6, 1), (7, 1), (8, 2)])
def test_a_signal_stops_after_the_batch_with_a_checkpoint(
    settings, make_task, make_network, tmp_path, asked_after, epoch
):
    """The questions of an epoch: after its 4 batches, the evaluation's 2, and at its end."""
    chosen = settings("hybrid")
    task, network = make_task(chosen), make_network(chosen)
    whole = train(task, network, tmp_path / "whole.resume")
    questions = itertools.count(1)

    def stop():
        return signal.SIGTERM if next(questions) >= asked_after else None

    with pytest.raises(signals.Interrupted, match=f"interrupted by SIGTERM in epoch {epoch}; run the same"):
        train(task, make_network(chosen), tmp_path / "x.resume", stop)
    pieces = make_network(chosen)
    state = train(task, pieces, tmp_path / "x.resume")
    assert_same_outcome(state, pieces, whole, network)


def test_no_checkpoint_is_written_of_a_loss_that_is_not_finite(
    settings, make_task, make_network, tmp_path, monkeypatch
):
    chosen = settings("hybrid")
    assert {stage.training.precision for stage in chosen.stages} == {"float32"}  # which is thus no remedy
    monkeypatch.setattr(loop.Loss, "__call__", lambda _, outputs: outputs.embeddings.sum() * math.nan)
    lower = r"try a lower learning rate \(training\.lr\)$"
    with pytest.raises(UserError, match=f"epoch 1 of stage 'joint': the loss is nan in batch 1; {lower}"):
        train(make_task(chosen), make_network(chosen), tmp_path / "x.resume", clock=always())
    assert not (tmp_path / "x.resume").exists()


def test_early_stopping_survives_a_resume(settings, make_task, make_network, tmp_path, scripted, interrupt):
    chosen = settings("cross_entropy", epochs=6, patience=2)
    scripted(losses=[1.0] * 4, accuracies=[4, 5, 5, 5])
    with pytest.raises(Interrupted):
        interrupt(3)
        train(make_task(chosen), make_network(chosen), tmp_path / "x.resume")
    scripted(losses=[1.0], accuracies=[5])
    state = train(make_task(chosen), make_network(chosen), tmp_path / "x.resume")
    assert (state.epoch, state.best.epoch) == (4, 2)


def test_a_damaged_checkpoint_costs_time_and_no_digit(settings, make_task, make_network, tmp_path, capsys):
    chosen = settings("hybrid", epochs=2)
    task, network = make_task(chosen), make_network(chosen)
    whole = train(task, network, tmp_path / "x.resume")
    (tmp_path / "x.resume").write_bytes((tmp_path / "x.resume").read_bytes()[:1000])
    again = make_network(chosen)
    state = train(task, again, tmp_path / "x.resume")
    assert_same_outcome(state, again, whole, network)
    assert "x.resume: cannot resume from it" in capsys.readouterr().err
    assert (tmp_path / "x.damaged").exists()


def without(block, *keys):
    for key in keys:
        del block[key]


def first_moments(content):
    return next(iter(content["optimizer"]["state"].values()))


# What a checkpoint of this run's name may hold that is not this run's, as other code could have written it.
STRANGE = {
    "a weight more": lambda c: c["network"].update(more=torch.zeros(1)),
    "a weight less": lambda c: without(c["network"], "classifier.1.bias"),
    "a weight of another shape": lambda c: c["network"].update({"classifier.1.bias": torch.zeros(4)}),
    "a weight of another format": lambda c: c["network"].update({"classifier.1.bias": torch.zeros(3).half()}),
    "no weights": lambda c: c.update(network=None),
    "no optimiser": lambda c: c.update(optimizer={}),
    "moments of another shape": lambda c: first_moments(c).update(exp_avg=torch.zeros(7)),
    "moments of another optimiser": lambda c: first_moments(c).update(max_exp_avg_sq=torch.zeros(7)),
    "other groups": lambda c: c["optimizer"]["param_groups"].pop(),
    "other options": lambda c: c["optimizer"]["param_groups"][0].update(momentum=0.9),
    "another stage": lambda c: c["state"].update(stage=0),
    "a stage beyond the last": lambda c: c["state"].update(stage=2, epoch=0),
}


@pytest.fixture(scope="module")
def amid(tmp_path_factory):
    """The file of a checkpoint in the second stage's second epoch, after 2 of its 4 batches."""
    return tmp_path_factory.mktemp("amid") / "x.resume"


@pytest.mark.parametrize("kind", STRANGE)
def test_a_checkpoint_of_something_else_is_set_aside_and_the_run_starts_over(
    settings, make_task, make_network, tmp_path, capsys, amid, kind
):
    chosen = settings("supervised_contrastive", epochs=2)
    task = dataclasses.replace(make_task(chosen), keep_best=True)
    if not amid.exists():
        questions = itertools.count(1)  # 7 an epoch
        with pytest.raises(signals.Interrupted, match="in epoch 2"):
            train(task, make_network(chosen), amid, lambda: signal.SIGTERM if next(questions) >= 3 * 7 + 2 else None)
    content = torch.load(amid)
    assert (content["state"]["stage"], content["state"]["epoch"], content["state"]["partial"]["batches"]) == (1, 1, 2)
    STRANGE[kind](content)
    torch.save(content, tmp_path / "x.resume")
    capsys.readouterr()
    with pytest.raises(signals.Interrupted, match="in epoch 1"):
        train(task, make_network(chosen), tmp_path / "x.resume", lambda: signal.SIGTERM)
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path / 'x.resume'}: cannot resume from it (") and said.count("\n") == 1, said
    assert (tmp_path / "x.damaged").exists()
    assert torch.load(tmp_path / "x.resume")["state"]["stage"] == 0


def test_what_was_looked_at_and_not_taken_leaves_no_trace(settings, make_task, make_network, tmp_path):
    chosen = settings("supervised_contrastive", epochs=2)
    task, network = make_task(chosen), make_network(chosen)
    whole = train(task, network, tmp_path / "x.resume")
    content = torch.load(tmp_path / "x.resume")
    first_moments(content).update(exp_avg=torch.zeros(7))  # which is looked at last
    torch.save(content, tmp_path / "x.resume")
    again = make_network(chosen)
    assert_same_outcome(train(task, again, tmp_path / "x.resume"), again, whole, network)
    assert (tmp_path / "x.damaged").exists()
