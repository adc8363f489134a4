"""The paper's published numbers, from published.csv, by our datasets and recipes; and its rows, by settings."""

from soundclr.params import RunSettings
from soundclr.report.papers import percent, read_published

DATASETS = {"esc50": "ESC-50", "esc50_ogg": "ESC-50", "gtzan": "GTZAN", "us8k_22k": "US8K"}
"""Names in published.csv of the datasets of params.yaml; others have no published values."""

ROWS = {
    "vanilla": "vanilla",
    "vanilla_quick": "vanilla",
    "supervised": "supervised",
    "supervised_quick": "supervised",
    "self_supervised": "self_supervised",
    "self_supervised_quick": "self_supervised",
    "linear_self_supervised": "linear_evaluation",
}
"""Names in published.csv of our recipes; the paper has no others."""

STARTS = {"none": "vanilla", "simclr": "self_supervised", "imagenet": "supervised"}
"""The paper's rows by the beginning of the name of the initial weights."""


def paper_percent(dataset: str, recipe: str) -> float | None:
    """The paper's accuracy in percent for a recipe; None without one. Its two tables agree where both have it."""
    place = DATASETS.get(dataset), ROWS.get(recipe)
    found = (line for line in read_published(__package__) if (line["dataset"], line["row"]) == place)
    return next(map(percent, found), None)


def row_of(settings: RunSettings) -> str:
    """A run's row in the paper's tables: its start, after ``linear_`` where the encoder is frozen."""
    weights = settings.start.weights
    start = next((name for prefix, name in STARTS.items() if weights.startswith(prefix)), "other")
    if run := settings.start.run:
        start = "sounds" if "sounds" in run else run
    trained = any("encoder" in stage.trains for stage in settings.stages)
    return start if trained else f"linear_{start}"


KINDS = {"start": (row_of, ())}
"""By the name in claims.yaml: the function that names a side; the runs of all artefacts count."""
