"""Table 1: what a network starts from, all of it being trained on the sounds; ours beside the paper's."""

from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.papers.shin import PAPER
from soundclr.report.papers.shin.rows import rows_of, table_of
from soundclr.report.table import Table

ONE_FOLD = "shin_one_fold"
"""A choice of rows that a study shows here too, of fewer folds."""


def make(collection: Collection) -> Table:
    """A row a start and dataset."""
    rows = rows_of(collection, "shin_table1", ONE_FOLD)
    return table_of(collection, rows, "Fine-tuned from each start: held-out accuracy in %, mean over folds")


ARTEFACT = Artefact("shin_table1", "Table 1", "table", make, runs="shin_table1", also=ONE_FOLD, paper=PAPER)
