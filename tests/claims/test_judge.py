"""The rule: estimates, corrections, tiers and verdicts, on invented runs and on the committed ones."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from soundclr.method import load_checked
from soundclr.report.claims.claim import Claim
from soundclr.report.claims.judge import Finding, Outcome, judged, measured
from soundclr.report.claims.of_study import Sides
from soundclr.report.claims.reported import Reported
from soundclr.report.claims.table import make, mark, ours, verdict
from soundclr.report.collect import collect
from soundclr.report.statistics import Estimate
from support.claim_frames import clips_of

CLAIM = Claim(id="one", claim="a beats b", place="I", measure="accuracy", ahead="a", behind="b", datasets=("X",))
RANDOM = np.random.default_rng(0)


def finding(measure: str = "accuracy", others: tuple[str, ...] = ("b",), **fields: Any) -> Finding:
    claim = CLAIM.model_copy(update={"measure": measure})
    sides = Sides(("a",), {name: (name,) for name in others})
    return Finding(claim, "esc10", "reduced", ("epochs",), None, sides, runs=4, expected_runs=4, **fields)


def rights(share: float, seeds: int = 3, folds: int = 5, clips: int = 80) -> Any:
    return RANDOM.random((folds, seeds, clips)) < share


def decided(value: float, p: float, tier: str = "reduced", **fields: Any) -> Finding:
    (one,) = judged([finding(estimate=Estimate(value, 1.0, 40.0), p=p, **fields)])
    assert one.p_holm == p or math.isnan(p)
    return Finding(**{**vars(one), "tier": tier})


@pytest.mark.parametrize(
    ("value", "p", "reduced", "exact"),
    [
        (2.0, 0.01, "holds here", "supported"),
        (-2.0, 0.01, "does not hold here", "contradicted"),
        (2.0, 0.2, "undecided here", "undecided"),
    ],
)
def test_a_paper_is_contradicted_only_by_its_own_settings(value: float, p: float, reduced: str, exact: str) -> None:
    assert decided(value, p).verdict == reduced
    assert decided(value, p, tier="exact").verdict == exact


def test_a_difference_of_networks_below_a_baseline_is_marked() -> None:
    """What is worse than a logistic regression on untrained features has hardly learnt; one side above is enough."""
    both = decided(2.0, 0.01, learnt=40.0, baseline=40.0)
    assert both.hardly_learnt and mark(both) == " ‡"
    assert mark(decided(2.0, 0.01, learnt=40.1, baseline=40.0)) == ""
    assert mark(decided(2.0, 0.01, learnt=40.0)) == mark(decided(2.0, 0.01, baseline=40.0)) == ""
    assert mark(replace(both, runs=3)) == ""
    # "Neither side" cannot be told while one side has no run, though further questions show part of their runs.
    asked = replace(both, runs=3, claim=CLAIM.model_copy(update={"asked": True}))
    assert mark(asked) == " ‡" and mark(replace(asked, estimate=None)) == ""


def test_a_question_with_missing_runs_counts_them() -> None:
    asked = finding(estimate=Estimate(9.0, 1.0, 40.0))
    asked = replace(asked, claim=CLAIM.model_copy(update={"asked": True}))
    assert ours(replace(asked, runs=3)) == f"{ours(asked)}, from 3 of 4 runs"


def test_what_is_also_asked_or_not_whole_is_not_judged() -> None:
    asked = finding(estimate=Estimate(9.0, 1.0, 40.0), p=1e-9)
    asked = Finding(**{**vars(asked), "claim": CLAIM.model_copy(update={"asked": True})})
    part = Finding(**{**vars(finding(estimate=Estimate(9.0, 1.0, 40.0), p=1e-9)), "runs": 3})
    outcomes: list[Outcome] = [one.outcome for one in judged([asked, part])]
    assert outcomes == ["no verdict", "not whole"]


def test_holm_is_over_a_family() -> None:
    """Two p-values of 0.03: together each becomes 0.06, in families of their own they stay."""
    two = [finding(estimate=Estimate(2.0, 1.0, 40.0), p=0.03) for _ in range(2)]
    assert [one.outcome for one in judged(two)] == ["undecided", "undecided"]
    other = Finding(**{**vars(two[1]), "claim": CLAIM.model_copy(update={"family": "800 epochs"})})
    assert [one.outcome for one in judged([two[0], other])] == ["holds", "holds"]


def test_holm_counts_claims_that_lack_runs() -> None:
    """A verdict of 0.03 would be lost when the second claim's runs come; a question and folds are no tests."""
    whole, part = finding(estimate=Estimate(2.0, 1.0, 40.0), p=0.03), replace(finding(), runs=0)
    assert [one.p_holm for one in judged([whole, part])] == pytest.approx([0.06, math.nan], nan_ok=True)
    asked = replace(part, claim=CLAIM.model_copy(update={"asked": True}))
    alone, *_ = judged([whole, asked, replace(finding("folds"), runs=0)])
    assert alone.outcome == "holds"


def test_a_row_without_runs_does_not_hide_what_is_reduced_in_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = replace(finding(estimate=Estimate(2.0, 1.0, 40.0)), reduced=("epochs", "1 seed"))
    ahead = replace(finding(), runs=0, reduced=("1 seed",))
    collection: Any = SimpleNamespace(coverage="4 of 8 runs", title=str, scheme=str)
    for found, said, further in (
        ((begun, ahead), "Reduced in every row with runs: epochs; 1 seed.", []),
        ((begun, replace(begun, reduced=("1 seed",))), "Reduced in every row: 1 seed.", ["epochs", "–"]),
        ((ahead,), "Reduced in every row: 1 seed.", []),
    ):
        monkeypatch.setattr("soundclr.report.claims.table.findings_of", lambda _, found=found: found)
        table = make(collection)
        assert said in table.caption
        assert [row[-1].text for row in table.rows if table.page[-1].name == "further reduced"] == further


def test_what_holds_by_construction_has_no_verdict_and_counts_as_no_test() -> None:
    fixed = replace(
        finding(estimate=Estimate(9.0, 1.0, 40.0), p=1e-9), claim=CLAIM.model_copy(update={"by_construction": True})
    )
    one, other = judged([fixed, finding(estimate=Estimate(2.0, 1.0, 40.0), p=0.03)])
    assert (one.outcome, verdict(one)) == ("no verdict", "by construction")
    assert (other.outcome, other.p_holm) == ("holds", 0.03)
    # A registered verdict stays, and counts.
    kept = replace(fixed, claim=fixed.claim.model_copy(update={"registered": True}))
    one, other = judged([kept, finding(estimate=Estimate(2.0, 1.0, 40.0), p=0.03)])
    assert verdict(one) == "holds here (by construction)" and one.claim.tested
    assert verdict(replace(one, runs=3, outcome="no verdict")) == "–"


def test_the_power_of_an_equivalence_is_that_of_finding_it_at_the_papers_difference() -> None:
    papers = [None if value is None else Reported(difference=value) for value in (None, 0.0, -0.4, 1.4)]
    one = finding("equivalence", estimate=Estimate(0.2, 0.3, 40.0), resampled="seeds")
    none, zero, near, far = (replace(one, paper=paper).power for paper in papers)
    assert none == zero > near > 0.8 > 0.1 > far > 0
    assert replace(finding(), paper=papers[1]).power_at == 1.0


def test_less_is_better_turns_the_sign(collection) -> None:
    """A drop of a that is 50 points smaller than b's is an advantage of 50."""
    import pandas as pd

    rows = [
        {
            "dataset": "esc10",
            "recipe": recipe,
            "fold": fold,
            "seed": 0,
            "noise": "white",
            "sigma": sigma,
            "accuracy_percent": level,
        }
        for recipe, noisy in (("a", 75.0), ("b", 25.0))
        for fold in (1, 2)
        for sigma, level in ((0.0, 100.0), (1e-4, noisy), (5e-4, noisy), (1e-3, noisy))
    ]
    found = measured(collection(noise=pd.DataFrame(rows)), finding("drop_under_noise"))
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(50)
    assert found.values == (25.0, 75.0)
    assert found.ratio is None


def test_the_ratio_of_errors(collection) -> None:
    a, b = np.ones((2, 2, 10)), np.ones((2, 2, 10))
    a[..., :1], b[..., :2] = 0, 0
    found = measured(collection(clips=clips_of({"a": a, "b": b})), finding())
    assert found.ratio is not None
    assert found.ratio[0] == pytest.approx(0.5)
    perfect = measured(collection(clips=clips_of({"a": np.ones((2, 2, 10)), "b": b})), finding())
    assert perfect.ratio is None


def test_one_run_a_side_leaves_trainings_unknown(collection) -> None:
    """Its interval is of recordings alone, and decides nothing however far off it is."""
    one = {"a": rights(1.0, seeds=1, folds=1), "b": rights(0.5, seeds=1, folds=1)}
    found = measured(collection(clips=clips_of(one)), finding())
    assert found.resampled == "sources"
    assert found.estimate is not None
    assert found.estimate.interval()[0] > 10
    assert math.isnan(found.p)
    assert math.isnan(found.power)
    assert judged([found])[0].outcome == "undecided"


@pytest.mark.slow
def test_equivalence_is_two_one_sided_tests(collection) -> None:
    near = clips_of({"a": rights(0.999, clips=400), "b": rights(0.999, clips=400)})
    found = measured(collection(clips=near), finding("equivalence"))
    assert judged([found])[0].outcome == "holds"
    far = clips_of({"a": rights(0.9, clips=400), "b": rights(0.7, clips=400)})
    assert judged([measured(collection(clips=far), finding("equivalence"))])[0].outcome == "does not hold"
    wide = clips_of({"a": rights(0.7), "b": rights(0.7)})
    assert judged([measured(collection(clips=wide), finding("equivalence"))])[0].outcome == "undecided"


@pytest.mark.parametrize(
    ("shares", "outcome"),
    [((0.95, 0.6, 0.6), "holds"), ((0.6, 0.95, 0.6), "does not hold"), ((0.7, 0.7, 0.4), "undecided")],
)
def test_best_of_several(collection, shares: tuple[float, ...], outcome: str) -> None:
    clips = clips_of(dict(zip(("a", "b", "c"), map(rights, shares), strict=True)))
    (found,) = judged([measured(collection(clips=clips), finding("best_of_several", ("b", "c")))])
    assert found.outcome == outcome


def test_the_best_of_others_is_chosen_on_other_folds(collection) -> None:
    """b is right on fold 1 alone and c half there, wholly elsewhere: whatever fold is left out, the others say c."""
    ones, half = np.ones((1, 20)), np.tile([[1, 0]], (1, 10))
    clips = clips_of({"a": [half, half, half], "b": [ones, 0 * ones, 0 * ones], "c": [half, ones, ones]})
    found = measured(collection(clips=clips), finding("best_of_several", ("b", "c")))
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx((50 - 50 + 50 - 100 + 50 - 100) / 3)


def test_folds_are_counted_and_not_tested(collection) -> None:
    full, none = np.ones((1, 10)), np.zeros((1, 10))
    clips = clips_of({"a": [full, full, none], "b": [none, full, full], "c": [none, none, none]})
    (found,) = judged([measured(collection(clips=clips), finding("folds", ("b", "c")))])
    assert found.folds == (2, 3)
    assert found.draws == 0.0
    assert found.outcome == "no verdict"


@pytest.mark.slow
def test_committed_runs_of_esc50_by_the_claims_own_measure(repo: Path) -> None:
    """Differences of means that a reader can take from Table III, and the drop at sigma 1e-3 from robustness.csv."""
    from soundclr.report.claims.judge import findings_of

    params = load_checked(repo / "params.yaml")
    found = {one.claim.id: one for one in findings_of(collect(params, "esc50", repo / "results"))}
    values = {name: round(one.estimate.value, 2) for name, one in found.items() if one.estimate}
    assert values["hybrid_ce"] == -2.75
    assert values["hybrid_sc"] == 4.35
    assert values["noise_hybrid_0.001"] == 1.7
    low, high = found["hybrid_sc"].estimate.interval()  # type: ignore[union-attr]
    assert (round(low, 2), round(high, 2)) == (0.76, 7.94)
    assert not any(one.verdict in ("contradicted", "supported") for one in found.values())


def test_a_row_says_that_the_correction_left_it_undecided() -> None:
    """Four claims at 0.04 are at 0.16 together."""
    found = judged([finding(estimate=Estimate(4.0, 1.9, 40.0), p=0.04) for _ in range(4)])[0]
    assert verdict(found).startswith("undecided here (p 0.16 by Holm, power ")
    (alone,) = judged([finding(estimate=Estimate(4.0, 2.0, 40.0), p=0.06)])
    assert "Holm" not in verdict(alone)


def test_folds_are_not_counted_before_all_runs_are_there() -> None:
    found = finding("folds", folds=(0, 5), draws=0.0)
    found = replace(found, runs=15, expected_runs=45)
    assert ours(found) == "15 of 45 runs"
    assert ours(replace(found, runs=45)) == "0 of 5 folds (in all of them in 0 % of draws)"
