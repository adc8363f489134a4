"""What the paper's abstract and tables claim, to be held against a study's runs."""

from collections.abc import Callable

from soundclr.params import RunSettings
from soundclr.report.accuracy import Protocol, at_places
from soundclr.report.claim import Claim, Claims, Metric, Reported, Values
from soundclr.report.collect import Collection
from soundclr.report.metrics import ACCURACY
from soundclr.report.papers.shin import PAPER
from soundclr.report.papers.shin.published import DATASETS, paper_percent
from soundclr.report.papers.shin.rows import results_of, rows_of
from soundclr.report.papers.shin.shin_table1 import ONE_FOLD

TABLE1, TABLE2 = "shin_table1", "shin_table2"
GAINS = "esc50", "esc50_ogg"
"""Where pre-training is said to help most."""

STARTS = {"none": "vanilla", "simclr": "self_supervised", "imagenet": "supervised"}
"""What initial weights, by the first part of their name, make a row of the paper's tables."""


def row_of(settings: RunSettings) -> str:
    """What the paper's tables call a run: its start, and ``linear`` where the encoder stays as it is."""
    start = "sounds" if settings.start.run else STARTS.get(settings.start.weights.split("_")[0], "other")
    trained = any("encoder" in stage.trains for stage in settings.stages)
    return start if trained else f"linear_{start}"


def gains(started: str) -> Callable[[Collection, str, str, str, Protocol], Values]:
    """What a start adds to the vanilla network on a dataset, in points of accuracy."""

    def of(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Values:
        def values(name: str) -> Values:
            return {
                place: value
                for row in rows_of(collection, TABLE1, ONE_FOLD)
                if row.dataset == dataset
                and row_of(collection.params.resolve(collection.study, dataset, row.recipe)) == name
                for place, value in at_places(results_of(collection, row), protocol).items()
            }

        ours, vanilla = values(started), values("vanilla")
        return {place: ours[place] - vanilla[place] for place in ours.keys() & vanilla.keys()}

    return of


def gains_on_esc50(started: str) -> Callable[[Collection, str, str, str, Protocol], Values]:
    """The same on ESC-50, whatever dataset is asked for: the other side of one that is not ESC-50."""

    def of(collection: Collection, dataset: str, recipe: str, choice: str, protocol: Protocol) -> Values:
        found = [name for name in collection.datasets if name in GAINS]
        return gains(started)(collection, found[0], recipe, choice, protocol) if found else {}

    return of


def reported(table: str, ahead: str, behind: str) -> dict[str, Reported]:
    """Two of the paper's accuracies on each of its datasets."""
    return {
        dataset: Reported(title, table, paper_percent(dataset, ahead), paper_percent(dataset, behind))
        for dataset, title in DATASETS.items()
    }


def helps(started: str, title: str) -> tuple[Claim, ...]:
    """That a start beats the vanilla network, and most so on ESC-50."""
    paper = reported("Table 1", started, "vanilla")
    on_esc50 = paper["esc50"].difference
    more = {
        dataset: Reported(one.dataset, one.source, on_esc50, one.difference)
        for dataset, one in paper.items()
        if dataset not in GAINS
    }
    return (
        Claim(
            f"{started}_helps",
            f"{title} beat random ones, all of the network being trained",
            ACCURACY,
            started,
            "vanilla",
            choice=TABLE1,
            by=row_of,
            paper=paper,
        ),
        Claim(
            f"{started}_most_on_esc50",
            f"{title} help more on ESC-50 than on this dataset",
            Metric("points", gains_on_esc50(started)),
            started,
            "vanilla",
            choice=TABLE1,
            by=row_of,
            versus=Metric("points", gains(started)),
            without=frozenset(GAINS),
            paper=more,
        ),
    )


CLAIMS = Claims(
    PAPER,
    (
        *helps("supervised", "ImageNet weights"),
        *helps("self_supervised", "ImageNet weights without labels"),
        Claim(
            "as_good_as_supervised",
            "ImageNet weights without labels are within half a point of those with labels",
            ACCURACY,
            "self_supervised",
            "supervised",
            choice=TABLE1,
            by=row_of,
            within=0.5,
            paper=reported("Table 1", "self_supervised", "supervised"),
        ),
        Claim(
            "linear_below_vanilla",
            "a linear classifier on frozen self-supervised features stays below the vanilla network",
            ACCURACY,
            "vanilla",
            "linear_self_supervised",
            choice=TABLE1,
            by=row_of,
            versus_choice=TABLE2,
            paper=reported("Table 2", "vanilla", "linear_self_supervised"),
        ),
        Claim(
            "linear_supervised_below_vanilla",
            "so does one on frozen supervised features",
            ACCURACY,
            "vanilla",
            "linear_supervised",
            choice=TABLE1,
            by=row_of,
            versus_choice=TABLE2,
        ),
    ),
)
