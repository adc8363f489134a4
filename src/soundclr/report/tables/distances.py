"""How far apart the held-out clips' representations lie, within a class and between classes: the paper's argument."""

import statistics
from collections.abc import Sequence

from soundclr.report.accuracy import NONE
from soundclr.report.collect import Collection
from soundclr.report.tables.render import Column, Table
from soundclr.report.tables.robustness import evaluated_of, shown

HEADER = [
    "dataset",
    "recipe",
    "runs",
    "expected_runs",
    "intra_mean",
    "intra_std",
    "inter_mean",
    "inter_std",
    "ratio_mean",
    "ratio_std",
    "silhouette_mean",
    "silhouette_std",
]

MEASURES = ("intra", "inter", "ratio", "silhouette")


def make(collection: Collection) -> Table:
    """A row a scheme: mean ± sample standard deviation over evaluated runs."""
    params = collection.params
    chosen = params.artefact(collection.study, "figure5")
    columns = [Column("dataset", align="l"), Column("scheme", align="l"), Column("runs")]
    columns += [Column(name) for name in ("within a class", "between classes", "ratio", "silhouette")]
    data: list[Sequence[object]] = [HEADER]
    lines = []
    for dataset in chosen.datasets or ():
        for recipe in chosen.recipes or ():
            found = collection.evaluated(dataset, recipe)
            expected = collection.expected_of(dataset, recipe, "figure5")
            texts = [params.datasets[dataset].title, params.recipes[recipe].title, f"{len(found)} of {len(expected)}"]
            numbers: list[object] = []
            for name in MEASURES:
                said = [getattr(evaluation.distances, name) for evaluation in found]
                values = [value for value in said if value is not None]
                mean = statistics.fmean(values) if values else None
                std = statistics.stdev(values) if len(values) > 1 else None
                texts.append(text(mean, std))
                numbers += ["" if number is None else f"{number:.4f}" for number in (mean, std)]
            lines.append(texts)
            data.append([dataset, recipe, len(found), len(expected), *numbers])
    caption = (
        "Cosine distance of two held-out clips' representations (the last epoch's model), mean over pairs of one class "
        "and of different classes, their ratio, and the mean silhouette: mean ± sample standard deviation over "
        f"evaluated runs. {evaluated_of(collection)}."
    )
    return Table("distances", "Distances of representations", caption, columns, lines, data, shown(collection))


def text(mean: float | None, std: float | None) -> str:
    """As in ``0.123 ± 0.004``: distances need a third decimal."""
    return NONE if mean is None else f"{mean:.3f}" + ("" if std is None else f" ± {std:.3f}")
