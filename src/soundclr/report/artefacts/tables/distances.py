"""How far apart the held-out clips' representations lie, within a class and between classes."""

import statistics
from collections.abc import Callable

from soundclr.report.accuracy import number
from soundclr.report.artefact import EVALUATED, Artefact, any_run
from soundclr.report.collect import Collection
from soundclr.report.table import Column, Record, Table, place_columns, sentences

MEASURES = {"intra": "within a class", "inter": "between classes", "ratio": "ratio", "silhouette": "silhouette"}


def make(collection: Collection) -> Table:
    """A row a scheme: mean ± sample standard deviation over evaluated runs."""
    records = []
    for dataset in collection.datasets_of(EVALUATED):
        for recipe in collection.recipes_of(EVALUATED):
            found = collection.evaluated(dataset, recipe)
            record = {"dataset": dataset, "recipe": recipe, "runs": len(found)}
            record["expected_runs"] = len(collection.expected_of(dataset, recipe, EVALUATED))
            for name in MEASURES:
                said = (getattr(evaluation.distances, name) for evaluation in found)
                values = [value for value in said if value is not None]
                record[f"{name}_mean"] = statistics.fmean(values) if values else None
                record[f"{name}_std"] = statistics.stdev(values) if len(values) > 1 else None
            records.append(record)
    caption = sentences(
        "Cosine distance of two held-out clips' representations (the last epoch's model), mean over pairs of one class "
        "and of different classes, their ratio, and the mean silhouette: mean ± sample standard deviation over "
        "evaluated runs",
        collection.covered(EVALUATED),
    )
    columns = place_columns(collection)
    for name, title in MEASURES.items():
        columns += [Column(f"{name}_mean", title, show=show(name), form=".4f"), Column(f"{name}_std", form=".4f")]
    return Table(columns, records, caption, collection.shown(ARTEFACT))


def show(name: str) -> Callable[[Record], str]:
    """As in ``0.123 ± 0.004``: distances need a third decimal."""

    def text(record: Record) -> str:
        mean, std = record[f"{name}_mean"], record[f"{name}_std"]
        return number(mean, decimals=3) + ("" if std is None else f" ± {std:.3f}")

    return text


ARTEFACT = Artefact("distances", "Distances of representations", "table", make, runs=EVALUATED, of=any_run)
