"""Byte-identical clips in a report: how many a dataset has, and which they are."""

from collections.abc import Iterator, Sequence
from html import escape

from soundclr.report.collect import Collection
from soundclr.report.markup import markdown_escape
from soundclr.report.run_results import RunResult
from soundclr.run.runs import manifest_clips


def counts_text(found: Sequence[RunResult]) -> Iterator[str]:
    """How many clips have the bytes of another clip; groups across folds are in training and held-out clips."""
    records = [result.metrics.clips.identical for result in found]
    for counts in dict.fromkeys(record.model_copy(update={"names": ()}) for record in records if record):
        if counts.groups:
            across = f"{counts.across_folds or 'none'} of these groups across folds"
            labels = f" and {counts.across_classes} across classes" if counts.across_classes else ""
            yield f"{counts.groups} groups of byte-identical clips ({counts.clips} clips), {across}{labels}"


def clip_groups(collection: Collection, dataset: str) -> list[tuple[str, ...]]:
    """The groups of a dataset's byte-identical clips, by the clips' names.

    The names come from the runs. Runs of earlier versions have counts only; then the packaged manifest gives the names,
    where its counts are the same.
    """
    results = [result for result in collection.results if result.run.dataset == dataset]
    records = [record for result in results if (record := result.metrics.clips.identical)]
    if named := next((record.names for record in records if record.names), ()):
        return list(named)
    clips: dict[str, list[str]] = {}
    for path, sha256 in manifest_clips(collection.params.datasets[dataset].adapter).items():
        clips.setdefault(sha256, []).append(path)
    groups = sorted(tuple(group) for group in clips.values() if len(group) > 1)
    size = len(groups), sum(map(len, groups))
    return groups if any(size == (record.groups, record.clips) for record in records) else []


def section(collection: Collection) -> Iterator[str]:
    """Each dataset's byte-identical clips in Markdown, a line for each group, folded away."""
    for dataset in collection.params.datasets:
        if groups := clip_groups(collection, dataset):
            lines = "\n".join(f"- {markdown_escape(', '.join(group))}" for group in groups)
            title = f"{len(groups)} groups of byte-identical clips in {escape(collection.title(dataset))}"
            yield f"<details>\n<summary>{title}</summary>\n\n{lines}\n\n</details>"
