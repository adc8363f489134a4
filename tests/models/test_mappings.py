"""Published files of weights become torchvision's ResNet-50 by params.yaml's mappings; on random weights."""

import pickle
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
import yaml
from torch import nn

from soundclr.errors import UserError
from soundclr.models.encoders import ENCODERS
from soundclr.models.network import Encoder
from soundclr.models.weights import read_weights
from soundclr.params import MappingSettings, load


@pytest.fixture(scope="module")
def files(repo):
    """``files[name]``: what params.yaml says of the weights for the ResNet-50."""
    weights = load(repo / "params.yaml").weights
    return {name: one.files["resnet50"] for name, one in weights.items() if "resnet50" in one.files}


@pytest.fixture(scope="module")
def resnet50():
    """torchvision's, with random weights and statistics that no two channels share."""
    torch.manual_seed(0)
    network = torchvision.models.resnet50(weights=None)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def features(network):
    """The 2,048 that torchvision's network has before its last layer, of a few images, in its own precision."""
    bare = nn.Sequential(*list(network.children())[:-1], nn.Flatten())
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return bare(images.to(network.conv1.weight.dtype))


def v1(network) -> dict[str, Any]:
    """As github.com/tonylins/simclr-converter writes it: torchvision's names, beside the epoch."""
    return {"epoch": 0, "state_dict": network.state_dict()}


def v2(network) -> dict[str, Any]:
    """As github.com/Separius/SimCLRv2-Pytorch does: modules in lists, the head apart, the last layer beside the net."""
    inner = {"conv1": "net.0", "bn1": "net.1.0", "conv2": "net.2", "bn2": "net.3.0", "conv3": "net.4", "bn3": "net.5.0"}
    found = {}
    for name, value in network.state_dict().items():
        parts = name.split(".")
        if name.startswith("layer"):
            stage, block, *rest = parts[0][-1], *parts[1:]
            if rest[0] == "downsample":
                place = f"projection.{'shortcut' if rest[1] == '0' else 'bn.0'}.{rest[2]}"
            else:
                place = f"{inner[rest[0]]}.{rest[1]}"
            found[f"net.{stage}.blocks.{block}.{place}"] = value
        elif parts[0] in ("conv1", "bn1"):
            found[f"net.0.{'0' if parts[0] == 'conv1' else '1.0'}.{parts[1]}"] = value
        else:
            found[name] = value
    return {"resnet": found, "head": {"layers.0.weight": torch.zeros(3)}}


def vissl(network) -> dict[str, Any]:
    """As VISSL does: its trunk deep inside, without a last layer, and NumPy's numbers here and there."""
    names = {k: v for k, v in network.state_dict().items() if not k.startswith("fc.")}
    trunk = {f"_feature_blocks.{name}": value for name, value in names.items()}
    model = {"trunk": trunk, "heads": {"0.clf.weight": torch.zeros(3)}}
    return {"loss": np.float64(0.5), "classy_state_dict": {"base_model": {"model": model}, "train": np.int64(3)}}


@pytest.mark.parametrize(("name", "layout"), [("simclr_v2", v2), ("simclr_vissl", vissl)])
def test_the_same_output_to_the_last_bit(tmp_path, files, resnet50, name, layout):
    torch.save(layout(resnet50), tmp_path / "file.pth")
    weights = read_weights(tmp_path / "file.pth", files[name].mapping)
    assert weights.keys() == {key for key in resnet50.state_dict() if not key.startswith("fc.")}
    encoder = Encoder(ENCODERS["resnet50"](frozen=0), 3, tmp_path / "file.pth", files[name].mapping).eval()
    theirs = torchvision.models.resnet50(weights=None).eval()
    theirs.load_state_dict(weights, strict=False)
    assert torch.equal(features(theirs), features(resnet50))
    expected = {key: value for key, value in resnet50.state_dict().items() if not key.startswith("fc.")}
    assert all(map(torch.equal, encoder.state_dict().values(), expected.values()))


def test_v1s_are_the_same_function_at_kaimings_scale(tmp_path, files, resnet50):
    """Exactly so with a batch norm's small constant divided as its variance is."""
    large = torchvision.models.resnet50(weights=None).double().eval()
    large.load_state_dict(resnet50.state_dict())
    modules = dict(large.named_modules())
    behind = {"conv1": "bn1", "conv2": "bn2", "conv3": "bn3", "downsample.0": "downsample.1"}
    norms = {
        place: place.removesuffix(ending) + norm
        for place in modules
        for ending, norm in behind.items()
        if place.endswith(ending)
    }
    for number, (place, norm) in enumerate(norms.items()):
        factor = 5 + number % 20
        modules[place].weight.data *= factor
        modules[norm].running_mean *= factor
        modules[norm].running_var *= factor**2
    torch.save(v1(large), tmp_path / "file.pth")
    mapping = files["simclr_v1"].mapping
    weights = read_weights(tmp_path / "file.pth", mapping)

    ours = torchvision.models.resnet50(weights=None).double().eval()
    assert set(ours.load_state_dict(weights, strict=False).missing_keys) == {"fc.weight", "fc.bias"}
    torch.testing.assert_close(features(ours), features(large), rtol=0.05, atol=0.01)  # but for that constant
    rescaled = dict(ours.named_modules())
    for place, norm in norms.items():
        c = float(modules[place].weight.detach().norm() / rescaled[place].weight.detach().norm())
        rescaled[norm].eps = 1e-5 / c**2
        kernel = rescaled[place].weight.detach()
        assert float(kernel.square().mean()) == pytest.approx(2 / kernel[:, 0].numel())  # Kaiming's variance
    torch.testing.assert_close(features(ours), features(large), rtol=1e-9, atol=1e-12)


def test_without_numpys_numbers_being_let_in_they_are_refused(tmp_path, files, resnet50):
    torch.save(vissl(resnet50), tmp_path / "file.pth")
    strict = files["simclr_vissl"].mapping.model_copy(update={"numpy": False})
    with pytest.raises(
        UserError, match=r"file\.pth: holds NumPy numbers \(.*\); allow them with `mapping: {numpy: true}`"
    ):
        read_weights(tmp_path / "file.pth", strict)


class Trap:
    """Makes a file when it is unpickled by something that runs what it reads."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return open, (self.place, "w")


@pytest.mark.parametrize("kind", ["trap", "key", "leaf", "same name", "no tensor"])
def test_what_a_mapping_cannot_be_made_of_is_one_line(tmp_path, kind):
    content: dict[str, Any] = {"a": {"b": {"x.weight": torch.zeros(1), "y.weight": torch.zeros(1)}}}
    mapping = MappingSettings(numpy=True, take=("a", "b"))
    if kind == "trap":
        content["trap"] = Trap(tmp_path / "caught")
    elif kind == "key":
        mapping = MappingSettings(take=("a", "c"))
    elif kind == "leaf":
        mapping = MappingSettings(take=("a", "b", "x.weight", "d"))
    elif kind == "same name":
        mapping = MappingSettings(take=("a", "b"), rename={"^[xy]": "z"})
    else:
        mapping = MappingSettings(take=("a",))
    torch.save(content, tmp_path / "file.pth", pickle_module=pickle)
    with pytest.raises(UserError, match=r"file\.pth") as error:
        read_weights(tmp_path / "file.pth", mapping)
    assert "\n" not in str(error.value) and not (tmp_path / "caught").exists()


def refusal(path: Path, content: Any, mapping: MappingSettings | None = None, **how: Any) -> str:
    """The error for a ResNet-18 from a file that contains ``content``, without the file's name."""
    torch.save(content, path, **how)
    with pytest.raises(UserError) as error:
        Encoder(ENCODERS["resnet18"](frozen=0), 3, path, mapping)
    said = str(error.value)
    assert said.startswith(f"{path}: ") and said.isprintable() and "\\x1b" not in said
    return said.removeprefix(f"{path}: ")


@pytest.fixture(scope="module")
def resnet18():
    """Random weights."""
    return torchvision.models.resnet18(weights=None).state_dict()


def prefixed(prefix: str, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {prefix + name: value for name, value in weights.items()}


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "before 1.6"])
def test_other_objects_are_named_with_what_is_beside_them_and_not_made(tmp_path, resnet18, how):
    content = {"opt": Namespace(lr=1), "trap": Trap(tmp_path / "caught"), "model": {"net": resnet18}}
    said = refusal(tmp_path / "file.pth", content, pickle_module=pickle, **how)
    assert said == (
        "holds argparse.Namespace, io.open among its keys opt, trap, model, which is not read because it "
        "could run code; if you trust the file, save only its state dict, "
        "torch.save(torch.load(FILE, weights_only=False)['model']['net'], FILE), or fetch it again"
    )
    assert not (tmp_path / "caught").exists()


def test_a_whole_network_and_torchscript_are_named(tmp_path):
    network = torchvision.models.resnet18(weights=None)
    said = refusal(tmp_path / "file.pth", network)
    assert "torch.nn.modules.batchnorm.BatchNorm2d" in said and "weights_only=False).state_dict()" in said
    torch.jit.trace(network.eval(), torch.zeros(1, 3, 32, 32)).save(tmp_path / "script.pt")
    with pytest.raises(UserError, match=r"is a TorchScript archive; save its state dict"):
        read_weights(tmp_path / "script.pt")


@pytest.mark.parametrize(
    ("prefix", "more", "mapping"),
    [
        ("module.", {}, r"rename: {'^module\.': ''}"),
        ("encoder.module.", {"head.0.weight": torch.zeros(1)}, r"rename: {'^encoder\.module\.': ''}, drop: [head.]"),
        ("", {"projector.0.weight": torch.zeros(1)}, "drop: [projector.]"),
    ],
)
def test_names_that_are_not_the_encoders_and_the_mapping_that_mends_them(tmp_path, resnet18, prefix, more, mapping):
    """And with that mapping the file is read."""
    said = refusal(tmp_path / "file.pth", prefixed(prefix, resnet18) | more)
    assert said.startswith("not the weights of this encoder: ") and f"`mapping: {{{mapping}}}`" in said
    mends = MappingSettings(**yaml.safe_load(f"{{{mapping}}}"))
    encoder = Encoder(ENCODERS["resnet18"](frozen=0), 3, tmp_path / "file.pth", mends)
    assert torch.equal(encoder.state_dict()["blocks.0.0.weight"], resnet18["conv1.weight"])


def test_the_keys_that_lead_to_a_state_dict_are_named(tmp_path, resnet18):
    content = {"epoch": 3, "state": {"head": {"w": torch.zeros(1)}, "net": resnet18}}
    said = refusal(tmp_path / "file.pth", content)
    assert (
        said == "not a state dict of tensors, its keys are epoch, state; select it with `mapping: {take: [state, net]}`"
    )
    said = refusal(tmp_path / "file.pth", content, MappingSettings(take=("state", "model")))
    assert said == "has no state.model, which `mapping.take` in params.yaml names, but head, net; correct `take`"


def test_names_of_another_network_are_reported(tmp_path):
    said = refusal(tmp_path / "file.pth", torchvision.models.squeezenet1_1(weights=None).state_dict())
    assert "it has features.0.weight, features.0.bias, " in said and " and 44 more, but no conv1.weight; " in said


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(ValueError, match="regular expression"):
        MappingSettings(rename={"(": ""})
