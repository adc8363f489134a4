"""What captions may say of a study: all of it read from its runs, but for titles and the study's note."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soundclr.params import Artefact
from soundclr.report.accuracy import covered
from soundclr.report.collect import Collection, RunResult
from soundclr.report.layout import FIGURES, figures_of
from soundclr.report.tables.render import Table, rst_escape
from soundclr.training.schedule import final_rate


@dataclass(frozen=True)
class Drawn:
    """A figure's PNG, its caption with its coverage, the runs that it shows, and whether there is one to show yet."""

    dataset: str
    path: Path
    caption: str
    results: Sequence[RunResult]
    there: bool


NAMES: dict[Artefact | None, str] = {
    None: "Table III",
    "table1": "Table I",
    "table2": "Table II",
    "figure3": "Figure 3",
    "figure5": "Figure 5",
    "protocols": "inner-fold protocol",
}
"""What captions call the choices of runs."""


def study_caption(collection: Collection) -> str:
    """The page's first lines: what is studied, on which data, from which weights, with which budget, where.

    Of Table III's runs where there are some; the captions of other tables and figures say what is different in theirs.
    """
    results = collection.own or collection.results
    sentences = [
        study_sentence(collection),
        *context(collection, results),
        *settings_that_differ(collection),
        coverage(collection),
        *protocol_notes(collection.results),
        *code_versions(collection.results),
    ]
    return joined(sentences)


def table_caption(collection: Collection, table: Table) -> str:
    """A table's own caption and, since it stands alone, what the page says of the runs that it shows."""
    sentences = [
        table.caption,
        study_sentence(collection),
        *context(collection, table.results),
        *settings_that_differ(collection),
        *protocol_notes(table.results),
    ]
    return joined(sentences)


def on_page(collection: Collection, text: str, results: Sequence[RunResult]) -> str:
    """A caption on the study's page: its own text, and in what its runs differ from those that the page begins with."""
    return joined([text, *context(collection, results, besides=collection.own)])


def captions(collection: Collection, tables: Sequence[Table], figures: Sequence[Drawn]) -> dict[str, str]:
    """A caption in reStructuredText for each table, figure and the provenance, by its file's name without suffix."""
    study = study_sentence(collection)
    said = {table.name: (f"{table.title}. {table.caption}", table.results) for table in tables}
    said |= {figure.path.stem: (figure.caption, figure.results) for figure in figures}
    texts = {name: joined([text, study, *context(collection, results)]) for name, (text, results) in said.items()}
    every = "Every run: its accuracies, and what it says of its making"
    texts["provenance"] = joined([every, study, coverage(collection)])
    return {name: rst_escape(text) + "\n" for name, text in texts.items()}


def describe_figures(collection: Collection, drawn: Sequence[tuple[str, Path]], folder: Path) -> list[Drawn]:
    """All figures of a study, in ``folder``; one that is not among ``drawn`` (caption, path) has no runs yet."""
    params, study = collection.params, collection.study
    texts = {path.stem: text for text, path in drawn}
    figures = []
    for dataset, name in ((d, name) for d in params.studies[study].datasets for name in figures_of(params, study, d)):
        artefact = FIGURES[name].artefact
        expected = collection.expected_of(dataset, artefact=artefact)
        evaluated = artefact == "figure5"
        done = [run for run in expected if run in (collection.evaluations if evaluated else collection.found)]
        stem = f"{name}-{dataset}"
        text = texts.get(stem, f"{params.datasets[dataset].title}: no runs yet")
        counts = covered(len(done), len(expected)) + (" evaluated" if evaluated else "")
        path = folder / f"{stem}.png"
        figures.append(Drawn(dataset, path, joined([text, counts]), collection.done(done), stem in texts))
    return figures


def joined(sentences: Iterable[str]) -> str:
    """Sentences, each with one full stop."""
    return " ".join(sentence.rstrip(".") + "." for sentence in sentences)


def study_sentence(collection: Collection) -> str:
    """The study's name, title and note."""
    study = collection.params.studies[collection.study]
    return f"Study {collection.study}: {study.title} ({study.note})"


def context(collection: Collection, results: Sequence[RunResult], besides: Sequence[RunResult] = ()) -> list[str]:
    """Of the runs shown: data, weights, budget, devices and code, only where ``besides`` has not all of it."""
    if not results:
        return []
    sentences = []
    if not besides or not {about_data(result) for result in results} <= {about_data(result) for result in besides}:
        sentences.append(f"Data: {data(collection, results)}")
    for title, describe in (("Encoder and initial weights", weights), ("Budget", budget)):
        if not {describe(collection, r) for r in results} <= {describe(collection, r) for r in besides}:
            sentences.append(f"{title}: {grouped(collection, results, describe)}")
    made = []
    for title, say in (("device", device), ("precision", precision), ("code", commit)):
        if not set(map(say, results)) <= set(map(say, besides)):
            made.append(f"{title}: {counted(list(map(say, results)))}")
    if made:
        text = "; ".join(made)
        sentences.append(text[0].upper() + text[1:])
    return sentences


def about_data(result: RunResult) -> tuple[str, int]:
    """What of a run decides how its data are described: the dataset and how many clips it learned from."""
    return result.run.dataset, result.metrics.clips.train


def device(result: RunResult) -> str:
    """What a run was trained on."""
    return result.metrics.device


def precision(result: RunResult) -> str:
    """The numbers that a run computed with."""
    return result.metrics.precision


def settings_that_differ(collection: Collection) -> list[str]:
    """What the study sets otherwise than the paper."""
    settings = collection.params.studies[collection.study].settings
    changed = differences(settings, collection.params.defaults)
    return [f"Settings that differ from the paper's (its in parentheses): {', '.join(changed)}"] if changed else []


def differences(settings: Mapping[str, Any], defaults: Mapping[str, Any], place: str = "") -> list[str]:
    """What a study sets otherwise than the defaults, such as ``logmel.hop 1024 (512)``."""
    found = []
    for key, value in settings.items():
        default = defaults[key]
        if isinstance(value, Mapping):
            found += differences(value, default, f"{place}{key}.")
        elif value != default:
            found.append(f"{place}{key} {value} ({default})")
    return found


def protocol_notes(results: Sequence[RunResult]) -> list[str]:
    """What a reader must know of the two epochs; only what applies to these runs."""
    sentences = []
    if results:
        sentences.append(
            "Best epoch is the paper's protocol, which chooses the epoch on the held-out fold itself; "
            "last epoch makes no such choice"
        )
    if stopped := sum(result.metrics.stopped_early for result in results):
        sentences.append(f"{stopped} runs were stopped early by their held-out fold, so their last epoch depends on it")
    return sentences


def coverage(collection: Collection) -> str:
    """How many runs are there in all and of each artefact, and how many more are, of other settings."""
    parts = []
    if collection.artefacts:
        own = (None, *collection.artefacts)
        parts = [
            f"{NAMES[name]} {len(collection.done(collection.expected[name]))} of {len(collection.expected[name])}"
            for name in own
        ]
    text = collection.coverage + (f" (a run may serve several: {', '.join(parts)})" if parts else "")
    aside = len(collection.set_aside)
    return text + (f"; {aside} of other settings set aside" if aside else "")


def data(collection: Collection, results: Sequence[RunResult]) -> str:
    """Each dataset with runs: its folds that were held out, and its clips a fold."""
    parts = []
    for dataset in collection.params.studies[collection.study].datasets:
        if found := [result for result in results if result.run.dataset == dataset]:
            folds = sorted({result.run.fold for result in found})
            of = collection.params.datasets[dataset].folds
            held_out = f"{of} folds" if len(folds) == of else f"folds {', '.join(map(str, folds))} of {of}"
            clips = " and ".join(
                f"{spanned([getattr(result.metrics.clips, part) for result in found])} {what}"
                for part, what in (("train", "training"), ("test", "held-out clips"))
            )
            title = collection.params.datasets[dataset].title
            parts.append(f"{title}, {len(found[0].metrics.classes)} classes, {held_out}, {clips} a fold")
    return "; ".join(parts)


def weights(collection: Collection, result: RunResult) -> str:
    """A run's encoder and initial weights, with the first digits of their file's hash."""
    used = result.metrics.weights
    encoder = result.settings.encoder.name
    if used.name == "none":
        return f"{encoder}, random"
    return f"{encoder}, {collection.params.weights[used.name].title}, SHA-256 {(used.sha256 or '')[:8]}"


def budget(collection: Collection, result: RunResult) -> str:
    """A run's limit of epochs a stage, its batch, and how far each stage's learning rate falls within its epochs."""
    stages = [stage.training for stage in result.settings.stages]
    batches = sorted({stage.batch_size for stage in stages})
    epochs = " + ".join(str(stage.epochs) for stage in stages)
    rates = " + ".join(share(final_rate(stage)) for stage in stages)
    fall = f"learning rate by the last epoch at {rates} of its peak"
    return f"at most {epochs} epochs, batch {' and '.join(map(str, batches))}, {fall}"


def share(part: float) -> str:
    """A fraction in percent, with no more digits than it needs."""
    return f"{100 * part:.0f} %" if part >= 0.01 else "less than 1 %"


def commit(result: RunResult) -> str:
    """The commit that a run was trained from, and whether files had been changed since."""
    if result.metrics.git_commit is None:
        return "commit not recorded"
    return result.metrics.git_commit[:10] + (" with uncommitted changes" if result.metrics.git_dirty else "")


def code_versions(results: Sequence[RunResult]) -> list[str]:
    """Which versions of the code that decides numbers trained how many of the runs, where it is not one for all."""
    used = [result.metrics.code for result in results]
    if len(set(used)) < 2 and all(len(versions) == 1 for versions in used):
        return []
    said = [f"{' resumed by '.join(result.metrics.code)}, {commit(result)}" for result in results]
    what = "the same version of the code that decides numbers (its hash, commit)"
    return [f"Not all runs were trained by {what}: {counted(said)}"]


def grouped(
    collection: Collection, results: Sequence[RunResult], describe: Callable[[Collection, RunResult], str]
) -> str:
    """A description of the runs: once if they agree, else each with the recipes and datasets it holds for."""
    said = defaultdict(list)
    for result in results:
        said[describe(collection, result)].append(result.run)
    if len(said) == 1:
        return next(iter(said))
    several = len({result.run.dataset for result in results}) > 1
    parts = []
    for text, runs in said.items():
        places = {
            collection.params.recipes[run.recipe].title
            + (f" on {collection.params.datasets[run.dataset].title}" if several else ""): None
            for run in runs
        }
        parts.append(f"{text} ({', '.join(places)})")
    return "; ".join(parts)


def counted(values: Sequence[str]) -> str:
    """Distinct values, the most frequent first; with how many runs each has, where there are several."""
    counts = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    if len(counts) == 1:
        return counts[0][0]
    return "; ".join(f"{value} ({count} runs)" for value, count in counts)


def spanned(values: Sequence[int]) -> str:
    """One number, or the least and the greatest."""
    least, most = min(values), max(values)
    return str(least) if least == most else f"{least}–{most}"
