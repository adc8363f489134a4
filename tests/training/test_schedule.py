"""The learning rate's shapes, against their formulas and their values in the papers' settings."""

import math

import pytest

from soundclr.params import load
from soundclr.training.schedule import SCHEDULES, Cosine, Exponential, Steps


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, 9.5e-5), (1, 1.4e-4), (4, 2.75e-4), (9, 5e-4), (10, 5e-4), (11, 4.9e-4), (12, 4.802e-4), (60, 1.8208e-4)],
)
def test_soundclrs_values(repo, epoch, expected):
    """Warm-up over 10 epochs, then 0.98 an epoch, of at most 800."""
    training = load(repo / "params.yaml").resolve("paper", "esc50", "hybrid").stages[0]
    schedule = SCHEDULES[training.schedule.name](**training.schedule.parameters)
    assert training.training.lr * schedule.factor(epoch, training.training.epochs) == pytest.approx(expected, rel=1e-4)


def test_the_second_stage_of_the_contrastive_scheme_falls_by_0_995(repo):
    stage = load(repo / "params.yaml").resolve("paper", "esc50", "supervised_contrastive").stages[1]
    schedule = SCHEDULES[stage.schedule.name](**stage.schedule.parameters)
    assert [schedule.factor(epoch, 800) for epoch in (10, 11, 110)] == pytest.approx([1, 0.995, 0.995**100], rel=1e-4)


@pytest.mark.parametrize(("warmup", "final"), [(0.0125, 1e-7), (0.1, 0.5), (0.0, 1.0), (0.99, 0.5)])
@pytest.mark.parametrize("epochs", [1, 7, 40, 800])
def test_exponential(warmup, final, epochs):
    schedule, warm = Exponential(warmup=warmup, final=final), min(round(warmup * epochs), epochs - 1)
    for epoch in range(epochs):
        after = final ** ((epoch - warm) / (epochs - warm))
        expected = 0.1 + 0.9 * (epoch + 1) / warm if epoch < warm else after
        assert schedule.factor(epoch, epochs) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "schedule", [Exponential(warmup=0.1, final=1e-3), Cosine(warmup=0.1), Steps(warmup=0.1, at=(0.5,), factor_each=0.1)]
)
def test_a_shorter_budget_has_the_same_shape(schedule):
    long, short = ([schedule.factor(epoch, epochs) for epoch in range(epochs)] for epochs in (1000, 100))
    assert long[100:] == sorted(long[100:], reverse=True) and long[:101] == sorted(long[:101])
    assert long[100] == 1.0
    assert long[100::10] == pytest.approx(short[10:], rel=1e-9)


def test_cosine():
    schedule = Cosine(warmup=0)
    factors = [schedule.factor(epoch, 4) for epoch in range(4)]
    assert factors == pytest.approx([1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2])


def test_steps():
    """Shin et al.: a tenth at epochs 30 and 60 of 70."""
    schedule = Steps(warmup=0, at=(3 / 7, 6 / 7), factor_each=0.1)
    factors = [schedule.factor(epoch, 70) for epoch in range(70)]
    assert factors == pytest.approx([1] * 30 + [0.1] * 30 + [0.01] * 10)


@pytest.mark.parametrize(
    ("schedule", "epochs", "share"),
    [
        (Exponential(warmup=1 / 12, final=0.1), 12, 0.1 ** (10 / 11)),
        (Exponential(warmup=0.0125, final=1.17112e-7), 800, 0.98**789),
        (Exponential(warmup=0.0, final=0.5), 1, 1),
        (Exponential(warmup=0.9, final=0.5), 2, 1),
        (Steps(warmup=0.0, at=(0.0, 0.5), factor_each=0.1), 4, 0.1),
        (Cosine(warmup=0.0), 4, (1 - math.sqrt(0.5)) / 2),
    ],
)
def test_how_far_it_falls(schedule, epochs, share):
    """Of the peak: where the first step is at once, that is less than the whole rate."""
    rates = [3e-3 * schedule.factor(epoch, epochs) for epoch in range(epochs)]
    assert schedule.left(epochs) == pytest.approx(share, rel=1e-3) == pytest.approx(rates[-1] / max(rates), rel=1e-3)


@pytest.mark.parametrize("warmup", [0, 1, 3])
def test_the_whole_rate_is_reached_when_warm(warmup):
    epochs = warmup + 3
    schedule = Exponential(warmup=warmup / epochs, final=0.125)
    rates = [schedule.factor(epoch, epochs) for epoch in range(epochs)]
    assert max(rates) == 1.0 and rates[warmup:] == pytest.approx([1.0, 0.5, 0.25])
    assert rates[:warmup] == sorted(rates[:warmup])
