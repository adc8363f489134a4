"""CLAR's recipes in params.yaml have the heads, losses, shares of labels and budgets of its reference code."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from soundclr.losses import Loss, Outputs
from soundclr.models.heads import build_head
from soundclr.models.network import Encoder, Network
from soundclr.params import Params, RunSettings, load
from soundclr.run.runs import recipe_hash

STUDY, WORDS = "clar_quick", "words10"


@pytest.fixture(scope="module")
def params(repo: Path) -> Params:
    return load(repo / "params.yaml")


@pytest.fixture(scope="module")
def resolved(params: Params) -> Any:
    return lambda recipe, study=STUDY, dataset=WORDS: params.resolve(study, dataset, recipe)


def count(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def network_of(settings: RunSettings) -> Network:
    """With 512 features, of an encoder that is small."""
    encoder = Encoder.__new__(Encoder)
    nn.Module.__init__(encoder)
    encoder.blocks, encoder.size, encoder.frozen = nn.Sequential(), 512, 0
    return Network(encoder, settings.projection, settings.classifier, classes=10)


HIDDEN = 512 * 512 + 512 + 2 * 512  # a linear layer with bias, and its batch norm


@pytest.mark.parametrize(
    ("recipe", "projection", "classifier"),
    [
        ("clar_self_supervised", 2 * HIDDEN + 512 * 128, None),
        ("clar_supervised", None, 2 * HIDDEN + 512 * 10),
        ("clar", HIDDEN + 512 * 128 + 128, 2 * 128 + 128 * 10),
        ("linear_probe", None, 2 * 512 + 512 * 10 + 10),
        ("mlp_probe", None, 512 * 512 + 2 * 512 + 512 * 10 + 10),
    ],
)
def test_heads_have_so_many_parameters(resolved: Any, recipe: str, projection: int, classifier: int) -> None:
    network = network_of(resolved(recipe))
    for head, wanted in ((network.projection, projection), (network.classifier, classifier)):
        assert wanted is None or count(head) == wanted


def test_the_joint_classifier_reads_what_nt_xent_normalises(resolved: Any) -> None:
    """CE on ten times v is another one, NT-Xent the same: the classifier's batch norm is in evaluation mode."""
    settings = resolved("clar")
    network = network_of(settings).eval()
    h, clips, labels = torch.randn(8, 512), torch.arange(4).repeat(2), torch.tensor([0, 1, 2, -1]).repeat(2)
    v, logits = network.heads(h)
    assert v.shape == (8, 128) and not torch.allclose(v.norm(dim=1), torch.ones(8))
    torch.testing.assert_close(network.classifier(v), logits)
    terms = {choice.name: (weight, term) for choice, (weight, term) in zip(
        settings.stages[0].loss, Loss.from_stage(settings.stages[0]).terms, strict=True
    )}  # fmt: skip
    assert {name: weight for name, (weight, _) in terms.items()} == {"cross_entropy": 2.0, "nt_xent": 1.0}
    scaled = Outputs(10 * v, network.classifier(10 * v), labels, clips)
    plain = Outputs(v, logits, labels, clips)
    torch.testing.assert_close(terms["nt_xent"][1](scaled), terms["nt_xent"][1](plain))
    assert not torch.allclose(terms["cross_entropy"][1](scaled), terms["cross_entropy"][1](plain))


def test_all_schemes_of_both_papers_have_one_encoder_budget_and_input(params: Params, resolved: Any) -> None:
    for study, dataset in ((STUDY, WORDS), ("clar_quick_esc10", "esc10_16k")):
        every = [resolved(recipe, study, dataset) for recipe in params.studies[study].recipes]
        for settings in every:
            assert (settings.encoder, settings.representation) == (every[0].encoder, every[0].representation)
            training = [stage for stage in settings.stages if "encoder" in stage.trains]
            for stage in training:
                assert (stage.augment, stage.optimizer) == (every[0].stages[0].augment, every[0].stages[0].optimizer)
                assert stage.training.epochs == every[0].stages[0].training.epochs
                assert (stage.training.lr, stage.training.precision) == (1e-3, "bfloat16")
                assert stage.optimizer.parameters == {"weight_decay": 1e-6, "decay_vectors": False}


@pytest.mark.parametrize(("recipe", "share"), [("clar_1", 0.01), ("linear_probe_10", 0.1), ("hybrid_10", 0.1)])
def test_a_share_of_labels_changes_nothing_else(params: Params, resolved: Any, recipe: str, share: float) -> None:
    whole = resolved(recipe.rsplit("_", 1)[0])
    assert resolved(recipe) == whole.model_copy(update={"labels": share})
    assert recipe_hash(params, STUDY, WORDS, recipe) != recipe_hash(params, STUDY, WORDS, recipe.rsplit("_", 1)[0])


def test_probes_of_all_shares_start_from_one_pretraining(params: Params) -> None:
    """Which no label taught; CLAR's start from that of their share."""
    for recipe in ("linear_probe", "linear_probe_10", "linear_probe_1", "mlp_probe"):
        assert params.origins(STUDY, WORDS, recipe) == [(WORDS, "clar_self_supervised")]
    for share in ("_1", "_10", ""):
        assert params.origins(STUDY, WORDS, f"clar_probe{share}") == [(WORDS, f"clar{share}")]


def test_the_grid_has_each_augmentation_and_each_pair_in_the_order_of_the_code(params: Params, resolved: Any) -> None:
    order = ("fade", "waveform_mask", "time_stretch", "pitch_shift", "time_shift", "mixed_noise")
    found = []
    for recipe in params.recipes_of("clar_augmentations", "here"):
        first, second = resolved(recipe, "clar_quick_augmentations").stages
        assert (first.trains, first.views, first.training.epochs) == (("encoder", "projection"), 2, 5)
        assert (second.trains, second.views, second.augment) == (("classifier",), 1, ())
        found.append(tuple(choice.name for choice in first.augment))
    assert found == [*((name,) for name in order), *itertools.combinations(order, 2)]


def test_the_full_study_has_the_budgets_of_the_code(params: Params) -> None:
    def budget(dataset: str, recipe: str) -> tuple[int, int, str]:
        training = params.resolve("clar", dataset, recipe).stages[0].training
        return training.epochs, training.batch_size, training.validation

    assert budget("esc50_16k", "clar_self_supervised") == (2000, 32, "held_out")
    budgets = {dataset: budget(dataset, "clar") for dataset in params.studies["clar"].datasets}
    assert budgets == {
        "speech_commands": (1020, 128, "inner"),
        "sc09": (1020, 256, "inner"),
        "nsynth_family": (120, 32, "inner"),
        "nsynth_pitch": (120, 16, "inner"),
        "esc10_16k": (2000, 64, "held_out"),
        "esc50_16k": (2000, 64, "held_out"),
    }
    head, size = build_head(params.resolve("clar", "speech_commands", "clar").projection, 512, 35)
    assert size == 128 and len(head) == 4
