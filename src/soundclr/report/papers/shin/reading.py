"""The paper's published numbers, from published.csv, by our datasets and recipes; and its rows, by settings."""

from soundclr.params import RunSettings
from soundclr.report.papers.reading import percent, read_published

DATASETS = {"esc50": "ESC-50", "esc50_ogg": "ESC-50", "gtzan": "GTZAN", "us8k_22k": "US8K"}
"""What published.csv calls the datasets of params.yaml; one that is not here has no published value."""

ROWS = {
    "vanilla": "vanilla",
    "vanilla_quick": "vanilla",
    "supervised": "supervised",
    "supervised_quick": "supervised",
    "self_supervised": "self_supervised",
    "self_supervised_quick": "self_supervised",
    "linear_self_supervised": "linear_evaluation",
}
"""What it calls our recipes; the paper has no others."""

STARTS = {"none": "vanilla", "simclr": "self_supervised", "imagenet": "supervised"}
"""Initial weights by how their name begins, as the paper's tables call what starts from them."""

GAINS = "esc50", "esc50_ogg"
"""Where pre-training is said to help most."""

TABLE1, ONE_FOLD, TABLE2 = "shin_table1", "shin_one_fold", "shin_table2"
"""Choices of runs; a study shows the second, of fewer folds, in Table 1 too."""


def paper_percent(dataset: str, recipe: str) -> float | None:
    """The paper's accuracy in percent of a row of its tables, which agree where both have it; None without one."""
    place = DATASETS.get(dataset), ROWS.get(recipe)
    found = (line for line in read_published(__package__) if (line["dataset"], line["row"]) == place)
    return next(map(percent, found), None)


def row_of(settings: RunSettings) -> str:
    """What the paper's tables call a run: its start, and ``linear`` where the encoder stays as it is."""
    weights = settings.start.weights
    start = next((name for prefix, name in STARTS.items() if weights.startswith(prefix)), "other")
    if run := settings.start.run:
        start = "sounds" if "sounds" in run else run
    trained = any("encoder" in stage.trains for stage in settings.stages)
    return start if trained else f"linear_{start}"
