"""Networks of torchvision and timm as encoders: without their classifier, for any channels, and fixed in part."""

import pytest
import torch
import torchvision
from torch import nn

from soundclr import datasets
from soundclr.errors import UserError
from soundclr.method import check
from soundclr.models.encoders import ENCODERS
from soundclr.models.network import Encoder
from soundclr.params import Params, WeightsFile
from soundclr.run import runs
from support import toy

NETWORKS = {
    "convnext_tiny": 768,
    "mobilenet_v3_small": 1024,
    "efficientnet_b0": 1280,
    "squeezenet1_1": 512,
}


def encoder(network, channels=3, weights=None, frozen=0, library="torchvision"):
    return Encoder(ENCODERS[library](network=network, frozen=frozen), channels, weights)


def images(channels=3):
    return torch.randn(2, channels, 64, 96, generator=torch.Generator().manual_seed(0))


def norms(module):
    return [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("network", "size"), NETWORKS.items())
def test_a_network_of_torchvision_makes_features(network, size, channels):
    with torch.device("meta"):
        built = encoder(network, channels)
        assert built(torch.empty(2, channels, 64, 96)).shape == (2, size) == (2, built.size)
    assert not [m for m in built.modules() if getattr(m, "out_features", 0) == 1000]


@pytest.mark.parametrize("network", ["mobilenet_v3_small", "efficientnet_b0", "resnet18"])
def test_its_features_are_what_its_classifier_gets(network, tmp_path):
    theirs = torchvision.models.get_model(network).eval()
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    ours = encoder(network, weights=tmp_path / "weights.pth").eval()
    last = theirs.fc if network == "resnet18" else theirs.classifier[-1]
    with torch.inference_mode():
        torch.testing.assert_close(last(ours(images())), theirs(images()))


@pytest.mark.parametrize("channels", [1, 3])
def test_its_resnet18_is_ours(channels, tmp_path):
    """To the last bit, from random weights as from a file's."""
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "weights.pth")
    for weights in (None, tmp_path / "weights.pth"):
        torch.manual_seed(0)
        ours = Encoder(ENCODERS["resnet18"](frozen=0), channels, weights).eval()
        torch.manual_seed(0)
        theirs = encoder("resnet18", channels, weights).eval()
        for one, other in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
            assert torch.equal(one, other)
        with torch.inference_mode():
            torch.testing.assert_close(ours(images(channels)), theirs(images(channels)), rtol=0, atol=1e-6)


def test_its_first_parts_may_keep_their_weights():
    built = encoder("mobilenet_v3_small", frozen=4).train()
    built.freeze()
    features = built.blocks[0].features
    learns = [any(p.requires_grad for p in part.parameters()) for part in features]
    assert learns == [False] * 4 + [True] * (len(features) - 4)
    before = norms(features[0])[0].running_mean.clone()
    built(images())
    assert not torch.equal(norms(features[0])[0].running_mean, before)
    with pytest.raises(UserError, match="frozen is 14, but the encoder has 13 parts to freeze"):
        encoder("mobilenet_v3_small", frozen=14)


@pytest.mark.parametrize(
    ("library", "network", "said"),
    [
        (
            "torchvision",
            "convnext_tin",
            "unknown network of torchvision's: 'convnext_tin'; did you mean 'convnext_tiny'",
        ),
        ("torchvision", "vit_b_16", "VisionTransformer: takes images of one size only (Wrong image height"),
        ("torchvision", "googlenet", "torchvision's googlenet has classifiers amid its layers"),
        ("timm", "resnet18q", "unknown network of timm's: 'resnet18q'; did you mean"),
    ],
)
def test_what_cannot_be_an_encoder_is_one_line(library, network, said):
    if library == "timm":
        pytest.importorskip("timm")
    with torch.device("meta"), pytest.raises(UserError) as error:
        encoder(network, library=library)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save(torchvision.models.mobilenet_v3_small().state_dict(), tmp_path / "weights.pth")
    with pytest.raises(UserError, match=r"weights\.pth: not the weights of this encoder: it has") as error:
        encoder("efficientnet_b0", weights=tmp_path / "weights.pth")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_of_timm_s(channels, tmp_path):
    timm = pytest.importorskip("timm")
    theirs = timm.create_model("mobilenetv3_small_050", pretrained=False).eval()
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    ours = encoder("mobilenetv3_small_050", channels, tmp_path / "weights.pth", library="timm").eval()
    with torch.inference_mode():
        features = ours(images(channels))
        assert features.shape == (2, ours.size)
        if channels == 3:
            torch.testing.assert_close(theirs.classifier(features), theirs(images()))


def test_without_timm_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(UserError, match="the encoder `timm` needs the package timm: pip install timm"):
        encoder("resnet18", library="timm")


def params_of(repo, **settings):
    content = toy.content(repo)
    content["recipes"]["zoo"] = {"title": "zoo", "settings": {"encoder": "torchvision", **settings}}
    content["studies"]["toy"]["recipes"] = ["zoo"]
    return Params.model_validate(content)


def test_the_network_changes_the_hash_of_a_run(repo):
    hashes = {
        runs.recipe_hash(params_of(repo, encoders={"torchvision": {"network": name}}), "toy", "toy", "zoo")
        for name in NETWORKS
    }
    assert len(hashes) == len(NETWORKS)


def test_a_pooling_before_its_own_is_refused(repo):
    with pytest.raises(UserError, match="here: pooling is mean_max, but torchvision has a pooling of its own"):
        check(params_of(repo, pooling="mean_max").resolve("toy", "toy", "zoo"), "here")


def test_weights_are_those_that_torchvision_lists(repo, tmp_path, capsys):
    """By their name in the mirror and the digits in it, as torchvision's own list has them."""
    params = params_of(repo, start={"weights": "torchvision"}, encoders={"torchvision": {"network": "convnext_tiny"}})
    settings = params.resolve("toy", "toy", "zoo")
    file = params.weights_file("torchvision", settings.network)
    assert settings.network == "convnext_tiny"
    listed = torchvision.models.ConvNeXt_Tiny_Weights.IMAGENET1K_V1.url
    found = datasets.torchvision_file("convnext_tiny", file)
    assert (found.url, found.file, found.sha256) == (listed, "convnext_tiny-983f1562.pth", "983f1562")

    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / found.file).write_bytes(b"another")
    with pytest.raises(UserError, match=r"convnext_tiny-983f1562\.pth .*the expected 983f1562") as error:
        datasets.fetch_weights("torchvision", "convnext_tiny", file, tmp_path / "data", tmp_path / "mirror")
    assert "\n" not in str(error.value)
    assert not runs.weights_path("torchvision", "convnext_tiny", tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("network", "weights", "said"),
    [
        ("convnext_tiny", "IMAGENET1K_V2", "unknown weights of torchvision's convnext_tiny: 'IMAGENET1K_V2'"),
        ("small", "IMAGENET1K_V1", "unknown network of torchvision's: 'small'"),
    ],
)
def test_weights_that_torchvision_does_not_list_are_one_line(network, weights, said):
    with pytest.raises(UserError) as error:
        datasets.torchvision_file(network, WeightsFile(file="x.pth", torchvision=weights))
    assert str(error.value).startswith(said)


def test_weights_of_torchvision_are_known_before_they_are_fetched(repo):
    """By network and name: other ones are another run."""
    v1, v2 = (
        params_of(repo, start={"weights": "torchvision"}, encoders={"torchvision": {"network": "resnet18"}})
        for _ in range(2)
    )
    v2.weights["torchvision"] = v2.weights["torchvision"].model_copy(update={"torchvision": "IMAGENET1K_V2"})
    scratch = params_of(repo, encoders={"torchvision": {"network": "resnet18"}})
    assert len({runs.recipe_hash(params, "toy", "toy", "zoo") for params in (v1, v2, scratch)}) == 3
