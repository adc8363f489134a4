"""The learning rate, against the formula and its values in the paper's setting."""

import pytest

from soundclr.params import TrainingSettings
from soundclr.training.schedule import learning_rate


def schedule(rate=5e-4, warmup=10, decay=0.98):
    return TrainingSettings(
        epochs=800,
        patience=300,
        batch_size=128,
        learning_rate=rate,
        head_factor=1,
        weight_decay=1e-3,
        warmup_epochs=warmup,
        decay=decay,
        monitor="accuracy",
        keep="last",
        precision="auto",
    )


@pytest.mark.parametrize(
    ("epoch", "expected"),
    [(0, 9.5e-5), (1, 1.4e-4), (4, 2.75e-4), (9, 5e-4), (10, 5e-4), (11, 4.9e-4), (12, 4.802e-4), (60, 1.8208e-4)],
)
def test_the_papers_values(epoch, expected):
    assert learning_rate(schedule(), epoch) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("rate", "warmup", "decay"), [(5e-4, 10, 0.98), (1e-4, 10, 0.995), (3e-3, 1, 0.85), (1.0, 0, 1.0)]
)
def test_the_formula(rate, warmup, decay):
    for epoch in range(40):
        factor = 0.1 + 0.9 * (epoch + 1) / warmup if epoch < warmup else decay ** (epoch - warmup)
        assert learning_rate(schedule(rate, warmup, decay), epoch) == pytest.approx(rate * factor, rel=1e-12)


@pytest.mark.parametrize("warmup", [0, 1, 3])
def test_the_whole_rate_is_reached_when_warm(warmup):
    rates = [learning_rate(schedule(1.0, warmup, 0.5), epoch) for epoch in range(warmup + 3)]
    assert max(rates) == 1.0 and rates[warmup:] == [1.0, 0.5, 0.25]
    assert rates[:warmup] == sorted(rates[:warmup])
