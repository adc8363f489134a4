"""One change at a time: recipes that differ from the study's schemes in a single setting, beside these."""

import math
from typing import Any

from soundclr.params.resolving import lineage
from soundclr.report.accuracy import group_of, mean_of, paired
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.intervals import INTERVALS
from soundclr.report.table import Column, Table, place_columns, sentences, span

KEY = "variants"


def make(collection: Collection) -> Table:
    """A row a recipe: its accuracies, and its last epoch's minus that of the scheme that it builds on."""
    records: list[dict[str, Any]] = []
    for dataset in collection.datasets_of(KEY):
        for recipe in collection.recipes_of(KEY):
            before = lineage(collection.params.all_recipes, recipe)[:-1]
            scheme = next(base for base in reversed(before) if base in collection.recipes)
            ours = group_of(collection, dataset, recipe, KEY)
            record = {"dataset": dataset, "recipe": recipe, "scheme": scheme, **vars(ours), **ours.percents()}
            pairs = paired(collection.of(dataset, recipe, KEY), collection.of(dataset, scheme), "last_epoch")
            mean = mean_of(pairs) if pairs else None
            bounds = (mean.low, mean.high) if mean and not math.isnan(mean.half) else (None, None)
            values = (mean.mean if mean else None, *bounds)
            record |= dict(zip(("difference_points", "low_points", "high_points"), values, strict=True))
            records.append(record)
    columns = [*place_columns(collection)]
    columns += [Column("scheme", "compared with", show=lambda r: collection.scheme(r["scheme"]), align="l")]
    columns += [Column("best_epoch_percent", "best epoch"), Column("last_epoch_percent", "last epoch")]
    columns += [Column("difference_points", "difference", sign=True)]
    columns += [Column("low_points", "95 % interval", show=span("low_points", "high_points")), Column("high_points")]
    caption = sentences(
        "Recipes that differ from one of the study's schemes in one setting: held-out accuracy in %, and the last "
        f"epoch's minus that scheme's on the folds and seeds that both have, {INTERVALS}",
        collection.covered(KEY),
    )
    return Table(columns, records, caption, collection.of(choice=KEY))


ARTEFACT = Artefact(KEY, "One change at a time", "table", make, runs=KEY)
