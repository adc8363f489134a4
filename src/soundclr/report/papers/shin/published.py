"""The paper's published numbers, from published.csv, by our datasets and recipes."""

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


def paper_percent(dataset: str, recipe: str) -> float | None:
    """The paper's accuracy in percent of a row of its tables, which agree where both have it; None without one."""
    place = DATASETS.get(dataset), ROWS.get(recipe)
    found = (line for line in read_published(__package__) if (line["dataset"], line["row"]) == place)
    return next(map(percent, found), None)
