"""Every part of a method on the pretended device gives the CPU's numbers bit for bit, and nothing waits.

The parts are those that the registries have, with params.yaml's parameters and every other word that they may be given.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import torch

from soundclr.audio.augmentations import AUGMENTATIONS
from soundclr.audio.pipeline import Augment, Inputs
from soundclr.audio.representations import REPRESENTATIONS
from soundclr.errors import UserError
from soundclr.losses import TERMS, Outputs
from soundclr.models.encoders import ENCODERS
from soundclr.models.heads import LAYERS, build_head, check_head
from soundclr.models.network import Encoder, Network
from soundclr.params import CropSettings, HeadSettings, RunSettings, read_params
from soundclr.training.evaluator import in_precision
from soundclr.training.optimizers import OPTIMIZERS
from support import toy

REPO = Path(__file__).parents[2]
DEFAULTS = read_params(REPO / "params.yaml")["defaults"]


@functools.cache
def settings_of(**changes: Any) -> RunSettings:
    """The toy study's of hybrid, with other ones."""
    return toy.params(REPO, **changes).resolve("toy", "toy", "hybrid")


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def variants(registry: Mapping[str, Any], plural: str) -> list[Any]:
    """Each entry's name and parameters: params.yaml's, then with each other word, and with half the chance."""
    found = []
    for name, kind in registry.items():
        given = DEFAULTS[plural][name] or {}
        found.append(pytest.param(name, given, id=name))
        for field, info in kind.model_fields.items():
            for value in [0.5] if field == "probability" else others(info.annotation):
                if value != given.get(field):
                    found.append(pytest.param(name, {**given, field: value}, id=f"{name}-{field}"))
    return found


def others(annotation: Any) -> list[Any]:
    """What a field may be of few: words, truth values, or all words of a list of them."""
    if annotation is bool:
        return [False, True]
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    inner = get_args(annotation)[:1] if get_origin(annotation) is tuple else ()
    return [get_args(words) for words in inner if get_origin(words) is Literal]


def backward(loss: torch.Tensor, *leaves: torch.Tensor) -> list[Any]:
    """The loss, and its gradients."""
    loss.backward()
    return [loss.detach(), *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize(("name", "parameters"), variants(REPRESENTATIONS, "representations"))
def test_representations(agree, name, parameters):
    waves = torch.rand(4, 3 * 72**2, generator=seeded()) - 0.5
    waves[2] = 0

    def make(device):
        transform, there = REPRESENTATIONS[name](**parameters).prepare(16_000, device), waves.to(device)
        return lambda: transform(there)

    agree(make)


@pytest.mark.parametrize(("name", "parameters"), variants(AUGMENTATIONS, "augmentations"))
def test_augmentations(agree, name, parameters):
    """Of clips shorter and longer than a row, or of pictures, in two views."""
    entry = AUGMENTATIONS[name](**parameters)
    of_images = {domain: {"spectrogram": [entry]} for domain in ("spectrogram", "picture")}
    alone = {"clip": {"scale": entry}, "waveform": {"waveform": [entry]}, **of_images}
    clips, settings = toy.waveforms(), settings_of()
    if entry.domain == "picture":
        clips, settings = toy.pictures(), toy.of_pictures(settings)

    def make(device):
        inputs, augment = Inputs(clips.to(device), settings), Augment(**alone[entry.domain])
        return lambda: inputs.train_batch(torch.arange(len(clips)), augment, seeded(), views=2)

    agree(make)


@pytest.mark.parametrize("place", ["random", "centre", "start"])
def test_crops(agree, place):
    clips, settings = toy.waveforms(), settings_of().model_copy(update={"crop": CropSettings(train=place, eval=place)})

    def make(device):
        inputs, every = Inputs(clips.to(device), settings), torch.arange(len(clips))
        return lambda: [inputs.train_batch(every, Augment(), seeded()), inputs.eval_batch(every, seeded())]

    agree(make)


@pytest.mark.parametrize(("name", "parameters"), variants(TERMS, "losses"))
def test_losses(agree, name, parameters):
    """Two views of seven clips, of which two have no label."""
    values, labels = torch.randn(2, 14, 5, generator=seeded()), torch.tensor([0, 1, 2, -1, 0, 1, -1])

    def make(device):
        embeddings, logits = (part.detach().to(device).requires_grad_() for part in values)
        rows = (numbers.repeat(2).to(device) for numbers in (labels, torch.arange(7)))
        outputs, term = Outputs(embeddings, logits, *rows, views=2), TERMS[name](**(parameters or {}))
        return lambda: backward(term(outputs), embeddings if term.reads == "projection" else logits)

    agree(make)


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ENCODERS)
def test_encoders(agree, name, precision):
    """A training step's forward and backward pass, the memory channels-last as in training."""
    entry = ENCODERS[name](**DEFAULTS["encoders"][name])
    images = torch.randn(3, 2, *[40] * entry.rank, generator=seeded())
    [stage] = settings_of(precision=precision).stages

    def make(device):
        torch.manual_seed(0)
        encoder = Encoder(entry, channels=2).to(device)
        encoder.to(memory_format=torch.channels_last)
        there, parameters = images.to(device), list(encoder.parameters())

        def step():
            with in_precision(device, stage):
                features = encoder(there).float()
            gradients = backward(features.square().sum(), *parameters) if parameters else []  # statistics learn nothing
            return [features.detach(), gradients, list(encoder.buffers())]

        return step

    agree(make)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_heads(agree, name):
    """Dropout draws from the device's own generator, which pretends to be the CPU's."""
    for layer in (name, {name: 8}, {name: 0.5}):
        head = HeadSettings(input="encoder", layers=[layer])
        try:
            check_head(head, "here")
            break
        except UserError:
            continue
    rows = torch.randn(6, 12, generator=seeded())

    def make(device):
        torch.manual_seed(0)
        layers, there = build_head(head, 12, 3)[0].to(device), rows.detach().to(device).requires_grad_()

        def step():
            torch.manual_seed(1)
            result = layers(there)
            return [result.detach(), *backward(result.square().sum(), there)]

        return step

    agree(make)


@pytest.mark.parametrize(("name", "parameters"), variants(OPTIMIZERS, "optimizers"))
def test_optimizers(agree, name, parameters):
    """Three steps, and all that the optimiser keeps."""
    settings = settings_of()
    images = torch.randn(5, 1, 32, 33, generator=seeded())

    def make(device):
        torch.manual_seed(0)
        network, there = Network.from_settings(settings, channels=1, classes=3).to(device), images.to(device)
        entry = OPTIMIZERS[name](**parameters)
        optimizer = entry.build(entry.groups(list(network.parameters()), factor=1.0))

        def steps():
            for _ in range(3):
                optimizer.zero_grad(set_to_none=True)
                sum(part.square().mean() for part in network(there)).backward()
                optimizer.step()
            return [network.state_dict(), optimizer.state_dict()["state"]]

        return steps

    agree(make)
