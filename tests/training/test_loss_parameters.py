"""A loss with parameters of its own, as ArcFace: they learn, are in the checkpoint, and go on bit for bit."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from soundclr.losses import TERMS, UNLABELLED, Loss, Outputs, Term
from soundclr.method import check
from soundclr.params import Params
from soundclr.training import state as checkpoints
from soundclr.training.loop import StageLoop, train
from soundclr.training.state import Saver, State
from support import toy
from support.outcomes import always, assert_same_outcome
from support.toy import Interrupted


class ArcFace(Term):
    """Deng et al. 2019: cross-entropy of scaled cosines to a centre a class, the own one's angle plus a margin."""

    reads = "projection"
    margin: float = 0.2
    scale: float = 8.0

    def module(self, size: int, classes: int) -> nn.Module:
        return Centres(size, classes, self.margin, self.scale)


class Centres(nn.Module):
    def __init__(self, size: int, classes: int, margin: float, scale: float) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(classes, size))
        self.margin, self.scale = margin, scale
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, outputs: Outputs) -> torch.Tensor:
        self.calls += self.training
        cosines = normalize(outputs.embeddings.float()) @ normalize(self.centres).T
        own = nn.functional.one_hot(outputs.labels.clamp(min=0), len(self.centres)).bool()
        angles = cosines.clamp(-1 + 1e-6, 1 - 1e-6).acos() + self.margin * own
        return cross_entropy(self.scale * angles.cos(), outputs.labels, ignore_index=UNLABELLED)


@pytest.fixture(autouse=True)
def arcface(monkeypatch):
    monkeypatch.setitem(TERMS, "arcface", ArcFace)


@pytest.fixture
def chosen(repo):
    content = toy.content(repo)
    content["defaults"]["losses"]["arcface"] = {}
    stages = [
        {
            "name": "metric",
            "trains": ["encoder", "projection"],
            "loss": {"cross_entropy": 0, "supcon": 0.5, "arcface": 0.5},
        },
        {"name": "classifier", "trains": ["classifier"]},
    ]
    stages[0]["training"] = {"monitor": "loss", "keep": "best", "epochs": 4}
    content["recipes"]["arc"] = {"title": "arc", "settings": {"stages": stages}}
    content["studies"]["toy"]["recipes"] = ["arc"]
    settings = Params.model_validate(content).resolve("toy", "toy", "arc")
    check(settings, "here")
    return settings


def stage_loop(chosen, task, network, folder, seed=0):
    torch.manual_seed(seed)
    return StageLoop(task, chosen.stages[0], network, State(), Saver(folder / "x.resume", "x"))


def test_its_parameters_learn_at_the_heads_rate(chosen, make_task, make_network, tmp_path):
    loop = stage_loop(chosen, make_task(chosen), make_network(chosen), tmp_path)
    (centres,) = loop.loss.parameters
    (group,) = [g for g in loop.optimizer.param_groups if any(p is centres for p in g["params"])]
    assert group["factor"] == chosen.stages[0].training.head_factor == 5.0
    assert centres.shape == (3, 8)
    before = centres.detach().clone()
    loop.run()
    assert not torch.equal(centres, before)
    assert loop.state.history[-1]["train_loss"] < loop.state.history[0]["train_loss"]
    assert loop.modules["1"].calls == 4 * 4  # batches; held-out clips are judged in evaluation mode


def test_what_it_begins_with_is_the_seed_s(chosen, make_task, make_network, tmp_path):
    task, other = (make_task(chosen, seed=seed) for seed in ((0, 3), (1, 3)))
    one, same, another = (
        stage_loop(chosen, made, make_network(chosen), tmp_path, number).loss.parameters[0]
        for number, made in enumerate((task, task, other))
    )
    assert torch.equal(one, same) and not torch.equal(one, another)


def test_a_training_killed_every_few_batches_ends_bit_for_bit_the_same(
    chosen, make_task, make_network, tmp_path, monkeypatch
):
    task, network = make_task(chosen), make_network(chosen)
    whole = train(task, network, tmp_path / "whole.resume")
    save, left = checkpoints.save, [0]

    def and_die(*arguments):
        save(*arguments)
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted

    monkeypatch.setattr(checkpoints, "save", and_die)
    for deaths in range(40):
        pieces, left[0] = make_network(chosen), 3 + deaths % 2
        torch.manual_seed(deaths)
        try:
            state = train(task, pieces, tmp_path / "pieces.resume", clock=always())
            break
        except Interrupted:
            continue
    assert 6 <= deaths < 39
    assert not (tmp_path / "pieces.damaged").exists()
    assert_same_outcome(state, pieces, whole, network)


def test_the_checkpoint_has_them_and_the_model_does_not(chosen, make_task, make_network, tmp_path, interrupt, capsys):
    task, network = make_task(chosen), make_network(chosen)
    interrupt(2)
    with pytest.raises(Interrupted):
        train(task, network, tmp_path / "x.resume")
    saved = torch.load(tmp_path / "x.resume")
    assert saved["loss"].keys() == {"1.centres", "1.calls"} and saved["loss"]["1.calls"] == 8
    assert saved["network"].keys() == network.state_dict().keys()

    saved["loss"]["1.centres"] = torch.zeros(4, 8)  # of another number of classes
    torch.save(saved, tmp_path / "x.resume")
    interrupt(99)
    train(task, make_network(chosen), tmp_path / "x.resume")
    assert "cannot resume from it (its network or loss differs)" in capsys.readouterr().err
    assert "loss" not in torch.load(tmp_path / "x.resume")  # the last stage has none


def test_a_loss_without_parameters_has_none(chosen):
    loss = Loss.from_stage(chosen.stages[1]).with_modules(8, 3, torch.device("cpu"))
    assert loss.parameters == [] and not loss.modules
    both = Loss.from_stage(chosen.stages[0]).with_modules(8, 3, torch.device("cpu"))
    given = Outputs(torch.randn(4, 8), torch.randn(4, 3), torch.tensor([0, 1, 1, -1]), torch.arange(4))
    apart = 0.5 * both.terms[0][1](given) + 0.5 * both.modules["1"](given)
    torch.testing.assert_close(both(given), apart)
