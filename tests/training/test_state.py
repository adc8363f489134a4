"""Checkpoints: what is saved comes back; what cannot be used is named, set aside, and not fatal."""

import os
import pickle
import resource

import pytest
import torch
from torch import nn

from soundclr.errors import UserError
from soundclr.training import state as checkpoints
from soundclr.training.state import Best, Partial, State

HISTORY = [{"stage": "joint", "epoch": 1, "train_loss": 0.5, "test_accuracy": None}]


@pytest.fixture
def saved(tmp_path):
    """A checkpoint, and what was put into it."""
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    best = Best(1, -0.25, torch.rand(4, 2), {"weight": torch.rand(2)})
    partial = Partial(3, torch.rand(5), torch.tensor(7), 1.5, torch.Generator().get_state())
    state = State(1, 2, best, torch.rand(4, 2), HISTORY, partial)
    path = tmp_path / "models" / "fold1-seed0.resume"
    checkpoints.save(path, "me", state, model.state_dict(), optimizer.state_dict())
    return path, state, model.state_dict(), optimizer.state_dict()


def test_round_trip(saved):
    path, state, network, optimizer = saved
    found, weights, moments, loss = checkpoints.load(path, "me")
    assert (found.stage, found.epoch, found.history) == (1, 2, HISTORY)
    assert (found.best.epoch, found.best.value) == (1, -0.25)
    assert torch.equal(found.last, state.last) and torch.equal(found.best.probabilities, state.best.probabilities)
    assert (found.partial.batches, found.partial.right, found.partial.seconds) == (3, 7, 1.5)
    assert torch.equal(found.partial.losses, state.partial.losses)
    assert torch.equal(found.partial.random, state.partial.random)
    assert torch.equal(found.best.network["weight"], state.best.network["weight"])
    assert all(torch.equal(weights[key], network[key]) for key in network)
    assert moments["param_groups"] == optimizer["param_groups"]
    assert torch.equal(moments["state"][0]["exp_avg"], optimizer["state"][0]["exp_avg"])
    assert loss == {}
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_fresh_state_survives_too(tmp_path):
    checkpoints.save(tmp_path / "x.resume", "me", State(), {}, {})
    assert checkpoints.load(tmp_path / "x.resume", "me")[0] == State()


def test_no_checkpoint_is_no_trouble(tmp_path, capsys):
    assert checkpoints.load(tmp_path / "x.resume", "me") is None
    assert capsys.readouterr().err == ""


def test_a_full_disk_is_one_line_and_leaves_the_checkpoint_before(saved):
    path, _, _, _ = saved
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # a write beyond fails, as on a full disk
    try:
        with pytest.raises(UserError) as error:
            checkpoints.save(path, "me", State(), {"weight": torch.zeros(100_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(error.value).startswith(f"{path}: cannot be written (File too large)")
    assert "\n" not in str(error.value)
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == [path.name]


def test_an_error_of_torchs_own_is_not_taken_for_the_disks(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "save", lambda *_: (_ for _ in ()).throw(RuntimeError("CUDA error")))
    with pytest.raises(RuntimeError, match="CUDA error"):
        checkpoints.save(tmp_path / "x.resume", "me", State(), {}, {})
    assert list(tmp_path.iterdir()) == []


class Trap:
    """Makes a file when unpickled by something that runs what it reads."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return open, (self.place, "w")


@pytest.mark.parametrize(
    "kind",
    ["truncated", "flipped", "empty", "text", "foreign", "version", "old", "keys", "list", "field", "trap"],
)
def test_what_cannot_be_used_is_named_and_set_aside(saved, capsys, monkeypatch, tmp_path, kind):
    path, state, network, optimizer = saved
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-200])
    elif kind == "flipped":
        content = bytearray(path.read_bytes())
        content[content.index(state.last.numpy().tobytes())] ^= 1
        path.write_bytes(content)
    elif kind == "old":
        content = torch.load(path)
        del content["state"]["partial"]
        torch.save({**content, "format": 1}, path)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("no checkpoint")
    elif kind == "foreign":
        checkpoints.save(path, "you", state, network, optimizer)
    elif kind == "version":
        with monkeypatch.context() as patch:
            patch.setattr(checkpoints, "FORMAT", checkpoints.FORMAT + 1)
            checkpoints.save(path, "me", state, network, optimizer)
    elif kind == "keys":
        torch.save({"format": checkpoints.FORMAT, "identity": "me"}, path)
    elif kind == "list":
        torch.save([1], path)
    elif kind == "field":
        content = torch.load(path)
        content["state"]["epochs"] = 3
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(Trap(tmp_path / "caught"), protocol=2))
    before = path.read_bytes()

    assert checkpoints.load(path, "me") is None
    aside = path.with_suffix(".damaged")
    assert not path.exists() and aside.read_bytes() == before
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and str(path) in message and aside.name in message and "starting over" in message
    assert not (tmp_path / "caught").exists()
    assert checkpoints.load(path, "me") is None  # and now there is none


@pytest.mark.parametrize("kind", ["folder", "FIFO"])
def test_what_is_no_file_is_set_aside_and_not_waited_for(saved, capsys, kind):
    path, *_ = saved
    path.unlink()
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    assert checkpoints.load(path, "me") is None and not path.exists()
    assert "starting over" in capsys.readouterr().err
