"""The clips that every scheme of a study gets wrong: their answers and, where the data are fetched, the sounds."""

import csv
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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


def study_of(collections: Iterable[Collection]) -> Collection | None:
    """The study that has the most of its own runs of the dataset: a whole one before one that is not."""

    def share(one: Collection) -> tuple[float, int]:
        asked, done = one.asked_of(DATASET), one.done(DATASET)
        return len(done) / max(len(asked), 1), len(done)

    its = [one for one in collections if DATASET in one.datasets and len(one.done(DATASET))]
    return max(its, key=share, default=None)


def page_of(collections: Iterable[Collection], data: Path, into: Path) -> Values:
    """What the page's template shows; sounds and spectrograms are written to ``into``/assets/clips."""
    collection = study_of(collections)
    if collection is None:
        return {"collection": None, "clips": []}
    rows = collection.clips[collection.clips["epoch"] == "last"].merge(collection.done(DATASET)[RUN])
    sounds, credits = sounds_in(data), credits_in(data)
    clips: list[Values] = []
    for name, answers in split(rows, "clip").items():
        wrong = answers.groupby("recipe")["right"].mean() < 0.5
        if wrong.all() and len(wrong) == answers["recipe"].nunique() == rows["recipe"].nunique():
            clips.append(clip_of(collection, str(name), answers) | {"credit": credits.get(str(name), "")})
    for clip in clips:
        if (sound := sounds.get(clip["name"])) is not None:
            clip |= with_sound(clip["name"], sound, into)
    title, total = collection.title(DATASET), rows["clip"].nunique()
    found = {"collection": collection, "clips": sorted(clips, key=lambda clip: clip["label"]), "title": title}
    return {**found, "total": total, "dataset": DATASET, "sounds": bool(sounds)}


def clip_of(collection: Collection, name: str, answers: DataFrame) -> Values:
    """A clip: its class, its recording on Freesound, and how often each scheme gave which answer."""
    given = {}
    for recipe, rows in split(answers, "recipe").items():
        counts = rows["predicted"].value_counts()
        given[collection.scheme(recipe)] = ", ".join(f"{words(one)} ({count})" for one, count in counts.items())
    first: Any = answers.iloc[0]
    source = first["source"] if str(first["source"]).isdigit() else ""
    return {"name": name, "label": words(first["class"]), "source": source, "answers": given}


def words(name: Any) -> str:
    """A class's name with spaces."""
    return str(name).replace("_", " ")


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
