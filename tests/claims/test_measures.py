"""Measures of claims, by hand."""

import numpy as np
import pandas as pd
import pytest

from soundclr.report.claims.measures import (
    MEASURES,
    accuracy,
    best_seed,
    ensemble,
    first_at_share,
    under_noise,
)
from support.claim_frames import clips_of

RUN = {"dataset": "esc10", "recipe": "hybrid", "fold": 1, "seed": 0}


def test_accuracy_has_a_value_a_clip_and_its_sources(collection) -> None:
    found = accuracy(collection(clips=clips_of({"hybrid": [[[1, 0, 1, 1], [0, 0, 1, 1]]]})), "esc10", ["hybrid"])
    assert found[1].values.tolist() == [[100, 0, 100, 100], [0, 0, 100, 100]]
    assert found[1].sources.tolist() == [0, 0, 1, 1]


def test_recipes_of_a_side_are_pooled(collection) -> None:
    both = collection(clips=clips_of({"a": [[[1, 1]]], "b": [[[0, 0]]]}))
    assert accuracy(both, "esc10", ["a", "b"])[1].values.tolist() == [[100, 100], [0, 0]]


def answers(rights: dict[float, list[int]]) -> pd.DataFrame:
    rows = [
        {**RUN, "noise": "white", "sigma": sigma, "clip": f"c{k}", "source": f"s{k}", "right": bool(right)}
        for sigma, values in rights.items()
        for k, right in enumerate(values)
    ]
    return pd.DataFrame(rows)


def noise(levels: dict[float, float]) -> pd.DataFrame:
    return pd.DataFrame([{**RUN, "noise": "white", "sigma": s, "accuracy_percent": v} for s, v in levels.items()])


LEVELS = {0.0: 100.0, 1e-4: 100.0, 5e-4: 50.0, 1e-3: 0.0}


def test_the_drop_is_from_no_noise_to_the_mean_of_figure_5(collection) -> None:
    by_clip = answers({0.0: [1, 1], 1e-4: [1, 1], 5e-4: [1, 0], 1e-3: [0, 0]})
    found = under_noise(collection(answers=by_clip, noise=noise(LEVELS)), "esc10", ["hybrid"])
    assert np.ravel(found[1].values) == pytest.approx([100 - 200 / 3, 100 - 100 / 3])
    level = under_noise(collection(answers=by_clip, noise=noise(LEVELS)), "esc10", ["hybrid"], drop=False)
    assert np.ravel(level[1].values) == pytest.approx([200 / 3, 100 / 3])


def test_evaluations_without_answers_give_a_number_a_run(collection) -> None:
    found = under_noise(collection(noise=noise(LEVELS)), "esc10", ["hybrid"])
    assert found[1].values.tolist() == [[50.0]]
    one = MEASURES["drop_at_sigma_0.001"].values(collection(noise=noise(LEVELS)), "esc10", ["hybrid"])
    assert one[1].values.tolist() == [[100.0]]


def run_of(values: list[float], stage: str = "joint") -> pd.DataFrame:
    return pd.DataFrame({**RUN, "stage": stage, "val_accuracy_percent": values, "seconds": 2.0})


def test_convergence_is_to_a_runs_own_end() -> None:
    """The end is the mean of the last tenth: here 80; 95 % of it is 76."""
    of = "val_accuracy_percent"
    values = [10, 50, 75, 76, 90, 80, 80, 80, 80, 80]
    assert first_at_share(run_of(values), of, "epochs") == 4
    assert first_at_share(run_of(values), of, "seconds") == 8
    assert np.isnan(first_at_share(run_of([np.nan]), of, "epochs"))


def test_both_stages_count(collection) -> None:
    two = pd.concat([run_of([np.nan] * 10, "contrastive"), run_of([80.0] * 10, "classifier")])
    found = MEASURES["epochs_to_own_share"].values(collection(epochs=two), "esc10", ["hybrid"])
    assert found[1].values.tolist() == [[11.0]]


def test_an_ensemble_is_of_means_of_probabilities(collection) -> None:
    """Two seeds that are half sure of the wrong class: together they are where the surer one is."""
    clips = clips_of({"hybrid": [[[1, 0], [0, 0]]]})
    clips.loc[clips["right"], ["p0", "p1"]] = [0.9, 0.1]
    clips.loc[~clips["right"], ["p0", "p1"]] = [0.4, 0.6]
    assert ensemble(collection(clips=clips), "esc10", ["hybrid"])[1].values.tolist() == [[100, 0]]
    assert best_seed(collection(clips=clips), "esc10", ["hybrid"])[1].values.tolist() == [[100, 0]]
    alone = clips[clips["seed"] == 0]
    assert ensemble(collection(clips=alone), "esc10", ["hybrid"]) == {}


def test_log_loss_is_of_the_class_itself_and_finite(collection) -> None:
    clips = clips_of({"hybrid": [[[1, 0, 1]]]})
    clips["p0"], clips["p1"] = clips["p0"] * 0.25, 1 - clips["p0"] * 0.25
    found = MEASURES["log_loss"].values(collection(clips=clips), "esc10", ["hybrid"])
    assert np.ravel(found[1].values) == pytest.approx([np.log(4), np.log(1e6), np.log(4)])
    assert MEASURES["log_loss"].better == -1


@pytest.mark.parametrize(
    ("measure", "value", "better"),
    [("between_class_distance_z", 0.8, 1), ("distance_ratio_z", 0.25, -1), ("distance_ratio_logits", 0.5, -1)],
)
def test_distances_are_of_the_space_that_is_named(collection, measure: str, value: float, better: int) -> None:
    rows = pd.DataFrame(
        [
            {**RUN, "space": "h", "intra": 0.1, "inter": 0.5, "ratio": 0.2},
            {**RUN, "space": "projection", "intra": 0.2, "inter": 0.8, "ratio": 0.25},
            {**RUN, "space": "logits", "intra": 0.5, "inter": 1.0, "ratio": 0.5},
        ]
    )
    found = MEASURES[measure].values(collection(distances=rows), "esc10", ["hybrid"])
    assert found[1].values.tolist() == [[value]]
    assert MEASURES[measure].better == better
