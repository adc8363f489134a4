"""Clips that are no use, and clips that only look it: the first are named, the second train."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import toy
import yaml

from soundclr import runs
from soundclr.audio.features import Waveforms
from soundclr.params import load
from soundclr.wav import missing_bytes

CLIP = Path("sounds/wren0.wav")
NOISE = np.random.default_rng(1).normal(0, 0.1, 1500)


def write(samples: np.ndarray, subtype: str = "PCM_16", kind: str = "WAV") -> bytes:
    soundfile.write(CLIP, samples, toy.RATE, subtype=subtype, format=kind)
    return CLIP.read_bytes()


def cut(share: float, kind: str = "WAV") -> None:
    content = write(NOISE, kind=kind)
    CLIP.write_bytes(content[: int(share * len(content))])


USELESS = {
    "an empty file": (lambda: CLIP.write_bytes(b""), "fetch", "cannot be read as audio"),
    "no samples": (lambda: write(np.zeros(0)), "fetch", "has no samples"),
    "not audio": (lambda: CLIP.write_text("no sound"), "fetch", "cannot be read as audio"),
    "half a header": (lambda: cut(0.01), "fetch", "cannot be read as audio"),
    "cut off": (lambda: cut(0.5), "fetch", "is cut off, 1522 bytes before the end that its header gives"),
    "cut off near the end": (lambda: cut(0.9), "fetch", "is cut off, 305 bytes before the end"),
    "a FLAC file cut off": (lambda: cut(0.5, "FLAC"), "features", "cannot be decoded"),
    "not a number": (lambda: write(np.append(NOISE, np.nan), "FLOAT"), "features", "NaN or infinite"),
    "infinite": (lambda: write(np.append(NOISE, np.inf), "DOUBLE"), "features", "NaN or infinite"),
}


@pytest.mark.parametrize(("spoil", "verb", "message"), USELESS.values(), ids=list(USELESS))
def test_a_useless_clip_is_named(project, refuse, succeed, spoil, verb, message) -> None:
    spoil()
    if verb == "features":
        succeed("fetch birds")
    said = refuse(f"{verb} birds" + " --threads 2" * (verb == "features"))
    assert "sounds/wren0.wav" in said and message in said, said
    assert Path("data/birds/index.csv").exists() == (verb == "features")
    assert not list(Path("data/features").glob("birds*"))


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


def test_an_odd_clip_is_trained_on(project, succeed) -> None:
    """Silence, a single sample, a clipped sound: no NaN comes of them, as training and as held-out clips."""
    content = yaml.safe_load(Path("params.yaml").read_text())
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
    folder = Path(succeed("train --dataset birds --recipe hybrid --fold 1").strip()).parent
    history, predictions = (pd.read_csv(folder / name) for name in ("history.csv", "predictions.csv"))
    assert history["train_loss"].map(math.isfinite).all() and history["test_loss"].map(math.isfinite).all()
    assert not predictions.isna().any(axis=None)
    assert json.loads((folder / "metrics.json").read_text())["clips"]["test"] == 4 + len(ODD)


def test_a_cut_off_clip_is_not_classified(project, refuse, succeed) -> None:
    folder = Path(succeed("train --dataset toy --recipe hybrid --fold 1").strip()).parent
    cut(0.5)
    assert "sounds/wren0.wav: is cut off" in refuse(f"classify sounds/wren0.wav --run {folder}")


def chunk(name: bytes, content: bytes, size: int | None = None, order: str = "little") -> bytes:
    """A RIFF chunk, which may lie about its size."""
    return name + (len(content) if size is None else size).to_bytes(4, order) + content + b"\0" * (len(content) % 2)


@pytest.mark.parametrize(
    ("chunks", "missing"),
    [
        ([chunk(b"data", bytes(800))], 0),
        ([chunk(b"data", bytes(800), 2000)], 1200),
        ([chunk(b"data", bytes(800), 844)], 0),  # a sloppy program's header
        ([chunk(b"data", bytes(800), 0xFFFFFFFF)], 0),  # written to a pipe, by ffmpeg and by sox
        ([chunk(b"data", bytes(800), 0x7FFFF000)], 0),
        ([chunk(b"data", bytes(801)), chunk(b"LIST", bytes(4))], 0),
        ([chunk(b"odd ", b"abc"), chunk(b"data", bytes(800), 2000)], 1200),
        ([chunk(b"odd ", b"abc", 10**6)], 0),  # ends before its data: libsndfile refuses it
        ([], 0),
    ],
)
def test_what_a_wav_file_lacks(tmp_path, chunks, missing) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF" + bytes(4) + b"WAVE" + b"".join(chunks))
    assert missing_bytes(path) == missing
    path.write_bytes(b"RIFX" + bytes(4) + b"WAVE" + chunk(b"data", bytes(800), 2000, "big"))
    assert missing_bytes(path) == 1200
    path.write_bytes(b"fLaC" + bytes(4) + b"WAVE" + chunk(b"data", b"", 2000))
    assert missing_bytes(path) == 0


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "FLOAT", "MS_ADPCM", "IMA_ADPCM", "ULAW"])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX", "RF64"])
def test_whole_files_of_all_kinds_lack_nothing(tmp_path, subtype, kind) -> None:
    if soundfile.check_format(kind, subtype):
        soundfile.write(tmp_path / "x.wav", NOISE[:777], toy.RATE, subtype=subtype, format=kind)
        assert missing_bytes(tmp_path / "x.wav") == 0


@pytest.mark.parametrize("change", ["table", "folds", "samples", "seed of the synthetic"])
def test_features_of_an_older_table_are_not_built(project, refuse, succeed, change) -> None:
    """By hand, without the workflow that would fetch first: the features' name would be that of the new table."""
    dataset = "toy" if change.startswith("seed") else "birds"
    succeed(f"fetch {dataset}")
    content = yaml.safe_load(Path("params.yaml").read_text())
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
