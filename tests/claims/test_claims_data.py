"""claims.yaml of each paper: every name in it exists, its numbers are found, and its differences are the paper's."""

from pathlib import Path

import pytest

from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.report.claims.claim import read_claims
from soundclr.report.claims.measures import MEASURES
from soundclr.report.claims.of_study import budgets_of, claims_of, kinds_of, own_epochs, sides_of
from soundclr.report.claims.reported import reported

PAPERS = ("soundclr", "clar", "shin")


@pytest.mark.parametrize("paper", PAPERS)
def test_names_exist_and_numbers_are_found(repo: Path, paper: str) -> None:
    claims, params = read_claims(paper), load_checked(repo / "params.yaml")
    assert claims.exact in params.studies
    assert set(claims.datasets) <= set(params.datasets)
    named = {one.of for one in claims.datasets.values()}
    for claim in claims.every:
        assert claim.measure in MEASURES, claim.id
        assert claim.by == "recipe" or claim.by in kinds_of(paper), claim.id
        assert set(claim.datasets) <= named, claim.id
        if claim.by == "recipe":
            assert {claim.ahead, *claim.others} <= set(params.all_recipes), claim.id
        if claim.numbers:
            found = [reported(paper, claim, dataset) for dataset in named]
            assert any(one is not None and one.difference is not None for one in found), claim.id


@pytest.mark.parametrize("paper", PAPERS)
def test_the_papers_own_study_has_both_sides_of_what_it_claims(repo: Path, paper: str) -> None:
    """But for the loss on h, which the paper tried and gives no table of."""
    claims, params = read_claims(paper), load_checked(repo / "params.yaml")
    datasets = params.studies[claims.exact].datasets
    without = {
        claim.id
        for claim in claims.claims
        if not any(sides_of(params, claims.exact, dataset, claim) for dataset in datasets)
    }
    assert without <= {"projection"}


def test_table_iii_with_its_own_error() -> None:
    """Welch's test and the ratio of errors, from the table's means and standard deviations of five runs."""
    (claim,) = (one for one in read_claims("soundclr").claims if one.id == "hybrid_ce")
    found = {dataset: reported("soundclr", claim, dataset) for dataset in ("ESC-50", "ESC-10", "US8K")}
    numbers = [(one.difference, round(one.p or 9, 2), round(one.error_ratio or 9, 2)) for one in found.values() if one]
    assert numbers == [(1.01, 0.02, 0.88), (0.6, 0.04, 0.4), (0.5, 0.23, 0.97)]


def test_the_best_of_the_others_is_the_other_side() -> None:
    (claim,) = (one for one in read_claims("soundclr").claims if one.id == "alpha")
    found = reported("soundclr", claim, "ESC-50")
    assert found is not None
    assert (found.ahead, found.behind, found.difference) == (93.2, 92.8, 0.4)


def test_nothing_is_claimed_of_contrastive_alone_nor_of_hybrid_under_noise() -> None:
    claims = read_claims("soundclr").claims
    sides = {(one.ahead, one.behind) for one in claims if one.measure == "accuracy"}
    assert ("supervised_contrastive", "cross_entropy") not in sides
    assert {one.ahead for one in claims if one.measure.startswith("drop")} == {"supervised_contrastive"}


def test_a_registered_study_is_asked_what_was_registered(repo: Path) -> None:
    """Its claims and their order; what the paper's file has besides is marked as later, and never decides."""
    import yaml

    params = load_checked(repo / "params.yaml")
    _, claims = claims_of(params, "registered_esc10")
    fixed = yaml.safe_load((repo / "docs/registration.yaml").read_text())
    first = [one["id"] for one in (*fixed["claims"], *fixed["also_asked"])]
    assert [claim.id for claim in claims[: len(first)]] == first
    assert all(claim.asked for claim in claims if claim.later)
    alpha = next(claim for claim in claims if claim.id == "alpha")
    assert (alpha.ahead, alpha.others) == ("hybrid", ("alpha_001", "alpha_025", "alpha_075", "alpha_099"))


def test_a_longer_budget_is_judged_apart_and_a_shorter_one_is_asked(repo: Path) -> None:
    params = load_checked(repo / "params.yaml")
    assert budgets_of(params, "registered_esc10")[800]["hybrid"] == "hybrid_800"
    longer = [claim for claim in claims_of(params, "registered_esc10")[1] if claim.family == "800 epochs"]
    assert {claim.id: (claim.ahead, claim.behind, claim.asked) for claim in longer}["hybrid_ce_800"] == (
        "hybrid_800",
        "cross_entropy_800",
        False,
    )
    shorter = [claim for claim in claims_of(params, "registered_esc50")[1] if claim.family == "50 epochs"]
    assert shorter
    assert all(claim.asked for claim in shorter)


def test_a_study_whose_first_recipes_are_a_grid_has_a_budget(repo: Path) -> None:
    params = load_checked(repo / "params.yaml")
    study = params.studies["registered_esc10"]
    params.studies["registered_esc10"] = study.model_copy(update={"recipes": ("masks", *study.recipes)})
    assert own_epochs(params, "registered_esc10") == 150


def test_a_missing_registration_is_one_line(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = load_checked(repo / "params.yaml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"docs/registration.yaml: missing, .*registered_esc10"):
        claims_of(params, "registered_esc10")


def test_cells_name_row_and_column_of_both_sides() -> None:
    of = {claim.id: claim.numbers.cells for claim in read_claims("soundclr").claims if claim.numbers}
    assert of["hybrid_ce"] == "table3: hybrid, accuracy, mean; cross_entropy, accuracy, mean"
    assert of["alpha"] == "table2: alpha=0.5, accuracy, mean"
