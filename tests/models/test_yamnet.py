"""YAMNet: its bands against librosa's, its patches, and its features against the published file's."""

import os
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, pad

from soundclr.audio.representations import Yamnet
from soundclr.audio.yamnet import YamnetTransform
from soundclr.datasets import fetch_weights
from soundclr.errors import UserError
from soundclr.method import check
from soundclr.models.weights import read_weights
from soundclr.models.yamnet import Convolution, Patchwise, yamnet
from soundclr.params import AudioSettings, load

PUBLISHED = Path(os.environ.get("SOUNDCLR_MIRROR", "mirror")) / "yamnet_spectra_in.tflite"
MEANS = 90  # the file's tensor of features, in steps of 0.023
WORST, MEAN = 0.3, 0.004  # the most that int8 between the layers makes of features up to 6


def sounds(samples: int = 80_000, rate: int = 16_000) -> torch.Tensor:
    """Tones, noise, clicks and silence."""
    random, time = np.random.default_rng(0), np.arange(samples) / rate
    clicks = np.where(np.arange(samples) % 4000 < 20, 0.8, 0)
    rows = [0.5 * np.sin(2 * np.pi * 440 * time), random.normal(0, 0.2, samples), clicks, 0 * time]
    return torch.from_numpy(np.stack(rows)).float()


def test_bands_are_librosas() -> None:
    found = YamnetTransform(16_000, torch.device("cpu"), patches=5)(sounds())
    assert found.shape == (4, 1, *Yamnet(channels=1, patches=5).shape(80_000))
    for wave, bands in zip(sounds().numpy(), found[:, 0].numpy(), strict=True):
        magnitude = abs(librosa.stft(wave, n_fft=512, hop_length=160, win_length=400, center=False))
        filters = librosa.filters.mel(sr=16_000, n_fft=512, n_mels=64, fmin=125, fmax=7500, htk=True, norm=None)
        np.testing.assert_allclose(bands, np.log(filters @ magnitude + 1e-3)[:, :480], atol=5e-3)


def test_clips_of_other_rates_and_lengths() -> None:
    high = YamnetTransform(44_100, torch.device("cpu"), 5)(sounds(220_500, 44_100)[:1])
    same = YamnetTransform(16_000, torch.device("cpu"), 5)(sounds()[:1])
    band = int(same[0, 0].mean(1).argmax())
    torch.testing.assert_close(high[0, 0, band, 2:-2], same[0, 0, band, 2:-2], atol=0.01, rtol=0)
    short = YamnetTransform(16_000, torch.device("cpu"), 2)(sounds(16_000))
    assert short.shape == (4, 1, 64, 192)
    assert torch.equal(short[..., 100:], torch.full((4, 1, 64, 92), 1e-3).log())


def test_layers_are_padded_as_in_tensorflow() -> None:
    layer, images = Convolution(2, 3, 3, stride=2), torch.randn(1, 2, 8, 5)
    wanted = conv2d(pad(images, (1, 1, 0, 1)), layer.weight, layer.bias, stride=2).clamp(0, 6)
    torch.testing.assert_close(layer(images), wanted)
    assert wanted.shape == (1, 3, 4, 3)


def test_features_are_the_means_of_the_patches() -> None:
    torch.manual_seed(0)
    network, images = yamnet(1).eval(), torch.randn(2, 1, 64, 3 * 96 + 50)
    assert isinstance(network, Patchwise) and len(network) == 27
    with torch.no_grad():
        found = network(images).mean(2)
        each = torch.stack([network(images[..., start : start + 96]).mean(2) for start in (0, 96, 192)])
        torch.testing.assert_close(found, each.mean(0))
        shorter = network(images[..., :40])
        torch.testing.assert_close(shorter, network(pad(images[..., :40], (0, 56))))
    assert found.shape == (2, 1024) and not torch.allclose(each[0], each[1])


def test_values_of_the_published_file(repo: Path, tmp_path: Path) -> None:
    """Of its own inputs; what differs is that it rounds to int8 between the layers."""
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert: YAMNet NOT COMPARED")
    if not PUBLISHED.is_file():
        pytest.skip(f"no {PUBLISHED} (SOUNDCLR_MIRROR): YAMNet NOT COMPARED with the published file")
    interpreter: Any = litert.Interpreter(str(PUBLISHED), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    scale, zero = tensors[MEANS]["quantization"]
    file = load(repo / "params.yaml").weights["yamnet_audioset"].files["yamnet"]
    network = yamnet(1).eval()
    network.load_state_dict(read_weights(fetch_weights("yamnet_audioset", "yamnet", file, tmp_path, None)))
    patches = YamnetTransform(16_000, torch.device("cpu"), 5)(sounds()).unfold(3, 96, 96)[:, 0].transpose(1, 2)
    worst = 0.0
    for patch in patches.flatten(0, 1):  # (bands, frames)
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], patch.T[None].numpy())
        interpreter.invoke()
        theirs = (interpreter.get_tensor(MEANS).ravel().astype(np.float64) - zero) * scale
        with torch.no_grad():
            ours = network(patch[None, None]).mean(2)[0].double().numpy()
        worst = max(worst, float(abs(ours - theirs).max()))
        assert abs(ours - theirs).mean() < MEAN and np.corrcoef(ours, theirs)[0, 1] > 0.99
    print(f"the worst difference of a feature is {worst:.3f}")
    assert worst < WORST


def test_sounds_without_the_highest_bands_are_refused(repo: Path) -> None:
    settings = load(repo / "params.yaml").resolve("registered_shin", "esc10", "frozen_yamnet")
    check(settings, "here")
    with pytest.raises(UserError, match="clips of less than 16,000 Hz lack its highest bands"):
        check(settings.model_copy(update={"audio": AudioSettings(sample_rate=8000, samples=40_000)}), "here")
