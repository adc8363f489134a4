"""Which tier a study is of follows from its settings: none can claim the paper's."""

from pathlib import Path

import pytest

from soundclr.method import load_checked
from soundclr.params import Params, read_params
from soundclr.report.claims.claim import read_claims
from soundclr.report.claims.tier import beside_paper, no_patience, reductions, tier

CLAIMS = read_claims("soundclr")


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    return load_checked(repo / "params.yaml")


@pytest.mark.parametrize("dataset", ["esc10", "esc50", "us8k"])
def test_the_papers_own_study_is_exact(params: Params, dataset: str) -> None:
    found = reductions(params, "paper", dataset, ["hybrid", "cross_entropy", "supervised_contrastive"], CLAIMS, 5)
    assert found == ()
    assert tier(found) == "exact"


@pytest.mark.parametrize(
    ("recipe", "word"),
    [
        ("hybrid_50", "epochs (50 for 800)"),
        ("hybrid_800", "network (resnet18 for resnet50)"),
        ("hybrid_batch_32", "batch size (32 for 128)"),
        ("hybrid_inner", "what chooses the epoch (inner for held_out)"),
        ("hybrid_temperature_01", "loss"),
    ],
)
def test_a_recipe_is_compared_with_the_papers_that_it_is_built_on(params: Params, recipe: str, word: str) -> None:
    """A budget of its own does not become the paper's."""
    assert word in reductions(params, "registered_esc10", "esc10", [recipe], CLAIMS, 5)


@pytest.mark.parametrize(
    ("study", "dataset", "text"),
    [
        ("paper", "esc10", "As there: network, image, epochs, batch, rate, masks"),
        (
            "esc10",
            "esc10",
            "Here (full study): network resnet18 (resnet50), image 64 × 216 (128 × 431), epochs 14 (800), "
            "batch 32 (128), rate 0.001 (0.0005), masks none (2 of 32 bands + 1 of 32 frames)",
        ),
        (
            "clar_quick_esc10",
            "esc10_16k",
            "Here (full study): image 64 × 157 (128 × 626), epochs 60 (2000), batch 32 (64). As there: "
            "network, rate, masks",
        ),
        (
            "shin_quick",
            "esc10",
            "Here (full study): image 64 × 125 (128 × 250), epochs 45 (140). As there: network, batch, rate, masks",
        ),
    ],
)
def test_what_differs_most_is_named_beside_the_papers(params: Params, study: str, dataset: str, text: str) -> None:
    claims = read_claims(params.get_study(study).paper)
    assert beside_paper(params, study, dataset, claims).replace("\xa0", " ") == text


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"encoder": "resnet18"}, "network (resnet18 for resnet50)"),
        ({"start": {"weights": "imagenet_pqf"}}, "initial weights (imagenet_pqf for imagenet1k_v1)"),
        ({"representations": {"log_mel": {"n_mels": 64}}}, "image"),
        ({"training": {"epochs": 799}}, "epochs (799 for 800)"),
        ({"training": {"precision": "bfloat16"}}, "precision (bfloat16 for float32)"),
        ({"augmentations": {"time_mask": {"width": 31}}}, "augmentation"),
        ({"losses": {"supcon": {"temperature": 0.1}}}, "loss"),
        ({"optimizers": {"adamw": {"weight_decay": 0.0}}}, "optimiser"),
    ],
)
def test_one_changed_setting_is_named(repo: Path, changes: dict[str, object], word: str) -> None:
    content = read_params(repo / "params.yaml")
    content["studies"]["mine"] = {**content["studies"]["paper"], "settings": changes, "title": "mine"}
    found = reductions(Params.model_validate(content), "mine", "esc10", ["hybrid"], CLAIMS, 5)
    assert found == (word,)


@pytest.mark.parametrize(
    ("study", "dataset", "recipe", "factor"),
    [
        ("registered_esc10", "esc10", "hybrid", "0.90"),  # 0.98 ** (790 / 148)
        ("registered_esc10", "esc10", "supervised_contrastive", "0.90"),
        ("registered_us8k", "us8k_three_folds", "hybrid_50", "0.72"),  # 0.98 ** (790 / 49)
        ("registered_esc10", "esc10", "hybrid_800", None),
        ("esc10", "esc10", "hybrid", None),  # another schedule, which is named
    ],
)
def test_a_schedule_in_fewer_epochs_falls_faster(
    params: Params, study: str, dataset: str, recipe: str, factor: str | None
) -> None:
    found = [word for word in reductions(params, study, dataset, [recipe], CLAIMS, 5) if word.startswith("decay")]
    assert found == ([f"decay of the learning rate ({factor} an epoch for 0.98)"] if factor else [])


def test_other_data_and_fewer_seeds_are_reduced(params: Params) -> None:
    assert "data: three of ten folds, an unofficial copy" in reductions(
        params, "registered_us8k", "us8k_three_folds", ["hybrid"], CLAIMS, 5
    )
    assert reductions(params, "paper", "esc10", ["hybrid"], CLAIMS, 4) == ("4 seeds",)
    assert "data: not the paper's" in reductions(params, "demo", "demo", ["hybrid"], CLAIMS, 5)


def test_a_patience_that_no_run_can_lose_is_none() -> None:
    """14 of 14 epochs and 20 of 20 are both none; 300 of 800 can be lost."""
    none, other = {"epochs": 20, "patience": 20}, {"epochs": 14, "patience": 10**6}
    assert no_patience(none)["patience"] == no_patience(other)["patience"] == "none"
    assert no_patience({"epochs": 800, "patience": 300})["patience"] == 300


@pytest.mark.parametrize(
    ("study", "dataset", "shown", "text"),
    [
        ("registered_us8k", "us8k_three_folds", ["cross_entropy_50", "hybrid_50"], "epochs 50 (800)"),
        ("registered_us8k", "us8k_three_folds", ["hybrid", "hybrid_50"], "epochs 150 or 50 (800)"),
        ("registered_us8k", "us8k_three_folds", ["baseline_statistics"], "epochs 150 (800)"),
        ("registered_us8k", "us8k_three_folds", [], "epochs 150 (800)"),
    ],
)
def test_what_differs_is_of_the_recipes_that_are_shown(
    params: Params, study: str, dataset: str, shown: list[str], text: str
) -> None:
    claims = read_claims(params.get_study(study).paper)
    assert f", {text}, masks" in beside_paper(params, study, dataset, claims, shown).replace("\xa0", " ")
