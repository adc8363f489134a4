"""A study's tables, each a file's worth of choices about the same runs."""

from collections.abc import Callable

from soundclr.report.collect import Collection
from soundclr.report.layout import tables_of
from soundclr.report.paper import PAPER_DATASETS
from soundclr.report.tables import (
    comparison,
    distances,
    per_class,
    protocols,
    robustness,
    table1,
    table2,
    table3,
    table4,
)
from soundclr.report.tables.render import Table
from soundclr.report.tables.table3 import Row

__all__ = ["MAKE", "PAPER_DATASETS", "Row", "make_tables"]

MAKE: dict[str, Callable[[Collection], Table]] = {
    "table1": table1.make,
    "table2": table2.make,
    "table3": table3.make,
    "table4": table4.make,
    "comparison": comparison.make,
    "protocols": protocols.make,
    "per_class": per_class.make,
    "robustness": robustness.make,
    "distances": distances.make,
}
"""What makes each table of :data:`soundclr.report.layout.TABLES`."""


def make_tables(collection: Collection) -> list[Table]:
    """The tables that a study has, in a page's order."""
    return [MAKE[name](collection) for name in tables_of(collection.params, collection.study)]
