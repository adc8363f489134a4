"""A study's page on the repository's host: its caption, table, figures, and where each run came from."""

from collections.abc import Sequence

from soundclr.report.captions import caption, commit
from soundclr.report.collect import Collection
from soundclr.report.tables import Row, markdown_escape, to_markdown


def table_page(collection: Collection, rows: Sequence[Row]) -> str:
    """table3.md: the caption and the table."""
    return f"**Table III.** {markdown_escape(caption(collection, rows))}\n\n{to_markdown(collection, rows)}"


def study_page(collection: Collection, rows: Sequence[Row], figures: Sequence[tuple[str, str]]) -> str:
    """README.md of a study; ``figures`` are (caption, path relative to the page)."""
    title = collection.params.studies[collection.study].title
    parts = [f"# {markdown_escape(title[:1].upper() + title[1:])}", table_page(collection, rows).rstrip("\n")]
    parts += [f"![{markdown_escape(text.split('. ')[0])}]({path})\n\n{markdown_escape(text)}" for text, path in figures]
    for dataset in collection.params.studies[collection.study].datasets:
        if not collection.of(dataset):
            name = markdown_escape(collection.params.datasets[dataset].title)
            parts.append(f"{name}: no runs yet, so there are no figures.")
    if collection.results or collection.set_aside:
        parts.append(provenance(collection))
    parts.append("Written by the report from params.yaml and the run folders: changes made here are lost.")
    return "\n\n".join(parts) + "\n"


def provenance(collection: Collection) -> str:
    """A table of all runs, folded away: what each says of its making."""
    header = "run,best epoch (%),last epoch (%),best at,epochs,device,precision,minutes,clips/s,code,torch,created"
    lines = [header.split(","), ["--"] * (header.count(",") + 1)]
    for result in collection.results:
        metrics = result.metrics
        lines.append(
            [
                f"{result.run.group}/{result.run.name}",
                f"{100 * metrics.accuracy.best_epoch:.2f}",
                f"{100 * metrics.accuracy.last_epoch:.2f}",
                str(metrics.best_epoch),
                f"{metrics.epochs}{' (stopped early)' if metrics.stopped_early else ''}",
                metrics.device,
                metrics.precision,
                f"{metrics.duration_seconds / 60:.1f}",
                f"{metrics.clips_per_second:.1f}",
                commit(result),
                metrics.versions.get("torch") or "–",
                metrics.created,
            ]
        )
    table = "\n".join(f"| {' | '.join(markdown_escape(cell) for cell in line)} |" for line in lines)
    set_aside = "".join(f"- {markdown_escape(path.as_posix())}\n" for path in collection.set_aside)
    if set_aside:
        set_aside = f"\n\nSet aside, since params.yaml does not ask for them:\n\n{set_aside.rstrip()}"
    return f"<details>\n<summary>Where each run came from</summary>\n\n{table}{set_aside}\n\n</details>"
