"""What the paper's abstract and tables claim, to be held against a study's runs."""

from soundclr.report.claim import ACCURACY, Claim, Claims, Metric, Reported
from soundclr.report.papers import PAPERS
from soundclr.report.papers.shin.reading import DATASETS, GAINS, TABLE1, TABLE2, paper_percent, row_of


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
            Metric("points", f"papers.shin.tables:{started}_gain_on_esc50"),
            started,
            "vanilla",
            choice=TABLE1,
            by=row_of,
            versus=Metric("points", f"papers.shin.tables:{started}_gain"),
            without=frozenset(GAINS),
            paper=more,
        ),
    )


CLAIMS = Claims(
    PAPERS["shin"],
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
