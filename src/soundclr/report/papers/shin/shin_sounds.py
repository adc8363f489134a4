"""Beside the paper: weights from sounds without labels, of our own runs, in place of a file from images."""

from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.papers.shin import PAPER
from soundclr.report.papers.shin.rows import rows_of, table_of
from soundclr.report.table import Table


def make(collection: Collection) -> Table:
    """A row a dataset and use of them."""
    text = "From contrastive training on the sounds of the other folds: held-out accuracy in %, mean over folds"
    return table_of(collection, rows_of(collection, "shin_sounds"), text)


ARTEFACT = Artefact("shin_sounds", "Weights from sounds", "table", make, runs="shin_sounds", paper=PAPER)
