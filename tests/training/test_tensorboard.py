"""Epochs as TensorBoard's event files: the numbers of history.csv, at the numbers of its rows."""

import csv
import struct
import sys

import pytest
import torch
from tensorboardX.proto.event_pb2 import Event

from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.run.runs import find_run, recipe_hash
from soundclr.training import tensorboard
from soundclr.training.job import Paths, run_job
from support import toy

CPU = torch.device("cpu")


def scalars(folder):
    """The scalars of a folder's event files, which are TFRecords: a length, a checksum, an event, a checksum."""
    found = {}
    for file in folder.glob("events.out.tfevents.*"):
        content, place = file.read_bytes(), 0
        while place < len(content):
            (size,) = struct.unpack("<Q", content[place : place + 8])
            event = Event.FromString(content[place + 12 : place + 12 + size])
            found |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
            place += size + 16
    return found


@pytest.fixture
def finished(repo, tmp_path):
    content = toy.content(repo) | {"tensorboard": True}
    params = Params.model_validate(content)
    assert recipe_hash(params, "toy", "toy", "supervised_contrastive") == recipe_hash(
        Params.model_validate(toy.content(repo)), "toy", "toy", "supervised_contrastive"
    )
    paths = Paths(toy.write_features(tmp_path / "toy.safetensors"), None, tmp_path / "results")
    run = find_run(params, "toy", "toy", "supervised_contrastive", 2, 0)
    run_job(run, params, paths, CPU)
    return run, paths


def test_the_numbers_are_historys(finished):
    run, paths = finished
    found = scalars(tensorboard.folder_of(run, paths.results))
    with open(run.directory(paths.results) / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert len({row["stage"] for row in rows}) == 2
    for epoch, row in enumerate(rows, 1):
        for name in ("train_loss", "val_loss", "val_accuracy", "lr"):
            value = found.get((f"{row['stage']}/{name}", epoch))
            assert (value is None) if row[name] == "" else value == pytest.approx(float(row[name]), rel=1e-4)


def test_a_missing_library_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(UserError, match="`tensorboard: true` needs tensorboardX: `pip install tensorboardX`"):
        tensorboard.writer(tmp_path).__enter__()
