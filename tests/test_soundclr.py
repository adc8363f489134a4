"""SoundCLR's studies: the paper's trainings, with the names, titles and settings that its tables show."""

from pathlib import Path

import pytest

from soundclr.method import load_checked
from soundclr.params import Params
from soundclr.run.runs import evaluated, expand

TABLE1 = {
    "masks_f0_t0": "masks f=0, t=0",
    "masks_f0_t1_32": "masks f=0, t=1 T=32",
    "masks_f0_t2_32": "masks f=0, t=2 T=32",
    "masks_f0_t3_32": "masks f=0, t=3 T=32",
    "masks_f1_16_t0": "masks f=1 F=16, t=0",
    "masks_f1_16_t1_32": "masks f=1 F=16, t=1 T=32",
    "masks_f1_16_t2_32": "masks f=1 F=16, t=2 T=32",
    "masks_f1_16_t3_32": "masks f=1 F=16, t=3 T=32",
    "masks_f2_16_t0": "masks f=2 F=16, t=0",
    "masks_f2_16_t1_32": "masks f=2 F=16, t=1 T=32",
    "masks_f2_16_t2_32": "masks f=2 F=16, t=2 T=32",
    "masks_f2_16_t3_32": "masks f=2 F=16, t=3 T=32",
    "masks_f3_16_t0": "masks f=3 F=16, t=0",
    "masks_f3_16_t1_32": "masks f=3 F=16, t=1 T=32",
    "masks_f3_16_t2_32": "masks f=3 F=16, t=2 T=32",
    "masks_f3_16_t3_32": "masks f=3 F=16, t=3 T=32",
    "masks_f1_32_t0": "masks f=1 F=32, t=0",
    "masks_f1_32_t1_32": "masks f=1 F=32, t=1 T=32",
    "masks_f1_32_t2_32": "masks f=1 F=32, t=2 T=32",
    "masks_f1_32_t3_32": "masks f=1 F=32, t=3 T=32",
    "masks_f2_32_t0": "masks f=2 F=32, t=0",
    "cross_entropy": "cross-entropy",
    "masks_f2_32_t2_32": "masks f=2 F=32, t=2 T=32",
    "masks_f2_32_t3_32": "masks f=2 F=32, t=3 T=32",
    "masks_f3_32_t0": "masks f=3 F=32, t=0",
    "masks_f3_32_t1_32": "masks f=3 F=32, t=1 T=32",
    "masks_f3_32_t2_32": "masks f=3 F=32, t=2 T=32",
    "masks_f3_32_t3_32": "masks f=3 F=32, t=3 T=32",
    "masks_f0_t1_64": "masks f=0, t=1 T=64",
    "masks_f0_t2_64": "masks f=0, t=2 T=64",
    "masks_f0_t3_64": "masks f=0, t=3 T=64",
    "masks_f1_32_t1_64": "masks f=1 F=32, t=1 T=64",
    "masks_f1_32_t2_64": "masks f=1 F=32, t=2 T=64",
    "masks_f1_32_t3_64": "masks f=1 F=32, t=3 T=64",
    "masks_f2_32_t1_64": "masks f=2 F=32, t=1 T=64",
    "masks_f2_32_t2_64": "masks f=2 F=32, t=2 T=64",
    "masks_f2_32_t3_64": "masks f=2 F=32, t=3 T=64",
    "masks_f3_32_t1_64": "masks f=3 F=32, t=1 T=64",
    "masks_f3_32_t2_64": "masks f=3 F=32, t=2 T=64",
    "masks_f3_32_t3_64": "masks f=3 F=32, t=3 T=64",
}
MASKS = {
    "f0": ("frequency_mask", 0, None),
    **{f"f{count}_{width}": ("frequency_mask", count, width) for count in (1, 2, 3) for width in (16, 32)},
    "t0": ("time_mask", 0, None),
    **{f"t{count}_{width}": ("time_mask", count, width) for count in (1, 2, 3) for width in (32, 64)},
}


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    """The real parameters."""
    return load_checked(repo / "params.yaml")


def test_the_number_of_different_trainings(params: Params) -> None:
    """By hash too: none is trained twice under two names."""
    expanded = list(expand(params, "paper"))
    assert len(expanded) == len({(run.dataset, run.hash, run.fold, run.seed) for run in expanded}) == 640
    assert len(evaluated(params, "paper")) == 300


def test_table_1_has_its_names_and_titles(params: Params) -> None:
    chosen = params.selection("paper", params.studies["paper"].artefacts["table1"])
    assert (chosen.datasets, chosen.seeds) == (("esc50",), (0,))
    assert len(TABLE1) == 40
    assert {name: params.all_recipes[name].title for name in chosen.recipes or ()} == TABLE1


@pytest.mark.parametrize("name", sorted(TABLE1.keys() - {"cross_entropy"}))
def test_a_cell_of_table_1_is_cross_entropy_with_other_masks(params: Params, name: str) -> None:
    bands, frames = name.removeprefix("masks_").split("_t")
    wanted = {entry: (count, width) for entry, count, width in (MASKS[bands], MASKS[f"t{frames}"])}
    plain, cell = (params.resolve("paper", "esc50", recipe) for recipe in ("cross_entropy", name))
    (stage,) = cell.stages
    for choice in stage.augment[1:]:
        count, width = wanted[choice.name]
        assert choice.parameters["count"] == count and width in (None, choice.parameters["width"])
        assert choice.parameters["value"] == 0
    unmasked = {"augment": plain.stages[0].augment}
    assert cell.model_copy(update={"stages": (stage.model_copy(update=unmasked),)}) == plain


def test_cross_entropys_masks_are_the_best_cell(params: Params) -> None:
    scale, bands, frames = params.resolve("paper", "esc50", "cross_entropy").stages[0].augment
    assert scale.parameters == {"factor": 1.25}
    assert (bands.name, bands.parameters) == ("frequency_mask", {"count": 2, "width": 32, "value": 0})
    assert (frames.name, frames.parameters) == ("time_mask", {"count": 1, "width": 32, "value": 0})


@pytest.mark.parametrize(
    ("recipe", "alpha"),
    [("alpha_001", 0.01), ("alpha_025", 0.25), ("hybrid", 0.5), ("alpha_075", 0.75), ("alpha_099", 0.99)],
)
def test_table_2_weighs_the_two_losses(params: Params, recipe: str, alpha: float) -> None:
    (stage,) = params.resolve("paper", "us8k", recipe).stages
    assert {term.name: term.weight for term in stage.loss} == pytest.approx(
        {"cross_entropy": 1 - alpha, "supcon": alpha}
    )
    plain = params.resolve("paper", "us8k", "cross_entropy").stages[0]
    assert stage.model_copy(update={"loss": plain.loss}) == plain
    assert stage.training.lr == 1e-4  # section 4.2


@pytest.mark.parametrize(
    ("recipe", "weights", "channels"),
    [
        ("scratch_1_channel", "none", 1),
        ("scratch_3_channels", "none", 3),
        ("pretrained_1_channel", "imagenet1k_v1", 1),
        ("pretrained_3_channels", "imagenet1k_v1", 3),
    ],
)
def test_figure_3_begins_without_augmentation(params: Params, recipe: str, weights: str, channels: int) -> None:
    settings = params.resolve("paper", "esc50", recipe)
    assert (settings.start.weights, settings.representation.parameters["channels"]) == (weights, channels)
    assert settings.stages[0].augment == () and settings.crop.train == "centre"
    assert recipe in (params.studies["paper"].artefacts["figure3"].recipes or ())


def test_the_supervised_contrastive_scheme_has_two_stages(params: Params) -> None:
    first, second = params.resolve("paper", "esc50", "supervised_contrastive").stages
    assert (first.trains, second.trains) == (("encoder", "projection"), ("classifier",))
    assert [[term.name for term in stage.loss] for stage in (first, second)] == [["supcon"], ["cross_entropy"]]
    assert first.loss[0].parameters == {"temperature": 0.05}
    assert {
        (stage.training.epochs, stage.training.patience, stage.training.batch_size) for stage in (first, second)
    } == {(800, 300, 128)}
