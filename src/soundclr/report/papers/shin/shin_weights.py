"""The files of initial weights that the rows start from: where they come from, and what they were."""

from typing import Any

from soundclr.params import Params
from soundclr.report.accuracy import NONE
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.papers.shin import PAPER
from soundclr.report.papers.shin.rows import NOT_HERE
from soundclr.report.table import Column, Record, Table, sentences


def make(collection: Collection) -> Table:
    """A row for each file that a run of the study starts from, or would."""
    params, study = collection.params, collection.study
    places = dict.fromkeys((run.dataset, run.recipe) for chosen in collection.expected.values() for run in chosen)
    starts = {place: start_of(params, study, *place) for place in places}
    records: list[Record] = []
    for name, encoder in sorted({start for start in starts.values() if start}):
        found = [r for r in collection.results if r.metrics.start.name == name and r.settings.encoder.name == encoder]
        file = params.weights[name].files[encoder]
        missing = NOT_HERE if name in params.studies[study].optional_weights else NONE
        record: dict[str, Any] = {
            "weights": name,
            "encoder": encoder,
            "title": params.weights[name].title,
            "file": file.file,
        }
        record |= {"source": file.url or ("this repository" if file.packed else "a mirror")}
        record |= {"sha256": found[0].metrics.start.sha256 if found else None, "runs": len(found)}
        records.append(record | {"shown": found[0].metrics.start.sha256 if found else missing})
    columns = [
        Column("weights"),
        Column("encoder"),
        Column("title", "weights", align="l"),
        Column("file", "file", align="l"),
        Column("source", "from", align="l"),
        Column("sha256", "SHA-256 of the file used", show=lambda record: str(record["shown"]), align="l"),
        Column("runs", "runs"),
    ]
    caption = sentences(
        "The files of initial weights: their publisher's address, and the hash of the copy that the runs started from",
        "A mapping in params.yaml makes a state dict of each",
        "" if records else "No row starts from a file",
    )
    return Table(columns, records, caption, collection.results)


def start_of(params: Params, study: str, dataset: str, recipe: str) -> tuple[str, str] | None:
    """The weights by name that a recipe starts from, and of which encoder; None for another start."""
    settings = params.resolve(study, dataset, recipe)
    return None if settings.start.weights == "none" else (settings.start.weights, settings.encoder.name)


ARTEFACT = Artefact(
    "shin_weights", "Initial weights", "table", make, runs="shin_table2", also="shin_table1", paper=PAPER
)
