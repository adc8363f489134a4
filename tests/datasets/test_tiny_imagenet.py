"""Tiny-ImageNet: a small copy fetched, verified, decoded and shown; what is wrong with it is one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from soundclr.audio.features import Waveforms
from soundclr.audio.pipeline import Augment, Inputs
from soundclr.datasets.decoding import decode_clips
from soundclr.datasets.manifest import read_manifest
from soundclr.datasets.tiny_imagenet import hash_of
from soundclr.errors import UserError
from soundclr.method import check, load_checked
from soundclr.params import DatasetSettings, load, read_params
from support.small_copies import fetch, refusal, zipped

WORDS = {"n02": "goldfish, Carassius auratus", "n01": "bell pepper", "n03": "steel arch bridge"}
SETTINGS: dict[str, Any] = {
    "adapter": "tiny_imagenet",
    "title": "Tiny-ImageNet",
    "file": "tiny-imagenet-200.zip",
    "clips": [3, 6],
    "classes": 3,
    "folds": 2,
    "held_out": [1],
    "pixels": 8,
}


def write(path: Path, number: int, grey: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8) if grey else (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format="JPEG", quality=95)


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The unpacked release: two pictures a class to learn from, one to be judged by, and what is left alone."""
    top = tmp_path / "made" / "tiny-imagenet-200"
    for label, number in enumerate(WORDS):
        for take in range(2):
            write(top / "train" / number / "images" / f"{number}_{take}.JPEG", 10 * label + take, grey=take == 1)
        (top / "train" / number / f"{number}_boxes.txt").write_text("")
        write(top / "val" / "images" / f"val_{label}.JPEG", 100 + label)
    write(top / "test" / "images" / "test_0.JPEG", 1)
    lines = [f"val_{label}.JPEG\t{number}\t0\t0\t7\t7\n" for label, number in enumerate(WORDS)]
    (top / "val" / "val_annotations.txt").write_text("".join(lines))
    (top / "wnids.txt").write_text("\n".join(WORDS) + "\n")
    (top / "words.txt").write_text("".join(f"{number}\t{words}\n" for number, words in {**WORDS, "n9": "x"}.items()))
    places = [*(f"train/{number}" for number in WORDS), "val", "wnids.txt", "words.txt"]
    hashes = {place: hash_of(top, place) for place in places}
    monkeypatch.setattr("soundclr.datasets.tiny_imagenet.read_manifest", lambda name: hashes)
    return top


def test_validation_and_training_pictures(release: Path, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    zipped(release, tmp_path / "mirror" / "tiny-imagenet-200.zip")
    index = fetch(SETTINGS, tmp_path / "data", tmp_path / "mirror").drop(columns="sha256")
    assert dict(zip(index["label"], index["class"], strict=True)) == {
        0: "bell pepper",
        1: "goldfish",
        2: "steel arch bridge",
    }
    assert index.groupby(["fold", "label"]).size().to_dict() == {
        **{(1, label): 1 for label in range(3)},
        **{(2, label): 2 for label in range(3)},
    }
    assert index[index["clip"] == "val_0"].iloc[0].to_dict() == {
        "clip": "val_0",
        "path": "unpacked/tiny-imagenet-200/val/images/val_0.JPEG",
        "label": 1,
        "class": "goldfish",
        "fold": 1,
        "source": "val_0",
    }


def test_an_unpacked_copy_with_hidden_files_is_the_release_too(release: Path, tmp_path: Path) -> None:
    (release / "val" / ".DS_Store").write_bytes(b"macOS")
    assert len(fetch(SETTINGS, tmp_path / "data", release.parent)) == 9


@pytest.mark.parametrize("fault", ["missing", "changed", "added", "exchanged"])
def test_other_pictures_are_refused(release: Path, tmp_path: Path, fault: str) -> None:
    place, one, two = "train/n02", *sorted((release / "train/n02/images").iterdir())
    if fault == "missing":
        one.unlink()
    elif fault == "changed":
        write(one, 99)
    elif fault == "added":
        write(one.with_name("n02_2.JPEG"), 99)
    else:
        place = "val"
        table = release / "val" / "val_annotations.txt"
        table.write_text(
            table.read_text().replace("val_0", "val_9").replace("val_1", "val_0").replace("val_9", "val_1")
        )
    said = refusal(SETTINGS, tmp_path / "data", release.parent)
    assert f"{place}: its files differ from the release's (SHA-256 " in said and two.exists()


def test_the_package_knows_the_release() -> None:
    manifest = read_manifest("tiny_imagenet")
    assert len(manifest) == 203 and {"val", "wnids.txt", "words.txt"} < manifest.keys()
    assert sum(place.startswith("train/n") for place in manifest) == 200


@pytest.mark.parametrize("repeat", [1, 3])
def test_pictures_are_decoded_once_and_shown_in_0_to_1(release: Path, tmp_path: Path, repo: Path, repeat: int) -> None:
    fetch(SETTINGS, tmp_path / "data", release.parent)
    decode_clips(tmp_path / "data/set/index.csv", tmp_path / "f.safetensors", 0, repeat, pixels=8)
    found = Waveforms.load(tmp_path / "f.safetensors")
    assert found.samples.dtype == torch.uint8 and len(found.samples) == 9 * 192 and found.sample_rate == 0
    params = load(repo / "params.yaml")
    settings = params.resolve("registered_shin", "tiny_imagenet", "pictures_with_labels")
    settings = settings.model_copy(update={"audio": DatasetSettings.model_validate(SETTINGS).audio})
    inputs = Inputs(found, settings)
    images = inputs.eval_batch(torch.arange(9), torch.Generator())
    assert images.shape == (9, 3, 8, 8) and images.is_contiguous(memory_format=torch.channels_last)
    with Image.open(release / "val/images/val_1.JPEG") as picture:
        wanted = torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255
    torch.testing.assert_close(images[found.clips.index("val_1")], wanted)
    grey = images[found.clips.index("n01_1")]
    assert torch.equal(grey[0], grey[1]) and torch.equal(grey[0], grey[2])
    augment = Augment.from_choices(
        params.resolve("registered_shin", "tiny_imagenet", "pictures_without_labels").stages[0].augment
    )
    views = inputs.train_batch(torch.arange(9), augment, torch.Generator().manual_seed(0), views=2)
    assert views.shape == (18, 3, 8, 8) and not torch.equal(views[:9], views[9:])


def test_a_picture_of_another_size_is_named(release: Path, tmp_path: Path) -> None:
    fetch(SETTINGS, tmp_path / "data", release.parent)
    with pytest.raises(UserError, match=r"images/n01_0\.JPEG: has 8 x 8 pixels, not 16 x 16; replace it"):
        decode_clips(tmp_path / "data/set/index.csv", tmp_path / "f.safetensors", 0, 1, pixels=16)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pixels": None}, "should be there for pictures; sounds have sample_rate and samples above 0"),
        ({"pixels": None, "samples": 100}, "should be there for pictures; sounds have"),
        ({"samples": 100}, "should not be there beside sample_rate or samples"),
        ({"sample_rate": 8000}, "should not be there beside sample_rate or samples"),
    ],
)
def test_a_dataset_is_of_sounds_or_of_pictures(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DatasetSettings.model_validate({**SETTINGS, **changes})
    assert DatasetSettings.model_validate({**SETTINGS, "pixels": None, "sample_rate": 8000, "samples": 100}).audio


def test_what_is_of_sounds_does_not_fit_pictures(repo: Path) -> None:
    params = load(repo / "params.yaml")
    of_pictures = params.resolve("registered_shin", "tiny_imagenet", "pictures_without_labels")
    check(of_pictures, "here")
    of_sounds = params.resolve("registered_shin", "esc10", "start_random")
    for settings, said in (
        (of_pictures.model_copy(update={"representation": of_sounds.representation}), "log_mel is for sounds, not for"),
        (
            of_sounds.model_copy(update={"representation": of_pictures.representation}),
            "picture is for pictures, not for",
        ),
        (
            of_pictures.model_copy(update={"stages": of_sounds.stages}),
            "augment names scale, which does not change pictures",
        ),
        (of_sounds.model_copy(update={"stages": of_pictures.stages}), "resized_crop, which does not change sounds"),
    ):
        with pytest.raises(UserError, match=said):
            check(settings, "here")


def test_no_noise_is_asked_of_a_model_of_pictures(repo: Path, tmp_path: Path) -> None:
    content = read_params(repo / "params.yaml")
    study = content["studies"]["registered_shin"]
    study |= {"datasets": ["tiny_imagenet"], "recipes": ["pictures_with_labels"], "evaluate": {}}
    content["studies"] = {content["study"]: study}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(UserError, match=r"evaluate: tiny_imagenet has pictures, but evaluations add noise"):
        load_checked(tmp_path / "params.yaml")
