"""The clips that every scheme of a study gets wrong: their answers and, where the data are fetched, the sounds."""

import csv
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import matplotlib
import numpy as np
from pandas import DataFrame
from scipy import signal

from soundclr.report.collect import Collection
from soundclr.report.frames import RUN, Values, split
from soundclr.report.style import new_figure, styled, write

DATASET = "esc10"
"""Its clips may be published with attribution."""

CREDIT = re.compile(r"- \[(\S+)\.\w+\]:\s+clip derived from (.+) \(\S+\) by (.+) \[(.+)\]")
"""A line of ESC-10's README.txt: clip, recording, author, licence."""

RANGE_KHZ = 10
FLOOR = 1e-14
"""Least power (per Hz) that is drawn: silence has no logarithm."""


def page_of(collections: Iterable[Collection], data: Path, into: Path) -> Values:
    """What the page's template shows; sounds and spectrograms are written to ``into``/assets/clips.

    It is of the study with the largest share of its own runs of the dataset and, of equal ones, with the most.
    """
    done = {one: len(one.done(DATASET)) for one in collections if DATASET in one.datasets}
    its = [one for one in done if done[one]]
    collection = max(its, key=lambda one: (done[one] / len(one.asked_of(DATASET)), done[one]), default=None)
    if collection is None:
        return {"collection": None, "clips": []}
    rows = collection.clips[collection.clips["epoch"] == "last"].merge(collection.done(DATASET)[RUN])
    sounds, credits = sounds_in(data), credits_in(data)
    clips: list[Values] = []
    for name, answers in split(rows, "clip").items():
        wrong = answers.groupby("recipe")["right"].mean() < 0.5
        if wrong.all() and len(wrong) == rows["recipe"].nunique():
            clip = clip_of(collection, name, answers) | {"credit": credits.get(name, "")}
            clips.append(clip | (with_sound(name, sounds[name], into) if name in sounds else {}))
    title, total = collection.title(DATASET), rows["clip"].nunique()
    found = {"collection": collection, "clips": sorted(clips, key=lambda clip: clip["label"]), "title": title}
    return {**found, "total": total, "dataset": DATASET, "sounds": bool(sounds)}


def clip_of(collection: Collection, name: str, answers: DataFrame) -> Values:
    """A clip: its class, its recording on Freesound, and how often each scheme gave which answer."""
    given = {}
    for recipe, rows in split(answers, "recipe").items():
        counts = rows["predicted"].str.replace("_", " ").value_counts()
        given[collection.scheme(recipe)] = ", ".join(f"{one} ({count})" for one, count in counts.items())
    label, source = answers["class"].iloc[0].replace("_", " "), answers["source"].iloc[0]
    return {"name": name, "label": label, "source": source if str(source).isdigit() else "", "answers": given}


def sounds_in(data: Path) -> dict[str, Path]:
    """The dataset's clips that are here."""
    index = data / DATASET / "index.csv"
    if not index.is_file():
        return {}
    with index.open(newline="", encoding="utf-8") as file:
        paths = {line["clip"]: index.parent / line["path"] for line in csv.DictReader(file)}
    return {clip: path for clip, path in paths.items() if path.is_file()}


def credits_in(data: Path) -> dict[str, str]:
    """Recording, author and licence of each clip, from the release's own list."""
    found = {}
    for path in {sound.parents[1] / "README.txt" for sound in sounds_in(data).values()}:
        for clip, recording, author, licence in CREDIT.findall(path.read_text("utf-8") if path.is_file() else ""):
            found[clip] = f"{recording}, by {author} ({licence})"
    return found


def with_sound(name: str, sound: Path, into: Path) -> Values:
    """Copy a clip and draw its spectrogram; their places on the site."""
    import soundfile

    folder = into / "assets" / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"{name}{sound.suffix}"
    shutil.copyfile(sound, copy)
    samples, rate = soundfile.read(sound, always_2d=True)
    frequencies, times, power = signal.spectrogram(samples.mean(axis=1), rate, "hann", nperseg=1024, noverlap=512)
    with styled(), matplotlib.rc_context({"axes.grid": False}):
        figure = new_figure(4.2, 1.5)
        axes = figure.subplots()
        axes.pcolormesh(
            times, frequencies / 1000, 10 * np.log10(np.maximum(power, FLOOR)), vmin=-140, vmax=-40, rasterized=True
        )
        axes.set(ylim=(0, RANGE_KHZ), xlabel="time (s)", ylabel="frequency (kHz)")
        write(figure, folder / f"{name}.png")
    return {"sound": f"assets/clips/{copy.name}", "spectrogram": f"assets/clips/{name}.png"}
