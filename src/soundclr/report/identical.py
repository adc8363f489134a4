"""What a report says of byte-identical clips: how many a study's datasets have, and which they are."""

from collections.abc import Iterator, Sequence
from html import escape

from soundclr.report.collect import Collection
from soundclr.report.markup import markdown_escape
from soundclr.report.run_results import RunResult
from soundclr.run.runs import manifest_clips


def said(found: Sequence[RunResult]) -> Iterator[str]:
    """How many of a dataset's clips have the bytes of another, where some have; across folds, they were learnt."""
    records = [result.metrics.clips.identical for result in found]
    for counts in dict.fromkeys(record.model_copy(update={"names": ()}) for record in records if record):
        if counts.groups:
            across = f"{counts.across_folds or 'none'} of these groups across folds"
            labels = f" and {counts.across_classes} across classes" if counts.across_classes else ""
            yield f"{counts.groups} groups of byte-identical clips ({counts.clips} clips), {across}{labels}"


def named(collection: Collection, dataset: str) -> list[tuple[str, ...]]:
    """The groups of a dataset's byte-identical clips, each with its clips.

    As its runs name them. Runs of an earlier version only counted: then as the packaged manifest has them, whose clips
    those are, if there are as many; else none.
    """
    results = [result for result in collection.results if result.run.dataset == dataset]
    records = [record for result in results if (record := result.metrics.clips.identical)]
    groups = next((record.names for record in records if record.names), ())
    if not groups:
        clips: dict[str, list[str]] = {}
        for path, sha256 in manifest_clips(collection.params.datasets[dataset].adapter).items():
            clips.setdefault(sha256, []).append(path)
        groups = tuple(sorted(tuple(group) for group in clips.values() if len(group) > 1))
        size = len(groups), sum(map(len, groups))
        groups = groups if any(size == (record.groups, record.clips) for record in records) else ()
    return list(groups)


def section(collection: Collection) -> Iterator[str]:
    """Each dataset's byte-identical clips in Markdown, a group a line, folded away."""
    for dataset in collection.params.datasets:
        if groups := named(collection, dataset):
            lines = "\n".join(f"- {markdown_escape(', '.join(group))}" for group in groups)
            title = f"{len(groups)} groups of byte-identical clips in {escape(collection.title(dataset))}"
            yield f"<details>\n<summary>{title}</summary>\n\n{lines}\n\n</details>"
