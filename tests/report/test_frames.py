"""The frames hold what the run folders do, and a row for what is asked for and not there."""

from pathlib import Path

import pandas as pd
import pytest

from soundclr.report.collect import Collection
from soundclr.report.frames import RUN, source_of
from support import byhand


@pytest.mark.parametrize(
    ("clip", "source"),
    [
        ("1-100032-A", "100032"),
        ("1-100032-A-0", "100032"),
        ("100032-3-0-12", "100032"),
        ("yes/0c40e715_nohash_0", "0c40e715"),
        ("0c40e715_nohash_3", "0c40e715"),
        ("blues.00000", "blues.00000"),
        ("my own-1", "my own-1"),
    ],
)
def test_the_name_of_a_clip_gives_its_source(clip: str, source: str) -> None:
    assert source_of(clip) == source


def test_what_is_asked_for_has_a_row(everything: Collection, toy_results: Path) -> None:
    asked = everything.asked
    assert len(asked) == sum(map(len, everything.expected.values()))
    missing = asked[(asked["choice"] == "own") & ~asked["there"]]
    assert missing[RUN].to_numpy().tolist() == [["esc10", "supervised_contrastive", 3, 1]]
    assert missing["best_epoch_percent"].isna().all() and (missing["validation"] == "held_out").all()
    own = asked[(asked["choice"] == "own") & asked["there"]].set_index(RUN)
    for recipe in ("cross_entropy", "hybrid"):
        for place, metrics in byhand.said(toy_results, "everything", recipe).items():
            row = own.loc[("esc10", recipe, *place)]
            assert (row["best_epoch_percent"], row["last_epoch_percent"]) == (
                byhand.best(metrics),
                byhand.last(metrics),
            )
    inner = asked[asked["choice"] == "protocols"]
    assert set(inner["validation"]) == {"inner"} and len(inner) == 4


def test_clips_are_as_right_as_the_runs_say(everything: Collection) -> None:
    clips, asked = everything.clips, everything.asked
    shares = 100 * clips.groupby([*RUN, "epoch"])["right"].mean().unstack()
    there = asked[asked["there"]].drop_duplicates(RUN).set_index(RUN)
    assert len(shares) == len(there)
    for epoch in ("best", "last"):
        pd.testing.assert_series_equal(shares[epoch], there[f"{epoch}_epoch_percent"].sort_index(), check_names=False)
    assert (clips.filter(regex=r"^p\d").sum(axis=1) - 1).abs().max() < 1e-4
    assert (clips["source"] == clips["clip"].str.extract(r"1-(\d+)-A", expand=False)).all()


def test_noise_and_answers_agree(everything: Collection) -> None:
    noise, answers = everything.noise, everything.answers
    condition = [*RUN, "noise", "sigma", "snr_db"]
    right = answers.groupby(condition, dropna=False)["right"].sum()
    pd.testing.assert_series_equal(right, noise.set_index(condition)["right"].sort_index(), check_names=False)
    assert (noise["accuracy_percent"] - 100 * noise["right"] / noise["clips"]).abs().max() < 1e-9
    assert answers["source"].notna().all()
    assert set(everything.distances["space"]) == {"h"}
    assert len(everything.distances) == asked_and_evaluated(everything)


def asked_and_evaluated(collection: Collection) -> int:
    asked = collection.asked
    return int(asked[asked["choice"] == "evaluated"]["evaluated"].sum())


def test_epochs_are_the_histories(everything: Collection) -> None:
    epochs = everything.epochs
    for result in everything.results[:5]:
        run = result.run
        rows = epochs[(epochs[RUN] == [run.dataset, run.recipe, run.fold, run.seed]).all(axis=1)]
        assert rows["train_loss"].tolist() == result.history["train_loss"].tolist()
        assert (
            rows["val_accuracy_percent"].dropna().tolist()
            == (100 * result.history["val_accuracy"].astype(float).dropna()).tolist()
        )
