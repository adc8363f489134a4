"""The loop: it learns, leaves fixed parts alone, stops and keeps as it should."""

import dataclasses
import math

import pytest
import torch

from soundclr.errors import UserError
from soundclr.training import loop
from soundclr.training.evaluator import Evaluator
from soundclr.training.loop import train
from soundclr.training.schedule import Exponential
from support.outcomes import TIMES, without_times

SCHEMES = ["cross_entropy", "supervised_contrastive", "hybrid"]


def copy(network):
    return {key: value.clone() for key, value in network.state_dict().items()}


@pytest.mark.parametrize("recipe", SCHEMES)
def test_learns_a_separable_problem(settings, make_task, make_network, tmp_path, recipe):
    chosen = settings(recipe, epochs=8, patience=8)
    network = make_network(chosen)
    state = train(make_task(chosen), network, tmp_path / "x.resume")
    assert [row["epoch"] for row in state.history] == list(range(1, 9)) * len(chosen.stages)
    assert state.history[-1]["val_accuracy"] >= 0.8
    for stage in chosen.stages:
        rows = [row for row in state.history if row["stage"] == stage.name]
        assert rows[-1]["train_loss"] < rows[0]["train_loss"]
        schedule = Exponential(**stage.schedule.parameters)
        assert [row["lr"] for row in rows] == [stage.training.lr * schedule.factor(epoch, 8) for epoch in range(8)]


def test_the_state_is_of_the_last_epochs_network(settings, make_task, make_network, tmp_path):
    chosen = settings("hybrid")
    task, network = make_task(chosen), make_network(chosen)
    state = train(task, network, tmp_path / "x.resume")
    with torch.inference_mode():
        _, logits = network.eval()(task.inputs.eval_batch(task.val, torch.Generator()))
    torch.testing.assert_close(state.last, logits.softmax(dim=1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(state.last.sum(dim=1), torch.ones(len(task.val)))
    right = float((state.last.argmax(dim=1) == task.labels[task.val]).float().mean())
    assert state.history[-1]["val_accuracy"] == right


def test_accuracy_is_empty_where_no_classifier_learns(settings, make_task, make_network, tmp_path):
    chosen = settings("supervised_contrastive", epochs=2)
    history = train(make_task(chosen), make_network(chosen), tmp_path / "x.resume").history
    for row in history:
        empty = row["stage"] == "contrastive"
        assert (row["train_accuracy"] is None) == (row["val_accuracy"] is None) == empty
        assert all(math.isfinite(row[key]) for key in ("train_loss", "val_loss", "lr", *TIMES))
    assert [row["stage"] for row in history] == ["contrastive"] * 2 + ["classifier"] * 2


def test_the_second_stage_leaves_the_encoder_bit_for_bit(settings, make_task, make_network, tmp_path, monkeypatch):
    chosen = settings("supervised_contrastive", epochs=2)
    network = make_network(chosen)
    before = copy(network)
    snapshots = {}
    run = loop.StageLoop.run

    def watched(self):
        run(self)
        snapshots[self.stage.name] = copy(network)

    monkeypatch.setattr(loop.StageLoop, "run", watched)
    train(make_task(chosen), network, tmp_path / "x.resume")
    after_first, after_second = snapshots["contrastive"], snapshots["classifier"]
    changed_first = {key.split(".")[0] for key in before if not torch.equal(before[key], after_first[key])}
    changed_second = {key.split(".")[0] for key in before if not torch.equal(after_first[key], after_second[key])}
    assert changed_first == {"encoder", "projection"}
    assert changed_second == {"classifier"}
    assert any("running_mean" in key for key in before)  # statistics were compared


def test_frozen_blocks_keep_their_weights_through_a_training(settings, make_task, make_network, tmp_path):
    chosen = settings("hybrid", optimizers={"adamw": {"weight_decay": 0.5}})
    network = make_network(chosen, frozen=2)
    before = copy(network)
    train(make_task(chosen), network, tmp_path / "x.resume")
    parameters = {key for key, _ in network.named_parameters()}
    kept = {key for key in parameters if torch.equal(before[key], network.state_dict()[key])}
    assert kept == {key for key in parameters if key.startswith(("encoder.blocks.0.", "encoder.blocks.1."))}
    assert not torch.equal(before["encoder.blocks.0.1.running_mean"], network.encoder.blocks[0][1].running_mean)


def test_head_factor_speeds_up_the_heads_alone(settings, make_network):
    stage = settings("hybrid", head_factor=7.0).stages[0]
    network = make_network(settings("hybrid"))
    groups = loop.make_optimizer(network, stage).param_groups
    assert [group["factor"] for group in groups] == [1.0, 7.0, 7.0]
    assert {id(p) for group in groups for p in group["params"]} == {id(p) for p in network.parameters()}
    assert {group["weight_decay"] for group in groups} == {1e-3}


@pytest.mark.parametrize(
    ("monitor", "patience", "epochs", "best"),
    [
        ("accuracy", 2, 4, 2),
        ("accuracy", 3, 5, 2),
        ("accuracy", 4, 6, 6),
        ("loss", 1, 2, 1),
        ("loss", 2, 5, 3),
        ("loss", 9, 6, 3),
    ],
)
def test_patience_and_monitor(settings, make_task, make_network, tmp_path, scripted, monitor, patience, epochs, best):
    scripted(losses=[3.0, 4.0, 2.0, 2.5, 2.5, 2.5], accuracies=[4, 5, 5, 5, 4, 6])
    chosen = settings("cross_entropy", epochs=6, patience=patience, monitor=monitor)
    state = train(make_task(chosen), make_network(chosen), tmp_path / "x.resume")
    assert (state.epoch, state.best.epoch) == (epochs, best)  # a tie is not better
    assert len(state.history) == epochs
    if best == epochs:
        assert torch.equal(state.best.probabilities, state.last)
    else:
        assert not torch.equal(state.best.probabilities, state.last)


@pytest.mark.parametrize("keep", ["last", "best"])
def test_the_next_stage_starts_from_the_kept_epoch(settings, make_task, make_network, tmp_path, scripted, keep):
    scripted(losses=[3.0, 2.0, 4.0, 1.0, 1.0, 1.0], accuracies=[1] * 6)
    chosen = settings("supervised_contrastive", epochs=3, patience=9, keep=keep)
    network = make_network(chosen)
    network.classifier[-1].bias.data.zero_()
    state = train(make_task(chosen), network, tmp_path / "x.resume")
    # Stage 1 ends at 3, its best epoch at 2; stage 2 goes on for 3 more and keeps its last.
    expected = {"last": 3 + 3, "best": 2 + 3}[keep]
    assert network.classifier[-1].bias.tolist() == [expected] * 3
    assert state.best.network is None  # no stage follows


def test_the_best_weights_of_the_last_stage_are_kept_where_the_task_wants_them(
    settings, make_task, make_network, tmp_path, scripted
):
    scripted(losses=[3.0, 2.0, 4.0, 1.0, 1.0, 1.0], accuracies=[1, 1, 1, 1, 2, 1])
    chosen = settings("supervised_contrastive", epochs=3, patience=9, keep="last")
    network = make_network(chosen)
    network.classifier[-1].bias.data.zero_()
    task = dataclasses.replace(make_task(chosen), keep_best=True)
    state = train(task, network, tmp_path / "x.resume")
    assert network.classifier[-1].bias.tolist() == [6] * 3
    assert state.best.network["classifier.1.bias"].tolist() == [5] * 3


def test_what_no_epoch_changes_is_made_once(settings, make_task, make_network, tmp_path, monkeypatch):
    """The held-out representations of an encoder that does not learn: the second stage's, whatever its epochs."""
    chosen = settings("supervised_contrastive", epochs=3)
    task, made = make_task(chosen), []
    original = task.inputs.eval_batch
    monkeypatch.setattr(task.inputs, "eval_batch", lambda *a: made.append(len(a[0])) or original(*a))
    network = make_network(chosen)
    state = train(task, network, tmp_path / "x.resume")
    assert sum(made) == (3 + 1) * len(task.val)
    evaluator = Evaluator(network, task.inputs, chosen.stages[-1], task.seed, fixed=False)
    fresh = evaluator.forward(task.val)[1].softmax(dim=1)
    torch.testing.assert_close(state.last, fresh, rtol=0, atol=0)


def test_the_seed_decides_the_training(settings, make_task, make_network, tmp_path):
    chosen = settings("hybrid", epochs=1)
    histories = []
    for number, seed in enumerate([(0, 3), (0, 3), (1, 3), (0, 2)]):
        state = train(make_task(chosen, seed), make_network(chosen), tmp_path / f"{number}.resume")
        histories.append(without_times(state.history)[0]["train_loss"])
    assert histories[0] == histories[1]
    assert len(set(histories)) == 3


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_epoch_and_batch(
    settings, make_task, make_network, tmp_path, monkeypatch, value
):
    chosen = settings("supervised_contrastive")
    call, calls = loop.Loss.__call__, []

    def broken(self, outputs):
        calls.append(1)
        loss = call(self, outputs)
        # Epochs of 4 batches and one evaluation: three in the first stage, one in the second, then 2 batches.
        return loss * value if len(calls) == 4 * 5 + 2 else loss

    monkeypatch.setattr(loop.Loss, "__call__", broken)
    with pytest.raises(UserError, match=rf"epoch 2 of stage 'classifier': the loss is {value} in batch 2;") as error:
        train(make_task(chosen), make_network(chosen), tmp_path / "x.resume")
    assert "\n" not in str(error.value)
    saved = torch.load(tmp_path / "x.resume")["state"]
    assert (saved["stage"], saved["epoch"], len(saved["history"])) == (1, 1, 4)


def test_a_held_out_loss_that_is_not_finite_stops_too(settings, make_task, make_network, tmp_path, monkeypatch):
    chosen = settings("hybrid")

    def diverged(self):
        """The last batch's loss was finite, the step after it was not."""
        self.network.classifier[-1].bias.data.fill_(math.nan)
        return 1.0, 0.5, 1.0

    monkeypatch.setattr(loop.StageLoop, "train_epoch", diverged)
    with pytest.raises(UserError, match=r"epoch 1 of stage 'joint': the held-out loss is nan"):
        train(make_task(chosen), make_network(chosen), tmp_path / "x.resume")
    assert not (tmp_path / "x.resume").exists()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_encoder_computes_in_the_chosen_precision(settings, make_task, make_network, tmp_path, precision):
    chosen = settings("hybrid", epochs=1, precision=precision)
    network = make_network(chosen)
    seen = set()
    network.encoder.register_forward_hook(lambda module, given, output: seen.add(output.dtype))
    state = train(make_task(chosen), network, tmp_path / "x.resume")
    assert seen == {getattr(torch, precision)}
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert state.last.dtype == torch.float32


def test_a_log_gets_one_line_an_epoch(settings, make_task, make_network, tmp_path, capsys):
    chosen = settings("supervised_contrastive", epochs=2)
    train(make_task(chosen), make_network(chosen), tmp_path / "x.resume")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("toy contrastive: epoch 1/2, loss ") and "accuracy" not in lines[0]
    assert lines[3].startswith("toy classifier: epoch 2/2, loss ") and "held-out accuracy" in lines[3]
    assert all("clips/s" in line and line.endswith("min left") for line in lines)
