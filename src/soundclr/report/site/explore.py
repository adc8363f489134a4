"""The runs of a study as a script that a page loads, since a page opened from a file cannot read JSON."""

import json
import math
from collections.abc import Iterable
from typing import Any

from pandas import DataFrame

from soundclr.report.collect import Collection
from soundclr.report.frames import RUN, Values, records, run_columns, split
from soundclr.report.style import COLOURS, look
from soundclr.run.records import Metrics


def script(collection: Collection) -> str:
    """The study's data, under its name in ``soundclr``."""
    data = json.dumps(data_of(collection), allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return f"soundclr[{json.dumps(collection.study)}] = {data}\n"


def data_of(collection: Collection) -> Values:
    """Schemes, runs with curves and accuracies under noise, classes, and confusions after the last epoch."""
    curves = {place: rows["val_accuracy_percent"] for place, rows in split(collection.epochs, RUN).items()}
    noises = split(collection.noise.dropna(subset="snr_db"), RUN)
    asked = collection.asked[collection.asked["there"]].drop_duplicates(RUN)
    recipes = list(dict.fromkeys(asked["recipe"]))
    metrics = {tuple(run_columns(run).values()): one.metrics for run, one in collection.found.items()}
    clips = collection.clips[(collection.clips["epoch"] == "last") & collection.clips["recipe"].isin(recipes)]
    counts = clips.groupby(["dataset", "recipe", "label", "prediction"], sort=True).size().reset_index(name="clips")
    return {
        "title": collection.params.studies[collection.study].title,
        "data": {name: collection.title(name) for name in dict.fromkeys(asked["dataset"])},
        "colours": COLOURS,
        "schemes": [{"title": collection.scheme(one), "colour": look(collection, one).colour} for one in recipes],
        "runs": [
            {
                "scheme": recipes.index(row["recipe"]),
                **run_of(row, metrics[place], curves.get(place, ()), noises.get(place)),
            }
            for row in records(asked)
            for place in [tuple(row[name] for name in RUN)]
        ],
        "classes": {
            one.run.dataset: [name.replace("_", " ") for name in one.metrics.classes] for one in collection.results
        },
        "confusion": counts.assign(recipe=counts["recipe"].map(recipes.index)).to_numpy().tolist(),
    }


def run_of(row: Values, metrics: Metrics, curve: Iterable[float], noises: DataFrame | None) -> Values:
    """A run: its place, accuracies, making, curve, and accuracy by signal to noise of each noise."""
    noise: dict[str, list[Any]] = {}
    for one in records(noises.sort_values("snr_db")) if noises is not None else []:
        noise.setdefault(one["noise"], []).append([one["snr_db"], rounded(one["accuracy_percent"])])
    return {
        "data": row["dataset"],
        "fold": row["fold"],
        "seed": row["seed"],
        "last": rounded(row["last_epoch_percent"]),
        "best": rounded(row["best_epoch_percent"]),
        "epochs": metrics.epochs,
        "device": metrics.device,
        "commit": (metrics.git_commit or "–")[:10],
        "created": metrics.created,
        "curve": [rounded(value) for value in curve],
        "noise": noise,
    }


def rounded(value: float) -> float | None:
    """A number to two decimals; None for NaN."""
    return None if math.isnan(value) else round(float(value), 2)
