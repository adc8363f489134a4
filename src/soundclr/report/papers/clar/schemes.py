"""Scheme by dataset and encoder: what CLAR's tables compare, by the class head and by a linear probe."""

from soundclr.report.accuracy import PARTIAL_NOTE, Group, Interval, group_of, interval, spread
from soundclr.report.artefact import Artefact
from soundclr.report.collect import Collection
from soundclr.report.papers.clar import PAPER
from soundclr.report.papers.clar.methods import methods
from soundclr.report.table import Column, Record, Table, dataset_column, sentences

KEY = "clar_schemes"


def make(collection: Collection) -> Table:
    """A line a dataset, scheme and share of labels; for each encoder the accuracy of each head after the last epoch."""
    records: list[Record] = []
    for dataset in collection.datasets_of(KEY):
        for recipe, method in methods(collection, dataset, KEY).items():
            ours = group_of(collection, dataset, recipe, KEY)
            ends = interval(collection.of(dataset, recipe, KEY), "last_epoch")
            records.append(
                {
                    **{"dataset": dataset, "recipe": recipe, **vars(method)},
                    **{"ours": ours, "runs": ours.runs, "expected_runs": ours.expected_runs, "seeds": ours.seeds},
                    **ours.percents("mean", "std"),
                    **{"ends": ends, "last_epoch_low_percent": ends and ends.low},
                    **{"last_epoch_high_percent": ends and ends.high},
                }
            )
    columns = [
        dataset_column(collection),
        Column("recipe"),
        Column("scheme", "scheme", align="l"),
        Column("labels", "labels", show=lambda record: f"{100 * record['labels']:g} %", form="g"),
        *map(Column, ("encoder", "head", "runs", "expected_runs", "seeds")),
        *(Column(f"{epoch}_epoch{what}_percent") for epoch in ("best", "last") for what in ("", "_std")),
        *map(Column, ("last_epoch_low_percent", "last_epoch_high_percent")),
    ]
    for encoder, head in dict.fromkeys((record["encoder"], record["head"]) for record in records):
        columns.append(Column(name=head, group=encoder, show=shown, where={"encoder": encoder, "head": head}))
    kinds = sorted({record["ends"].kind for record in records if record["ends"]})
    groups: list[Group] = [record["ours"] for record in records]
    caption = sentences(
        "Held-out accuracy in % after the last epoch, mean over folds"
        + (", mean ± sample standard deviation over seeds" if any(ours.seeds > 1 for ours in groups) else "")
        + "".join(f". In brackets: {kind}" for kind in kinds)
        + ". Class head: what a scheme's own classifier says; linear probe: a linear layer on its encoder, which is "
        "frozen; 1-D encoders hear the waveform, 2-D ones see spectrograms. CLAR's own tables were not available",
        collection.covered(KEY),
        PARTIAL_NOTE if any(ours.partial for ours in groups) else "",
    )
    return Table(columns, records, caption, collection.of(choice=KEY), line=["dataset", "scheme", "labels"])


def shown(record: Record) -> str:
    """The accuracy on the page, and its interval."""
    ours: Group = record["ours"]
    ends: Interval | None = record["ends"]
    return spread(ours.last_epoch, ours.partial) + (f" [{ends.low:.1f}, {ends.high:.1f}]" if ends else "")


ARTEFACT = Artefact(KEY, "Schemes by encoder", "table", make, runs=KEY, paper=PAPER)
