"""What a network makes of clips as they are: each once where the encoder is fixed, anew where it learns."""

import pytest
import torch

from soundclr.training.listener import Listener


@pytest.fixture
def listen(settings, make_task, make_network, monkeypatch):
    """``listen(fixed)``: a listener, and the clips that its encoder is given."""

    def make(fixed):
        chosen = settings("hybrid")
        task, given = make_task(chosen), []
        original = task.inputs.eval_batch
        monkeypatch.setattr(task.inputs, "eval_batch", lambda *a: given.extend(a[0].tolist()) or original(*a))
        return Listener(make_network(chosen).eval(), task.inputs, chosen.stages[0], (0, 3), fixed), given

    return make


def test_what_a_fixed_encoder_made_of_a_clip_is_kept(listen):
    listener, given = listen(True)
    fresh, _ = listen(False)
    for clips, new in (([3, 1], [3, 1]), ([1, 5, 3], [5]), ([5, 5, 3], []), ([8, 2, 1], [8, 2])):
        given.clear()
        found = listener.represent(torch.tensor(clips))
        assert given == new
        torch.testing.assert_close(found, fresh.represent(torch.tensor(clips)), rtol=0, atol=1e-5)


def test_an_encoder_that_learns_hears_anew(listen):
    listener, given = listen(False)
    clips = torch.tensor([3, 1])
    before = listener.represent(clips)
    with torch.no_grad():
        listener.network.encoder.blocks[0][0].weight.mul_(2)
        listener.network.encoder.blocks[-1][1].bias.add_(1)
    assert given == [3, 1]
    assert not torch.equal(listener.represent(clips), before) and given == [3, 1, 3, 1]


def test_it_hears_in_evaluation_mode_and_pauses_after_each_batch(listen):
    listener, _ = listen(False)
    listener.network.train()
    pauses = []
    embeddings, logits = listener.hear(torch.arange(12), lambda: pauses.append(listener.network.training))
    assert embeddings.shape == (12, 8) and logits.shape == (12, 3) and not logits.requires_grad
    assert pauses == [False] * 3  # batches of 5
