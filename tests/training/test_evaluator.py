"""The evaluator computes a clip's representation once if the encoder is fixed, and each time if it learns."""

import pytest
import torch

from soundclr.training.evaluator import Evaluator


@pytest.fixture
def make_evaluator(settings, make_task, make_network, monkeypatch):
    """``make_evaluator(fixed)``: an evaluator, and the clips that its encoder is given."""

    def make(fixed):
        chosen = settings("hybrid")
        task, given = make_task(chosen), []
        original = task.inputs.eval_batch
        monkeypatch.setattr(task.inputs, "eval_batch", lambda *a: given.extend(a[0].tolist()) or original(*a))
        return Evaluator(make_network(chosen).eval(), task.inputs, chosen.stages[0], (0, 3), fixed), given

    return make


def test_representations_of_a_fixed_encoder_are_kept(make_evaluator):
    evaluator, given = make_evaluator(True)
    fresh, _ = make_evaluator(False)
    for clips, new in (([3, 1], [3, 1]), ([1, 5, 3], [5]), ([5, 5, 3], []), ([8, 2, 1], [8, 2])):
        given.clear()
        found = evaluator.represent(torch.tensor(clips))
        assert given == new
        torch.testing.assert_close(found, fresh.represent(torch.tensor(clips)), rtol=0, atol=1e-5)


def test_an_encoder_that_learns_runs_each_time(make_evaluator):
    evaluator, given = make_evaluator(False)
    clips = torch.tensor([3, 1])
    before = evaluator.represent(clips)
    with torch.no_grad():
        evaluator.network.encoder.blocks[0][0].weight.mul_(2)
        evaluator.network.encoder.blocks[-1][1].bias.add_(1)
    assert given == [3, 1]
    assert not torch.equal(evaluator.represent(clips), before) and given == [3, 1, 3, 1]


def test_it_runs_in_evaluation_mode_and_pauses_after_each_batch(make_evaluator):
    evaluator, _ = make_evaluator(False)
    evaluator.network.train()
    pauses = []
    embeddings, logits = evaluator.forward(torch.arange(12), lambda: pauses.append(evaluator.network.training))
    assert embeddings.shape == (12, 8) and logits.shape == (12, 3) and not logits.requires_grad
    assert pauses == [False] * 3  # batches of 5
