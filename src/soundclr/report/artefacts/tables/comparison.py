"""Paired comparison of the schemes: the same folds and seeds, one scheme minus the other."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from soundclr.report.accuracy import PROTOCOLS, Protocol, mean_of, paired
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.intervals import INTERVALS, Mean
from soundclr.report.table import Column, Table, dataset_column, sentences, span


@dataclass(frozen=True)
class Comparison:
    """``first`` minus ``second`` in percentage points, a difference for each fold and seed that both have.

    ``mean`` is theirs, with its interval; ``p`` is the two-sided Wilcoxon signed-rank test's.
    """

    first: str
    second: str
    differences: tuple[float, ...]
    mean: Mean
    p: float


def compare(collection: Collection, dataset: str, protocol: Protocol = "best_epoch") -> list[Comparison]:
    """Every two of the study's own recipes that have runs of the same fold and seed; the later minus the earlier."""
    found = []
    for second, first in itertools.combinations(collection.recipes, 2):
        if pairs := paired(collection.of(dataset, first), collection.of(dataset, second), protocol):
            differences = tuple(pairs.values())
            found.append(Comparison(first, second, differences, mean_of(pairs), wilcoxon_p(differences)))
    return found


def wilcoxon_p(differences: Sequence[float]) -> float:
    """Two-sided p of the signed-rank test, the pairs taken as independent; 1 where no pair differs."""
    from scipy.stats import wilcoxon

    # Accuracies are shares of a few clips: without rounding, equal differences would not be ties.
    rounded = [round(difference, 6) for difference in differences]
    return float(wilcoxon(rounded).pvalue) if any(rounded) else 1.0


def make(collection: Collection) -> Table:
    """A row for every two schemes: differences, intervals and p at best and at last epoch."""
    records: list[dict[str, Any]] = []
    for dataset in collection.datasets:
        for found in zip(*(compare(collection, dataset, protocol) for protocol in PROTOCOLS), strict=True):
            best = found[0]
            record = {"dataset": dataset, "first": best.first, "second": best.second}
            record |= {"pairs": len(best.differences), "folds": len(best.mean.folds)}
            for protocol, one in zip(PROTOCOLS, found, strict=True):
                none = math.isnan(one.mean.half)
                bounds = (None, None) if none else (one.mean.low, one.mean.high)
                names = (f"{protocol}_{what}" for what in ("difference_points", "low_points", "high_points", "p"))
                record |= dict(zip(names, (one.mean.mean, *bounds, one.p), strict=True))
            records.append(record)
    schemes = Column(
        name="schemes", show=lambda r: " − ".join(collection.scheme(r[k]) for k in ("first", "second")), align="l"
    )
    columns = [dataset_column(collection), Column("first"), Column("second"), schemes]
    columns += [Column("pairs", "pairs"), Column("folds")]
    columns += [*protocol_columns("best_epoch", "best epoch"), *protocol_columns("last_epoch", "last epoch")]
    fewest = sorted({record["pairs"] for record in records if record["pairs"] < 6})
    least = ", ".join(f"{2 ** (1 - pairs):g} with {pairs}" for pairs in fewest)
    caption = sentences(
        f"Every two schemes on the folds and seeds that both have: mean difference in percentage points, {INTERVALS}, "
        "and p of the two-sided Wilcoxon signed-rank test, which takes pairs as independent. Folds share "
        "training clips, so both are optimistic; p is not corrected for the number of comparisons",
        collection.covered(),
        f"So few pairs cannot give a p below {least}" if least else "",
        "" if records else "No two schemes have a run of the same fold and seed yet",
    )
    return Table(columns, records, caption, collection.own)


def protocol_columns(protocol: Protocol, heading: str) -> list[Column]:
    """The difference at one of the epochs, its interval, and p."""
    low, high = f"{protocol}_low_points", f"{protocol}_high_points"
    return [
        Column(f"{protocol}_difference_points", "difference", heading, sign=True),
        Column(low, "95 % interval", heading, span(low, high)),
        Column(high),
        Column(f"{protocol}_p", "p", heading, lambda record: f"{record[f'{protocol}_p']:.4f}", ".4f"),
    ]


ARTEFACT = Artefact("comparison", "Paired comparison", "table", make)
