"""What a GPU refuses and what it is waited for, planted: the pretended device refuses and notes it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from runs_on_device import params_of, trained

from soundclr.audio.augmentations import FrequencyMask
from soundclr.losses import Loss, Outputs
from soundclr.training import loop
from support.pretended_device import Refused, waits


def planted(monkeypatch: pytest.MonkeyPatch, change: Callable[[Outputs], Outputs]) -> None:
    """Let each step's loss see its outputs changed."""
    call = Loss.__call__
    monkeypatch.setattr(loop.Loss, "__call__", lambda self, outputs: call(self, change(outputs)))


WAITS = {
    "_local_scalar_dense": (
        lambda values: values.sum().item(),
        lambda values: int(values[0]),
        lambda values: float(values[0]),
        lambda values: bool((values > 0).any()),
    ),
    "_to_copy": (
        lambda values: values.cpu(),
        lambda values: values.tolist(),
        lambda values: values.to("cpu", non_blocking=True),
    ),
    "copy_": (
        lambda values: torch.ones(3).to(values.device),
        lambda values: torch.ones(4).copy_(values),
        lambda values: values.copy_(torch.ones(4)),
    ),
    "nonzero": (lambda values: values.nonzero(), lambda values: torch.where(values > 0)),
    "masked_select": (lambda values: values.masked_select(values > 0),),
    "_unique2": (lambda values: values.unique(),),
    "bincount": (lambda values: values.long().bincount(),),
    "equal": (lambda values: torch.equal(values, values + 1),),
    "index.Tensor": (lambda values: values[values > 0], lambda values: values[torch.tensor([1, 0])]),
    "index_put_": (lambda values: values.index_put_((values > 0,), values[:1]),),
    "repeat_interleave.Tensor": (lambda values: values.repeat_interleave(values.long()),),
}


@pytest.mark.parametrize(("operator", "ask"), [(name, ask) for name, asks in WAITS.items() for ask in asks])
def test_what_a_gpu_is_waited_for_is_noted_with_its_line(device, operator, ask):
    values = torch.arange(4.0).to(device)
    waits.clear()
    ask(values)
    assert [wait.operator for wait in waits] == [operator]
    assert waits[0].place.startswith("pretended/faults_on_device.py:")


@pytest.mark.parametrize(
    "ask",
    [
        lambda values: torch.ones(4).to(values.device, non_blocking=True),
        lambda values: torch.zeros(4, device=values.device).copy_(values),
        lambda values: values[values.long()],
        lambda values: values[1:3].sum() + 2,
        lambda values: torch.where(values > 0, values, 0),
        lambda values: values.masked_fill(values > 0, 1),
        lambda values: values + torch.tensor(2.0),
        lambda values: torch.nn.functional.cross_entropy(values[None], values[:1].long()),
    ],
)
def test_what_no_gpu_is_waited_for_is_not_noted(device, ask):
    values = torch.arange(4.0).to(device)
    waits.clear()
    result = ask(values)
    assert waits == [] and result.device == device


@pytest.mark.parametrize(
    "ask",
    [
        lambda values: values + torch.ones(4),
        lambda values: torch.ones(4) + values,
        lambda values: torch.ones(4).add_(values),
        lambda values: torch.ones(()).add_(values[0]),
        lambda values: torch.cat([values, torch.ones(2)]),
        lambda values: torch.stack([values[0], torch.tensor(1.0)]),
        lambda values: values.view(2, 2) @ torch.ones(2, 2),
        lambda values: torch.where(torch.ones(4).bool(), values, 0),
        lambda values: values.index_select(0, torch.tensor([1])),
        lambda values: torch.nn.functional.cross_entropy(values[None], torch.tensor([1])),
        lambda values: torch.rand(4, generator=torch.Generator(), device=values.device),
        lambda values: torch.randn(4, generator=torch.Generator(), device=values.device),
        lambda values: torch.randperm(4, generator=torch.Generator(), device=values.device),
        lambda values: values.uniform_(generator=torch.Generator()),
        lambda values: torch.bernoulli(values / 4, generator=torch.Generator()),
    ],
)
def test_what_a_gpu_refuses_is_refused(device, ask):
    values = torch.arange(4.0).to(device)
    with pytest.raises(Refused, match=r"at pretended/faults_on_device\.py:"):
        ask(values)


def test_numpy_is_refused(device):
    with pytest.raises(RuntimeError):
        torch.arange(4.0).to(device).numpy()


@pytest.mark.parametrize(
    ("change", "waited"),
    [
        (lambda outputs: outputs, 0),
        (lambda outputs: (outputs.logits.sum().item(), outputs)[1], 1),
        (lambda outputs: (not outputs.logits.isfinite().all(), outputs)[1], 1),
        (lambda outputs: dataclasses.replace(outputs, labels=outputs.labels.cpu().to("pretended")), 2),
    ],
    ids=["nothing", "item", "a truth value", "to the CPU and back"],
)
def test_a_step_that_waits_is_found(device, features, tmp_path, monkeypatch, epochs, change, waited):
    """Of each of an epoch's four steps, and of the held-out loss."""
    planted(monkeypatch, change)
    trained(params_of(), "hybrid", features, tmp_path, device)
    assert epochs == [(2 + 4 * waited, 4 + 5 * waited, 0)] * 2
    assert waited == 0 or any("pretended/faults_on_device.py" in wait.place for wait in waits)


def test_a_step_with_labels_on_the_cpu_is_refused(device, features, tmp_path, monkeypatch):
    planted(monkeypatch, lambda outputs: dataclasses.replace(outputs, labels=outputs.labels.cpu()))
    with pytest.raises(Refused, match=r"found one on the CPU, at soundclr/losses\.py:"):
        trained(params_of(), "hybrid", features, tmp_path, device)


def test_an_augmentation_that_draws_on_the_cpu_is_refused(device, features, tmp_path, monkeypatch):
    def apply(self: Any, batch: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        return batch + torch.randn(batch.shape, generator=random, device=batch.device)

    monkeypatch.setattr(FrequencyMask, "apply", apply)
    with pytest.raises(Refused, match="found the CPU's"):
        trained(params_of(), "hybrid", features, tmp_path, device)
