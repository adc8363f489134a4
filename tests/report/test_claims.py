"""The verdicts: the rule at its edges, on simulated values of real run folders, and the table by hand."""

import csv
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from byhand import best, last, make, near, rows, said, texts
from fabricate import fabricate, fabricate_evaluation, trial_params
from pandas import Series

from soundclr.params import Params
from soundclr.report.catalogue import ARTEFACTS, report_paths
from soundclr.report.claim import ACCURACY, Claim, Claims, Metric, Reported, claims_of, declared_claims
from soundclr.report.collect import Collection, collect
from soundclr.report.intervals import Mean, by_place
from soundclr.report.judging import Finding, combined, judge, verdict, within
from soundclr.report.markup import to_latex, to_markdown
from soundclr.report.papers import PAPERS
from soundclr.report.table import Table
from soundclr.run.runs import evaluated, expand

FOLDS, SEEDS = (1, 2, 3, 4, 5), (0, 1, 2, 3, 4)
CLIPS = 20  # held out in each fold: one is a point of all 100


def found(mean: float, half: float) -> Finding:
    return Finding("undecided", difference=Mean(mean, half, {}, 5))


@pytest.mark.parametrize(
    ("mean", "half", "expected"),
    [
        (1.0, 0.5, "supported"),
        (1.0, 0.999, "supported"),
        (1.0, 1.0, "undecided"),  # 0 is the interval's end, and in it
        (0.999, 0.1, "undecided"),  # surely above 0, and less than a clip
        (0.1 + 0.2 + 0.7, 0.1, "supported"),  # 1, but for rounding
        (math.nextafter(1, 0), 0.0, "supported"),
        (0.0, 0.0, "undecided"),
        (0.0, 5.0, "undecided"),
        (3.0, math.nan, "undecided"),  # a single value has no interval
        (-1.0, 0.5, "contradicted"),
        (-1.0, 1.0, "undecided"),
        (-0.999, 0.1, "undecided"),
    ],
)
def test_the_rule_at_its_edges(mean: float, half: float, expected: str) -> None:
    assert verdict(found(mean, half), least=1.0) == expected
    opposite = {"supported": "contradicted", "contradicted": "supported"}.get(expected, expected)
    assert verdict(found(-mean, half), least=1.0) == verdict(found(mean, half), least=1.0, better=-1) == opposite


@pytest.mark.parametrize(
    ("mean", "half", "expected"),
    [
        (0.0, 0.5, "supported"),
        (-0.3, 0.2, "supported"),
        (0.3, 0.21, "undecided"),
        (0.0, 3.0, "undecided"),  # on both sides
        (0.0, math.nan, "undecided"),
        (1.0, 0.5, "undecided"),  # half a point is in it
        (1.0, 0.49, "contradicted"),
        (-1.0, 0.49, "contradicted"),
    ],
)
def test_the_rule_of_sides_that_are_near(mean: float, half: float, expected: str) -> None:
    assert within(found(mean, half), 0.5) == expected


def test_the_rule_of_several() -> None:
    assert combined(["supported", "supported"], missing=False) == "supported"
    assert combined(["supported", "supported"], missing=True) == "undecided"
    assert combined(["supported", "undecided"], missing=False) == "undecided"
    assert combined(["supported", "contradicted"], missing=True) == "contradicted"


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    """``five`` and ``one`` (seed); ``lone`` has one recipe; ``other`` has none of the papers' recipes."""
    few: dict[str, Any] = {"evaluate": {}, "artefacts": {"table2": {"recipes": ["alpha_001", "hybrid", "alpha_099"]}}}
    return trial_params(
        repo,
        five=few,
        one=few | {"seeds": [0]},
        lone={"recipes": ["hybrid"], "seeds": [0]},
        other={"recipes": ["masks_f0_t0", "scratch_1_channel"], "datasets": ["esc10", "us8k"]},
        empty=few,
    )


@pytest.fixture(scope="module")
def results(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("claims")
    skills = {"hybrid": 1.0, "supervised_contrastive": 0.7, "alpha_001": 0.5, "alpha_099": 0.99}
    for study in ("five", "one"):
        for run in expand(params, study):
            fabricate(params, run, folder, test_clips=CLIPS, skill=skills.get(run.recipe, 0.7))
        for run in evaluated(params, study):
            fabricate_evaluation(params, run, folder, skill=0.9 if run.recipe == "hybrid" else 0.5)
    return folder


@pytest.fixture(scope="module")
def five(params: Params, results: Path) -> Collection:
    return collect(params, "five", results)


@pytest.fixture(scope="module")
def one(params: Params, results: Path) -> Collection:
    return collect(params, "one", results)


def simulated(values: Mapping[str, Callable[[int, int], float | None]], better: int = 1) -> Metric:
    """A metric that gives what is asked for of each fold and seed."""

    def of(collection: Collection, dataset: str, recipe: str, choice: str, protocol: str) -> Series:
        places = [(run.fold, run.seed) for run in collection.expected_of(dataset, recipe, choice)]
        made = {place: values[recipe](*place) for place in places if recipe in values}
        return by_place({place: value for place, value in made.items() if value is not None})

    return Metric("points", of, better=1 if better > 0 else -1)


def test_folds_count_and_seeds_are_averaged(five: Collection, one: Collection) -> None:
    """Seeds that differ widely in each fold, with one mean: five decide what one leaves open."""
    noise = {0: 12.0, 1: -12.0, 2: 6.0, 3: -6.0, 4: 0.0}
    metric = simulated(
        {"hybrid": lambda fold, seed: 50 + 2 + noise[(seed + fold) % 5], "cross_entropy": lambda fold, seed: 50.0}
    )
    claim = Claim("x", "x", metric, "hybrid", "cross_entropy")
    many = judge(five, "esc10", claim, "last_epoch")
    assert (many.verdict, many.pairs, many.values) == ("supported", 25, (52.0, 50.0))
    assert many.difference is not None and many.difference.half == pytest.approx(0)
    few = judge(one, "esc10", claim, "last_epoch")
    assert (few.verdict, few.pairs) == ("undecided", 5)
    assert few.difference is not None and few.difference.half > few.difference.mean > 0


@pytest.mark.parametrize(
    ("gain", "better", "expected"),
    [
        (1.0, 1, "supported"),  # a clip of the hundred held-out ones
        (0.98, 1, "undecided"),
        (-1.0, 1, "contradicted"),
        (-1.0, -1, "supported"),
        (1.0, -1, "contradicted"),
    ],
)
def test_one_clip_is_the_least_that_counts(five: Collection, gain: float, better: int, expected: str) -> None:
    metric = simulated({"hybrid": lambda fold, seed: 10 * fold + gain, "cross_entropy": lambda f, s: 10 * f}, better)
    claim = Claim("x", "x", metric, "hybrid", "cross_entropy")
    assert judge(five, "esc10", claim, "last_epoch").verdict == expected
    uncounted = Metric("", metric.values, metric.better, counts_clips=False)
    small = Claim("x", "x", uncounted, "hybrid", "cross_entropy")
    assert judge(five, "esc10", small, "last_epoch").verdict != "undecided"


def test_sides_may_be_of_two_choices(five: Collection) -> None:
    """Cross-entropy is the study's own, alpha 0.99 Table II's alone; a dataset may be left out."""
    values = {"cross_entropy": lambda f, s: 50.0, "alpha_099": lambda f, s: 49.7}
    claim = Claim("x", "x", simulated(values), "cross_entropy", "alpha_099", versus_choice="table2", within=0.5)
    assert judge(five, "esc10", claim, "last_epoch").verdict == "supported"
    assert judge(five, "esc10", replace(claim, within=None), "last_epoch").verdict == "undecided"  # less than a clip
    assert judge(five, "esc10", replace(claim, versus_choice=None), "last_epoch").verdict == "no runs"
    assert judge(five, "esc10", replace(claim, without=frozenset({"esc10"})), "last_epoch").verdict == "no runs"


def test_pairs_are_of_the_same_fold_and_seed(five: Collection) -> None:
    metric = simulated(
        {
            "hybrid": lambda fold, seed: None if fold == 1 else 20.0 * fold + seed,
            "cross_entropy": lambda fold, seed: None if seed > 1 else 20.0 * fold,
        }
    )
    finding = judge(five, "esc10", Claim("x", "x", metric, "hybrid", "cross_entropy"), "last_epoch")
    assert finding.pairs == 8
    assert finding.difference is not None
    assert finding.difference.folds == {2: 0.5, 3: 0.5, 4: 0.5, 5: 0.5}


def test_best_of_several(five: Collection) -> None:
    def said_of(swing: float = 0.3, **means: float | None) -> Finding:
        steps = {name: swing if name == "alpha_001" else 0.3 for name in means}
        made = {n: lambda f, s, m=m, n=n: None if m is None else m + steps[n] * (f % 2) for n, m in means.items()}
        return judge(five, "esc10", Claim("x", "x", simulated(made), "hybrid", choice="table2"), "last_epoch")

    finding = said_of(hybrid=90, alpha_001=80, alpha_099=88)
    assert (finding.verdict, finding.second) == ("supported", "alpha_099")  # the nearest
    assert said_of(hybrid=90, alpha_001=80, alpha_099=89.5).verdict == "undecided"  # half a clip
    finding = said_of(hybrid=90, alpha_001=95, alpha_099=93)
    assert (finding.verdict, finding.second) == ("contradicted", "alpha_001")
    assert said_of(30.0, hybrid=90, alpha_001=80, alpha_099=93).second == "alpha_099"  # decides, though less far behind
    assert said_of(hybrid=90, alpha_001=80, alpha_099=None).verdict == "undecided"
    assert said_of(hybrid=90, alpha_001=95, alpha_099=None).verdict == "contradicted"
    assert said_of(hybrid=None, alpha_001=95, alpha_099=93).verdict == "no runs"


def test_the_table_by_hand(five: Collection, results: Path) -> None:
    lines = {line["claim"]: line for line in rows(five, "claims")}
    ours, theirs = said(results, "five", "hybrid"), said(results, "five", "cross_entropy")
    assert len(ours) == len(theirs) == 25
    for protocol, value in (("last_epoch", last), ("best_epoch", best)):
        folds = [sum(value(ours[fold, s]) - value(theirs[fold, s]) for s in SEEDS) / 5 for fold in FOLDS]
        mean = sum(folds) / 5
        half = 2.7764451 * math.sqrt(sum((fold - mean) ** 2 for fold in folds) / 4 / 5)  # Student's t, 4 degrees
        line = lines["hybrid"]
        assert float(line[f"{protocol}_difference"]) == near(mean)
        assert float(line[f"{protocol}_low"]) == near(mean - half)
        assert float(line[f"{protocol}_high"]) == near(mean + half)
        assert (line[f"{protocol}_pairs"], line[f"{protocol}_folds"]) == ("25", "5")
        assert line[f"{protocol}_verdict"] == ("supported" if mean - half > 0 and mean >= 1 else "undecided")
    assert lines["hybrid"]["last_epoch_verdict"] == "supported"
    assert lines["noise_by_snr_hybrid"]["last_epoch_verdict"] == "supported"
    assert lines["noise_hybrid"]["best_epoch_verdict"] == "no runs"  # evaluations are of the last epoch
    assert lines["margin_hybrid"]["unit"] == "in ratio"
    assert lines["alpha"]["last_epoch_first"] == "hybrid"
    assert lines["ensemble"]["last_epoch_pairs"] == "25"
    assert {lines[name]["last_epoch_verdict"] for name in ("imagenet", "channels", "masks", "best_masks")} == {
        "no runs"
    }


def test_the_papers_figures(five: Collection, params: Params, tmp_path: Path) -> None:
    shown = {row[0]: row[1] for row in texts(make(five, "claims"))}
    assert shown["hybrid loss beats cross-entropy"] == "+0.60 points: 99.60 − 99.00 (Table III)"
    by_id = {line["claim"]: shown[line["text"]] for line in rows(five, "claims")}
    assert by_id["imagenet"] == "+10.00 points: 84.60 − 74.60 (Figure 3, ESC-50)"
    assert by_id["channels"] == "over +4.00 points (Figure 3, ESC-50)"
    assert by_id["alpha"] == "+0.25 points: 99.75 − 99.50 (Table II)"
    assert by_id["best_masks"] == "+0.25 points: 92.10 − 91.85 (Table I, ESC-50)"
    assert by_id["ensemble"] == "+0.15 points: 99.75 − 99.60 (Tables IV, III)"
    assert by_id["margin_hybrid"] == "no number (abstract)"
    of_paper = rows(collect(params, "paper", tmp_path), "claims")
    contrastive = {one["dataset"]: one["published_difference"] for one in of_paper if one["claim"] == "contrastive"}
    assert contrastive == {"esc10": "0.25", "esc50": "0.13", "us8k": "-0.59"}
    assert [one["dataset"] for one in of_paper if one["claim"] == "best_masks"] == ["esc50"]
    assert {one["last_epoch_verdict"] for one in of_paper} == {"no runs"}


def test_one_seed_has_no_ensemble(one: Collection, params: Params) -> None:
    lines = {line["claim"]: line for line in rows(one, "claims")}
    assert lines["ensemble"]["last_epoch_verdict"] == "no runs"
    assert lines["hybrid"]["last_epoch_pairs"] == lines["hybrid"]["last_epoch_expected_pairs"] == "5"
    names = {
        study: {path.stem for path in report_paths(params, study, Path("r"), Path("f"))} for study in ("one", "five")
    }
    assert "ensembles" in names["five"] - names["one"]


def test_a_study_without_both_sides_has_no_claims(params: Params) -> None:
    assert not list(claims_of(params, "lone"))
    assert "claims" not in {path.stem for path in report_paths(params, "lone", Path("results"), Path("figures"))}
    assert not list(claims_of(params, "other"))
    (of_paper,) = (one for one in declared_claims() if one.paper == "the SoundCLR paper")
    assert len(list(claims_of(params, "five"))) == len(of_paper.claims)


def test_without_runs_every_verdict_is_no_runs(params: Params, tmp_path: Path) -> None:
    lines = rows(collect(params, "empty", tmp_path), "claims")
    assert {line["last_epoch_verdict"] for line in lines} == {"no runs"}
    assert "0 of " in make(collect(params, "empty", tmp_path), "claims").caption


def test_claims_are_first_and_the_same_each_time(five: Collection, params: Params, results: Path) -> None:
    assert ARTEFACTS[0].name == "claims"
    again = collect(params, "five", results)
    for write in (Table.to_csv, to_markdown, lambda table: to_latex(table, table.caption, "", "tab:x")):
        assert write(make(five, "claims")) == write(make(again, "claims"))


def test_a_new_papers_claims_are_a_file_with_claims(five: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = Claim("new", "the new one beats the old one", ACCURACY, "hybrid", "cross_entropy")
    module = SimpleNamespace(CLAIMS=Claims("another paper", (claim,)))
    monkeypatch.setitem(PAPERS, "another", "another paper")
    monkeypatch.setitem(sys.modules, "soundclr.report.papers.another.claims", module)
    declared_claims.cache_clear()
    try:
        table = make(five, "claims")
    finally:
        declared_claims.cache_clear()
    lines = texts(table)
    assert [line[:3] for line in lines if line[0] == "another paper"] == [
        ["another paper", "the new one beats the old one", "–"]
    ]
    assert table.caption.startswith("What the SoundCLR paper and another paper say")


def test_the_caption_has_the_rule(five: Collection) -> None:
    caption = make(five, "claims").caption
    for words in (
        "One rule for every claim and study",
        "the whole interval is on the claim's side of 0",
        "one held-out clip's share",
        "last epoch",
        "SoundCLR",
    ):
        assert words in caption


def test_reported_differences() -> None:
    assert Reported("ESC-50", "Table", 93.0, 92.0).difference == 1.0
    assert Reported("ESC-50", "Figure 3", 93.0, gain=4.0, at_least=True).difference == 4.0
    assert Reported("", "abstract").difference is None


def test_ensembles_by_hand(five: Collection, results: Path) -> None:
    lines = {(line["recipe"], line["fold"]): line for line in rows(five, "ensembles")}
    assert len(lines) == 3 * 6
    runs = said(results, "five", "cross_entropy")
    totals: dict[tuple[str, str], list[float]] = {}
    right = 0
    for seed in SEEDS:
        for row in csv.DictReader((runs[2, seed]["path"] / "predictions.csv").read_text().splitlines()):
            if row["epoch"] == "last":
                probabilities = [float(row[name]) for name in runs[2, seed]["classes"]]
                before = totals.setdefault((row["clip"], row["label"]), [0.0] * len(probabilities))
                totals[row["clip"], row["label"]] = [a + b for a, b in zip(before, probabilities, strict=True)]
    for (_, label), summed in totals.items():
        right += summed.index(max(summed)) == int(label)
    line = lines["cross_entropy", "2"]
    assert float(line["last_epoch_ensemble_percent"]) == near(100 * right / CLIPS)
    assert float(line["last_epoch_single_percent"]) == near(sum(last(runs[2, seed]) for seed in SEEDS) / 5)
    mean = lines["cross_entropy", ""]
    for what in ("last_epoch_ensemble_percent", "best_epoch_gain_points"):
        of_folds = [float(lines["cross_entropy", str(fold)][what]) for fold in FOLDS]
        assert float(mean[what]) == pytest.approx(sum(of_folds) / 5, abs=0.011)
    claim = {one["claim"]: one for one in rows(five, "claims")}["ensemble"]
    assert claim["last_epoch_difference"] == lines["hybrid", ""]["last_epoch_gain_points"]
    table = make(five, "ensembles")
    assert [len(row) for row in table.rows] == [3 + 5 + 2 * 3] * 3
