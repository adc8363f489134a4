"""The learning rate, against the formula and its values in the paper's setting."""

from types import SimpleNamespace

import pytest

from soundclr.params import TrainingSettings, load
from soundclr.report.captions import budget
from soundclr.training.schedule import final_rate, learning_rate


def schedule(rate=5e-4, warmup=10, decay=0.98, epochs=800):
    return TrainingSettings(
        epochs=epochs,
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


@pytest.mark.parametrize(
    ("epochs", "warmup", "decay", "share"),
    [(12, 1, 0.82, 0.82**10), (12, 1, 0.995, 0.995**10), (800, 10, 0.98, 0.98**789), (6, 10, 0.5, 1), (1, 0, 0.5, 1)],
)
def test_how_far_it_falls(epochs, warmup, decay, share):
    rates = [learning_rate(schedule(3e-3, warmup, decay, epochs), epoch) for epoch in range(epochs)]
    assert final_rate(schedule(3e-3, warmup, decay, epochs)) == pytest.approx(share) == rates[-1] / max(rates)


@pytest.mark.parametrize(
    ("study", "recipe", "said"),
    [
        ("esc10", "supervised_contrastive", "at most 12 + 12 epochs, batch 16, {} at 14 % + 95 % of its peak"),
        ("esc10", "hybrid", "at most 12 epochs, batch 16, {} at 14 % of its peak"),
        ("paper", "hybrid", "at most 800 epochs, batch 128, {} at less than 1 % of its peak"),
    ],
)
def test_captions_say_how_far_each_stage_falls(repo, study, recipe, said):
    settings = load(repo / "params.yaml").resolve(study, "esc10", recipe)
    assert budget(None, SimpleNamespace(settings=settings)) == said.format("learning rate by the last epoch")
