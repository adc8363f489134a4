"""A loss of pairs gets both views of the same clip, in training and on held-out clips, also of clips that repeat."""

import dataclasses

import pytest
import torch
from torch import Tensor

from soundclr import losses
from soundclr.losses import TERMS, Loss, Outputs, Term
from soundclr.params import Params
from soundclr.training.loop import StageLoop, outputs_of, train
from soundclr.training.split import known_labels
from soundclr.training.state import Saver, State
from support import toy


class Twins(Term):
    """Barlow Twins (Zbontar et al. 2021): the views' cross-correlation is to be the identity."""

    reads = "projection"
    least_views = 2
    needs_labels = True  # so that the few labelled clips repeat within an epoch
    redundancy: float = 0.005

    def __call__(self, outputs: Outputs) -> Tensor:
        first, second = outputs.by_view(outputs.embeddings)
        correlation = standardised(first).T @ standardised(second) / len(first)
        away = (correlation - torch.eye(len(correlation))) ** 2
        return away.diagonal().sum() + self.redundancy * (away.sum() - away.diagonal().sum())


def standardised(rows: Tensor) -> Tensor:
    return (rows - rows.mean(dim=0)) / (rows.std(dim=0, correction=0) + 1e-6)


class Apart(Term):
    """The mean distance between the first two views of a clip."""

    reads = "projection"
    least_views = 2
    needs_labels = True

    def __call__(self, outputs: Outputs) -> Tensor:
        first, second, *_ = outputs.by_view(outputs.embeddings)
        return (first - second).norm(dim=1).mean()


@pytest.fixture(autouse=True)
def terms(monkeypatch):
    for name, kind in {"twins": Twins, "apart": Apart}.items():
        monkeypatch.setitem(TERMS, name, kind)


def settings_of(repo, term, views, **changes):
    content = toy.content(repo)
    content["defaults"]["losses"][term] = {}
    loss = {"cross_entropy": 0.0, term: 1.0}
    settings = {"loss": loss, "views": views, "projection": {"layers": [{"linear": 8}]}, **changes}
    settings["training"] = {"monitor": "loss", "batch_size": 4, "epochs": 2, "patience": 9}
    content["recipes"]["pairs"] = {"title": "pairs", "settings": settings}
    content["studies"]["toy"]["recipes"] = ["pairs"]
    return Params.model_validate(content).resolve("toy", "toy", "pairs")


def test_the_loss_that_the_documentation_shows(repo, monkeypatch):
    """Run the example of docs/extending.md in its module."""
    text = (repo / "docs" / "extending.md").read_text()
    code = text.partition("### A loss of pairs")[2].partition("```python\n")[2].partition("```")[0]
    exec(f"from __future__ import annotations\n{code}", vars(losses))
    monkeypatch.delattr(losses, "VarianceInvariance")
    term = TERMS.pop("variance_invariance")(weight=0.5)
    clips = torch.arange(3)
    rows = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    apart = float(((rows[:3] - rows[3:]) ** 2).mean())
    expected = apart + 0.5 * float((1 - rows.std(dim=0)).clamp(min=0).mean())
    assert float(term(outputs_of(rows, rows, clips, clips, 2))) == pytest.approx(expected)


@pytest.mark.parametrize("views", [2, 3])
def test_rows_by_view(views):
    clips = torch.tensor([4, 7, 4, 9, 7])  # two of them come twice
    rows = torch.arange(5 * views).reshape(views * 5, 1).float()
    one = outputs_of(rows, rows, clips, clips, views)
    assert one.views == views
    assert one.by_view(one.embeddings).shape == (views, 5, 1)
    assert (one.by_view(one.clips) == clips).all()
    parts = [
        outputs_of(
            rows.view(views, 5, 1)[:, part].flatten(0, 1), rows[: views * len(clips[part])], *[clips[part]] * 2, views
        )
        for part in (slice(0, 2), slice(2, 5))
    ]
    joined = Outputs.joined(parts)
    for field in ("embeddings", "labels", "clips"):
        assert torch.equal(getattr(joined, field), getattr(one, field))
    assert joined.views == views


@pytest.mark.parametrize("views", [2, 3])
def test_equal_views_are_no_distance_apart_in_training_and_held_out(repo, make_task, make_network, tmp_path, views):
    """Nothing is random here, so that all views of a clip are the same; other clips' are far away."""
    chosen = settings_of(repo, "apart", views, augment=[], crop={"train": "centre"})
    task = make_task(chosen)
    few = dataclasses.replace(task, known=known_labels(toy.waveforms(), task.train, 0.4))
    for learnt in (task, few):
        network = make_network(chosen)
        loop = StageLoop(learnt, chosen.stages[0], network, State(), Saver(tmp_path / "x", "x"))
        loop.still = False
        train_loss, _, _ = loop.train_epoch()
        val_loss, _ = loop.validate()
        assert (train_loss, val_loss) == pytest.approx((0, 0), abs=1e-6)
    assert len(loop.clips) > len(loop.clips.unique())


def test_held_out_views_are_paired_as_in_one_batch(repo, make_task, make_network, tmp_path, monkeypatch):
    """The held-out loss is that of one batch of all clips, computed here from each batch's pairs."""
    chosen = settings_of(repo, "twins", 2)
    network = make_network(chosen)
    loop = StageLoop(make_task(chosen), chosen.stages[0], network, State(), Saver(tmp_path / "x", "x"))
    seen, views = [], loop.views
    monkeypatch.setattr(loop, "views", lambda *arguments: seen.append(views(*arguments)) or seen[-1])
    found, _ = loop.validate()
    assert len(seen) > 1
    pairs = torch.cat([torch.stack(part.embeddings.chunk(2), dim=1) for part in seen])  # (clips, 2, size)
    clips = torch.arange(len(pairs)).repeat(2)
    expected = Twins()(Outputs(torch.cat(pairs.unbind(1)), pairs, clips, clips, views=2))
    assert found == pytest.approx(float(expected), rel=1e-5)
    wrong = Twins()(dataclasses.replace(Outputs.joined(seen), embeddings=torch.cat([p.embeddings for p in seen])))
    assert found != pytest.approx(float(wrong), rel=1e-3)


def test_barlow_twins_learns_and_its_held_out_loss_falls_with_it(repo, make_task, make_network, tmp_path, monkeypatch):
    chosen = settings_of(repo, "twins", 2)
    stage = chosen.stages[0]
    training = stage.training.model_copy(update={"epochs": 8, "patience": 8, "batch_size": 6})
    task = dataclasses.replace(make_task(chosen), stages=(stage.model_copy(update={"training": training}),))
    call = Loss.__call__

    def paired(self, outputs):
        assert outputs.views == 2
        for rows in (outputs.clips, outputs.labels):
            one, other = outputs.by_view(rows)
            assert torch.equal(one, other)
        return call(self, outputs)

    monkeypatch.setattr(Loss, "__call__", paired)
    history = train(task, make_network(chosen), tmp_path / "x.resume").history
    for column in ("train_loss", "val_loss"):
        assert history[-1][column] < 0.7 * history[0][column]
