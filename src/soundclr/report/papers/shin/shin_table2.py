"""Table 2: a linear classifier on a frozen encoder, beside a network trained from nothing."""

from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.papers.shin import PAPER
from soundclr.report.papers.shin.rows import rows_of, table_of
from soundclr.report.table import Table


def make(collection: Collection) -> Table:
    """A row a start and dataset; supervised and random weights are not the paper's."""
    text = (
        "Linear evaluation of frozen encoders: held-out accuracy in %, mean over folds; random weights, too, say what"
    )
    return table_of(collection, rows_of(collection, "shin_table2"), f"{text} the trained ones are worth")


ARTEFACT = Artefact("shin_table2", "Table 2", "table", make, runs="shin_table2", paper=PAPER)
