"""Small faithful copies of datasets with a publisher's split: Speech Commands, NSynth and GTZAN; tiny clips."""

import json
from pathlib import Path
from typing import Any

from soundclr.datasets.gtzan import GENRES
from soundclr.datasets.nsynth import FAMILIES, PARTS
from soundclr.datasets.speech_commands import WORDS
from support.small_copies import write_clip

SPEECH: dict[str, Any] = {
    "adapter": "speech_commands",
    "title": "Speech Commands",
    "file": "speech_commands_v0.02.tar.gz",
    "clips": [35, 35, 70],
    "classes": 35,
    "folds": 3,
    "held_out": [1],
    "sample_rate": 16000,
    "samples": 16000,
}
NSYNTH: dict[str, Any] = {
    "adapter": "nsynth_family",
    "title": "NSynth",
    "file": "nsynth-{part}.jsonwav.tar.gz",
    "clips": [10, 11, 22],
    "classes": 11,
    "folds": 3,
    "held_out": [1],
    "sample_rate": 16000,
    "samples": 64000,
}
GTZAN: dict[str, Any] = {
    "adapter": "gtzan",
    "title": "GTZAN",
    "file": "genres.tar.gz",
    "clips": [200, 800],
    "classes": 10,
    "folds": 2,
    "held_out": [1],
    "sample_rate": 22050,
    "samples": 661500,
}
FILTERED: dict[str, Any] = {**GTZAN, "adapter": "gtzan_filtered", "clips": [290, 197, 443], "folds": 3}


def make_speech_commands(folder: Path) -> Path:
    """Below ``folder``: the release's layout, each word by four speakers, of whom one tests and one validates."""
    top = folder / "speech_commands_v0.02"
    speakers = {"0a": "testing_list.txt", "0b": "validation_list.txt", "0c": None, "0d": None}
    lists: dict[str, list[str]] = {"testing_list.txt": [], "validation_list.txt": []}
    for word in WORDS:
        for speaker, listed in speakers.items():
            path = f"{word}/{speaker}123456_nohash_{WORDS.index(word) % 3}.wav"
            write_clip(top / path, 160 + WORDS.index(word), 16000)
            if listed:
                lists[listed].append(path)
    for file, paths in lists.items():
        (top / file).write_text("\n".join(paths) + "\n")
    write_clip(top / "_background_noise_" / "pink_noise.wav", 1600, 16000)
    (top / "_background_noise_" / "README.md").write_text("noise")
    (top / "bed" / "._0a123456_nohash_1.wav").write_bytes(b"macOS")
    return top


def make_nsynth(folder: Path) -> None:
    """Below ``folder``: the three parts, a note of each family, two in training, and in testing none of synth_lead."""
    for part, fold in PARTS.items():
        notes = {}
        for label, family in enumerate(FAMILIES):
            if part == "test" and family == "synth_lead":
                continue
            for number in range(2 if part == "train" else 1):
                instrument = (
                    f"{family}_acoustic_{number:03d}" if part != "train" else f"{family}_electronic_{number:03d}"
                )
                pitch = 40 + 2 * label + fold // 3
                note = f"{instrument}-{pitch:03d}-{25 * fold:03d}"
                about = {"note_str": note, "instrument_str": instrument, "pitch": pitch, "velocity": 25 * fold}
                notes[note] = {**about, "instrument_family": label, "instrument_family_str": family}
                write_clip(folder / f"nsynth-{part}" / "audio" / f"{note}.wav", 640, 16000)
        (folder / f"nsynth-{part}" / "examples.json").write_text(json.dumps(notes))


def make_gtzan(folder: Path) -> Path:
    """Below ``folder``: `genres` with a hundred clips of each of ten genres, all of them links to one."""
    top = folder / "genres"
    one = top / GENRES[0] / f"{GENRES[0]}.00000.wav"
    write_clip(one, 2205, 22050)
    for genre in GENRES:
        (top / genre).mkdir(exist_ok=True)
        for number in range(100):
            if (clip := top / genre / f"{genre}.{number:05d}.wav") != one:
                clip.hardlink_to(one)
    (top / "blues" / "._blues.00000.wav").write_bytes(b"macOS")
    return top
