"""Clips that are no use, and clips that only look it: the first are named, the second train."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from soundclr.audio.features import Waveforms
from soundclr.commands import cli
from soundclr.params import load, read_params
from soundclr.run import runs
from support import toy

CLIP = Path("sounds/wren0.wav")
NOISE = np.random.default_rng(1).normal(0, 0.1, 1500)


def write(samples: np.ndarray, subtype: str | None = None, kind: str = "WAV") -> bytes:
    soundfile.write(CLIP, samples, 8000 if kind == "MP3" else toy.RATE, subtype=subtype, format=kind)
    return CLIP.read_bytes()


def cut(share: float, kind: str = "WAV") -> None:
    content = write(NOISE, kind=kind)
    CLIP.write_bytes(content[: int(share * len(content))])


def patched(name: bytes, size: int) -> None:
    """Another size of a chunk in the header."""
    content = write(NOISE)
    place = content.index(name) + 4
    CLIP.write_bytes(content[:place] + size.to_bytes(4, "little") + content[place + 4 :])


USELESS = {
    "no file": (lambda: CLIP.unlink(), "features", "is missing: no file"),
    "an empty file": (lambda: CLIP.write_bytes(b""), "fetch", "is empty"),
    "no samples": (lambda: write(np.zeros(0)), "fetch", "has no samples"),
    "not audio": (lambda: CLIP.write_text("no sound"), "fetch", "is no WAV, FLAC, Ogg or MP3 file"),
    "half a header": (lambda: cut(0.01), "fetch", "cannot be decoded, it is damaged or cut off"),
    "cut off": (lambda: cut(0.5), "fetch", "is cut off, 1522 bytes before the end that its header gives"),
    "cut off near the end": (lambda: cut(0.9), "fetch", "is cut off, 305 bytes before the end"),
    "an RF64 file cut off": (lambda: cut(0.5, "RF64"), "fetch", "is cut off"),
    "a FLAC file cut off": (lambda: cut(0.5, "FLAC"), "fetch", "damaged or cut off"),
    "an Ogg file cut off": (lambda: cut(0.9, "OGG"), "fetch", "is cut off before the last page"),
    "an MP3 file cut off": (lambda: cut(0.9, "MP3"), "fetch", "is cut off"),
    "AIFF": (
        lambda: write(NOISE, kind="AIFF"),
        "fetch",
        "is no WAV, FLAC, Ogg or MP3 file; if it is sound, convert it",
    ),
    "3 Hz": (lambda: soundfile.write(CLIP, NOISE, 3), "fetch", "has a rate of 3 Hz"),
    "an hour": (lambda: soundfile.write(CLIP, np.zeros(3_601_000), 1000, "PCM_U8"), "fetch", "is longer than an hour"),
    "not a number": (lambda: write(np.append(NOISE, np.nan), "FLOAT"), "fetch", "NaN or infinite"),
    "infinite": (lambda: write(np.append(NOISE, np.inf), "DOUBLE"), "fetch", "NaN or infinite"),
    "integers in floats": (lambda: write(np.rint(32767 * NOISE), "FLOAT"), "fetch", "where 1 is full scale"),
    "a header not mended": (lambda: patched(b"data", 0), "fetch", "its header says 0 bytes of sound, but 3,000 more"),
}


@pytest.mark.parametrize(("spoil", "verb", "message"), USELESS.values(), ids=list(USELESS))
def test_a_useless_clip_is_named(project, refuse, succeed, spoil, verb, message) -> None:
    """``verb`` is the command that finds it: ``features`` after the fetch."""
    if verb == "features":
        succeed("fetch birds")
    spoil()
    said = refuse("fetch birds" if verb == "fetch" else "features birds --threads 2")
    assert "sounds/wren0.wav" in said and message in said, said
    assert Path("data/birds/index.csv").exists() == (verb != "fetch")
    assert not list(Path("data/features").glob("birds*"))


@pytest.mark.parametrize("rate", [1, 999, 2**31 - 1])
def test_an_odd_rate_to_resample_to_is_refused(project, refuse, rate) -> None:
    content = read_params(Path("params.yaml"))
    content["datasets"]["birds"]["sample_rate"] = rate
    Path("params.yaml").write_text(yaml.safe_dump(content))
    assert "sample_rate" in refuse("fetch birds")


def test_a_clip_that_is_cut_off_after_the_fetch(project, refuse, succeed) -> None:
    succeed("fetch birds")
    cut(0.5)
    said = refuse("features birds --threads 2")
    assert "sounds/wren0.wav: is not the file that was fetched" in said and "`soundclr fetch birds`" in said
    assert not list(Path("data/features").glob("birds*"))


ODD = {
    "all zeros": lambda: write(np.zeros(1500)),
    "one sample": lambda: write(np.array([0.5])),
    "one sample at another rate": lambda: soundfile.write(CLIP, np.array([0.5]), 44100),
    "clipped": lambda: write(np.sign(NOISE)),
    "past full scale": lambda: write(100 * NOISE, "FLOAT"),
}


def test_losses_of_decoding_raise_a_warning_per_kind(project, capsys) -> None:
    for number in range(3):
        soundfile.write(f"sounds/wren{number}.wav", 20 * NOISE * (1 + number), toy.RATE, subtype="FLOAT")
    soundfile.write("sounds/robin0.wav", 1e-6 * NOISE, toy.RATE, subtype="PCM_24")
    soundfile.write("sounds/robin1.wav", np.stack([NOISE, -NOISE], 1), toy.RATE)
    for line in ("fetch birds", "features birds --threads 2"):
        assert cli.main(line.split()) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert [line.split(": ", 2)[2].split(" % ")[-1] for line in said] == [
        "sounds/robin1.wav: its channels cancel each other, so that hardly anything is left in mono",
        "of its samples exceed full scale, by up to 7.5 times, and are clipped (likewise 2 more clips)",
        "sounds/robin0.wav: it is softer than one step of int16, and becomes silence",
    ]


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        (
            "wren1.flac",
            ["wren0 in fold 1 has the samples of wren1 in fold 2, in another file; a held-out clip was trained on"],
        ),
        ("robin2.flac", ["robin2 in class robin has the samples of wren0 in class wren, in another file"]),
        ("robin3.flac", ["in fold 2 has the samples of wren0 in fold 1", "in class robin has the samples of wren0"]),
        ("wren2.flac", []),
        ("wren1.wav", ["wren0 in fold 1 equals wren1 in fold 2, byte for byte; a held-out clip was trained on"]),
        (
            "robin2.wav",
            ["robin2 in class robin equals wren0 in class wren, byte for byte; one of the two classes is wrong"],
        ),
    ],
)
def test_one_sound_in_two_files_raises_a_warning_across_folds_and_classes(project, capsys, copy, said) -> None:
    """A WAV file, and a FLAC file with silence around the same samples; or a copy of the file."""
    kept = write(NOISE)
    name, kind = copy.split(".")
    if kind == "flac":
        samples, rate = soundfile.read(CLIP, dtype="int16")
        soundfile.write(f"sounds/{copy}", np.pad(samples, 100), rate)
        table = Path("sounds/birds.csv")
        table.write_text(table.read_text().replace(f"{name}.wav", copy))
    else:
        Path(f"sounds/{copy}").write_bytes(kept)
    for line in ("fetch birds", "features birds --threads 2"):
        assert cli.main(line.split()) == 0
    found = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert len(found) == len(said) and all(part in line for part, line in zip(said, found, strict=True)), found


def test_an_odd_clip_is_trained_on(project, succeed) -> None:
    """Silence, a single sample, a clipped sound: no NaN comes of them, as training and as held-out clips."""
    content = read_params(Path("params.yaml"))
    lines = Path("sounds/birds.csv").read_text().splitlines()
    for number, (name, make) in enumerate(ODD.items()):
        make()
        CLIP.rename(CLIP.with_name(f"{number}.wav"))
        lines += [f"{number}.wav,{name},1", f"./again/{number}.wav,{name},2"]
    (CLIP.parent / "again").symlink_to(".", target_is_directory=True)
    write(NOISE)
    Path("sounds/birds.csv").write_text("\n".join(lines) + "\n")
    content["datasets"]["birds"]["classes"] = 2 + len(ODD)
    Path("params.yaml").write_text(yaml.safe_dump(content))
    succeed("fetch birds")
    succeed("features birds --threads 1")
    clips = Waveforms.load(runs.features_path(load(Path("params.yaml")), "birds"))
    assert clips.offsets.diff().min() == 1
    folder = Path(succeed("train --dataset birds --recipe hybrid --fold 1").strip().split(": ")[-1]).parent
    history, predictions = (pd.read_csv(folder / name) for name in ("history.csv", "predictions.csv"))
    assert history["train_loss"].map(math.isfinite).all() and history["val_loss"].map(math.isfinite).all()
    assert not predictions.isna().any(axis=None)
    assert json.loads((folder / "metrics.json").read_text())["clips"]["test"] == 4 + len(ODD)


def test_a_cut_off_clip_is_not_classified(project, refuse, succeed) -> None:
    folder = Path(succeed("train --dataset toy --recipe hybrid --fold 1").strip().split(": ")[-1]).parent
    cut(0.5)
    assert "sounds/wren0.wav: is cut off" in refuse(f"classify sounds/wren0.wav --run {folder}")


@pytest.mark.slow
@pytest.mark.parametrize("change", ["table", "folds", "samples", "seed of the synthetic"])
def test_features_of_an_older_table_are_not_built(project, refuse, succeed, change) -> None:
    """By hand, without the workflow that would fetch first: the features' name would be that of the new table."""
    dataset = "toy" if change.startswith("seed") else "birds"
    succeed(f"fetch {dataset}")
    content = read_params(Path("params.yaml"))
    settings = content["datasets"][dataset]
    if change == "table":
        table = Path("sounds/birds.csv")
        table.write_text(table.read_text().replace("wren1.wav,wren,2", "wren1.wav,robin,2"))
    elif change == "folds":
        settings["folds"] = 3
    elif change == "samples":
        settings["samples"] = 1024
    else:
        settings["synthetic"]["seed"] = 1
    Path("params.yaml").write_text(yaml.safe_dump(content))
    before = set(Path("data/features").iterdir())
    said = refuse(f"features {dataset} --threads 1")
    assert f"data/{dataset}/index.csv: is older than" in said and f"run `soundclr fetch {dataset}`" in said
    assert set(Path("data/features").iterdir()) == before
    if change != "folds":
        succeed(f"fetch {dataset}")
        succeed(f"features {dataset} --threads 1")
        assert set(Path("data/features").iterdir()) > before
