"""What captions may say of a study: all of it read from its runs, but for titles and the study's note."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from soundclr.params.entries import entry_of
from soundclr.report import identical
from soundclr.report.artefact import EVALUATED, OWN, Artefact
from soundclr.report.catalogue import heading, titles
from soundclr.report.claims import frame as claim_texts
from soundclr.report.claims.of_study import claims_of
from soundclr.report.collect import Collection
from soundclr.report.markup import rst_escape
from soundclr.report.run_results import RunResult
from soundclr.report.table import Table, sentences
from soundclr.run import unlearnt
from soundclr.run.optional import optional_weights
from soundclr.training.schedule import SCHEDULES
from soundclr.training.solvers import takes_steps

SENTENCES = re.compile(r"(?<=\.)(?<!al\.) (?=[A-Z0-9])")
"""What is between two sentences; "et al." ends none."""


@dataclass(frozen=True)
class Shown:
    """An artefact of a study: its caption with its coverage, and the runs that it shows.

    ``table`` is a table's. ``path`` is a figure's PNG, of ``dataset``, and ``there`` whether there was a run to draw.
    """

    artefact: Artefact
    caption: str
    results: Sequence[RunResult]
    table: Table | None = None
    path: Path = Path()
    dataset: str = ""
    there: bool = True

    @property
    def stem(self) -> str:
        """The name of its files."""
        return self.artefact.name if self.table else self.path.stem


def study_facts(collection: Collection) -> list[str]:
    """What a study's page says of all of it: how many runs, on which data, from which weights, at which budget, where.

    Of the study's own runs where there are some; the captions of tables and figures say what is different in theirs.
    """
    facts = (
        coverage(collection),
        *registration(collection),
        *weights_not_here(collection),
        *context(collection, collection.own or collection.results),
        settings_that_differ(collection),
        *protocol_notes(collection.results),
        code_versions(collection.results),
    )
    return [sentences(fact) for fact in facts if fact]


def alone(collection: Collection, shown: Shown) -> tuple[str, str]:
    """The caption of what stands alone, its first sentence and the study; and notes: the rest, and of its runs."""
    first, *rest = SENTENCES.split(shown.caption, maxsplit=1)
    caption = sentences(first, study_sentence(collection))
    return caption, sentences(*rest, *context(collection, shown.results), *protocol_notes(shown.results))


def on_page(collection: Collection, shown: Shown) -> tuple[str, str]:
    """The caption of what stands on the study's page, its first sentence; and notes: the rest, and in what its runs
    differ from those that the page begins with.
    """
    first, *rest = SENTENCES.split(shown.caption, maxsplit=1)
    return sentences(first), sentences(*rest, *context(collection, shown.results, besides=collection.own))


def captions(collection: Collection, parts: Sequence[Shown]) -> dict[str, str]:
    """A caption in reStructuredText for each table, figure and the provenance, by its file's name without suffix."""
    every = "Every run: its accuracies, and what it says of its making"
    texts = {"provenance": sentences(every, study_sentence(collection), coverage(collection))}
    for shown in parts:
        texts[shown.stem] = sentences(shown.artefact.title if shown.table else "", *alone(collection, shown))
    return {name: rst_escape(text) + "\n" for name, text in texts.items()}


def front(collection: Collection, parts: Sequence[Shown]) -> str:
    """The HTML report's first page, in reStructuredText: the study, its main claims, and where to begin.

    It is short, since the report centres it: a page that is higher than the window loses its beginning.
    """
    headings = list(dict.fromkeys(heading(shown.artefact) for shown in parts))
    first = next((shown.artefact for shown in parts if shown.table), None)
    begin = f"Begin with {first.title}, under {heading(first)}. " if first else ""
    shown_data = data(collection, collection.own or collection.results)
    facts = (
        f"{begin}On the left: {', '.join([*headings, 'Provenance'])}",
        coverage(collection),
        *weights_not_here(collection),
        *([f"Data: {shown_data}"] if shown_data else []),
        "Budget, settings, device, precision and code stand below each table, and in the study's README.md",
    )
    paragraphs = [rst_escape(sentences(fact)) for fact in facts]
    if claims := headlines(collection, parts):
        lead = "What it says of the paper's claims, in percentage points where there is no unit"
        paragraphs = [rst_escape(f"{lead}:"), "\n".join(f"- {rst_escape(claim)}" for claim in claims), *paragraphs]
    return "\n\n".join([rst_escape(sentences(study_sentence(collection))), *paragraphs]) + "\n"


def headlines(collection: Collection, parts: Sequence[Shown]) -> list[str]:
    """The study's main claims with the paper's number, ours and the verdict; without a main one all of them."""
    paper, _ = claims_of(collection.params, collection.study)
    tables = (shown.table for shown in parts if shown.table and shown.artefact.name == "claims")
    found = [row["finding"] for table in tables for row in table.records]
    claims = [one for one in found if not (one.claim.asked or one.claim.detail)]
    main = [one for one in claims if one.claim.id in paper.headlines] or claims
    return [
        f"{collection.title(one.dataset)}, {claim_texts.title(collection, one)}. Paper: {claim_texts.theirs(one)}. "
        f"Here: {claim_texts.ours(one)}, {sentences(claim_texts.verdict(one))}"
        for one in main
    ]


def study_sentence(collection: Collection) -> str:
    """The study's name, title and note."""
    study = collection.params.studies[collection.study]
    return f"Study {collection.study}: {study.title} ({study.note})"


def context(collection: Collection, results: Sequence[RunResult], besides: Sequence[RunResult] = ()) -> Iterator[str]:
    """Of the runs shown: data, start, budget, devices and code, only where ``besides`` has not all of it."""

    def is_new(say: Callable[[RunResult], Any]) -> bool:
        return not set(map(say, results)) <= set(map(say, besides))

    if is_new(lambda result: (result.run.dataset, result.metrics.clips.train)):
        yield f"Data: {data(collection, results)}"
    for title, describe in (("Encoder and start", start), ("Budget", budget)):
        if is_new(partial(describe, collection)):
            yield f"{title}: {grouped(collection, results, describe)}"
    facts: dict[str, Callable[[RunResult], str]] = {
        "device": lambda result: result.metrics.device,
        "precision": lambda result: result.metrics.precision,
        "code": commit,
    }
    made = "; ".join(f"{title}: {counted(list(map(say, results)))}" for title, say in facts.items() if is_new(say))
    yield made[:1].upper() + made[1:]


def settings_that_differ(collection: Collection) -> str:
    """What the study sets otherwise than params.yaml's defaults."""
    settings = collection.params.studies[collection.study].settings
    changed = differences(settings, collection.params.defaults)
    return f"Settings that differ from the defaults (which are in parentheses): {', '.join(changed)}" if changed else ""


def differences(settings: Mapping[str, Any], defaults: Mapping[str, Any], place: str = "") -> list[str]:
    """What a study sets otherwise than the defaults, such as ``training.epochs 20 (800)``."""
    found = []
    for key, value in settings.items():
        default = defaults[key]
        if isinstance(value, Mapping):
            found += differences(value, default, f"{place}{key}.")
        elif value != default:
            found.append(f"{place}{key} {plain(value)} ({plain(default)})")
    return found


def plain(value: Any) -> str:
    """A setting's value without YAML's marks."""
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def protocol_notes(results: Sequence[RunResult]) -> Iterator[str]:
    """What a reader must know of the two epochs; only what applies to these runs."""
    without = sum(result.metrics.accuracy.last_epoch is None for result in results)
    if len(results) > without:
        yield (
            "Best epoch is the papers' protocol, which chooses the epoch on the held-out fold itself; last epoch makes "
            "no such choice"
        )
    if without:
        yield f"Without a classifier, and so without an accuracy: {without} of {len(results)} runs"
    if stopped := sum(result.metrics.stopped_early for result in results):
        yield f"Stopped early by the held-out fold, so the last epoch depends on it: {stopped} of {len(results)} runs"


def weights_not_here(collection: Collection) -> Iterator[str]:
    """Of each optional weights how many runs are missing that start from them, or from a run that does."""
    missing = {run for chosen in collection.expected.values() for run in chosen} - collection.found.keys()
    places = Counter((run.dataset, run.recipe) for run in missing)
    lacking: Counter[str] = Counter()
    for (dataset, recipe), count in places.items():
        if weights := optional_weights(collection.params, collection.study, dataset, recipe):
            lacking[weights[0]] += count
    for name, count in sorted(lacking.items()):
        yield f"Weights not here, which the study does without: {name}, for {count} of its runs"


def registration(collection: Collection) -> Iterator[str]:
    """Which commit fixed a registered study, when, when its first run ended, and what changed in between."""
    registered = collection.params.studies[collection.study].registered
    if registered is None:
        return
    created = min((result.metrics.created for result in collection.results), default=None)
    first = f"the first run ended at {created}" if created else "no run has ended yet"
    changes = "; ".join(registered.changes) or "nothing"
    yield (
        f"Registered in {registered.file} by commit {registered.commit[:7]} at {registered.time}; {first}. "
        f"Changed since: {changes}. Its claims are judged by the analysis that is registered there, once a line of "
        "runs is whole"
    )


def coverage(collection: Collection) -> str:
    """How many runs are there in all and of each choice, and how many more are, of other settings."""
    names = {key: titles(collection.params, collection.study, key) for key in collection.expected}
    names |= {OWN: "its own", EVALUATED: "to be evaluated"}
    counts = {key: (len(collection.of(choice=key)), len(runs)) for key, runs in collection.expected.items()}
    parts = [f"{names[key]} {done} of {asked}" for key, (done, asked) in counts.items()]
    text = collection.coverage + (f" (a run may serve several: {'; '.join(parts)})" if len(parts) > 1 else "")
    runs, evaluations = len(collection.set_aside), len(collection.evaluations_set_aside)
    text += f"; {runs} of other settings set aside" if runs else ""
    return text + (f"; {evaluations} evaluations of other settings or runs set aside" if evaluations else "")


def data(collection: Collection, results: Sequence[RunResult]) -> str:
    """Each dataset with runs: its folds that were held out, and its clips a fold."""
    parts = []
    for dataset in dict.fromkeys(result.run.dataset for result in results):
        found = [result for result in results if result.run.dataset == dataset]
        folds = sorted({result.run.fold for result in found})
        of = collection.params.datasets[dataset].folds
        some = f"fold{'s' if len(folds) > 1 else ''} {', '.join(map(str, folds))} of {of}"
        held_out = f"{of} folds" if len(folds) == of else some
        train, test = ([getattr(one.metrics.clips, part) for one in found] for part in ("train", "test"))
        clips = f"{spanned(train)} training and {spanned(test)} held-out clips a fold"
        without = collection.params.datasets[dataset].without
        more = [f"without {', '.join(without)}"] if without else []
        said = [
            f"{len(found[0].metrics.classes)} classes",
            held_out,
            clips,
            *more,
            *identical.said(found),
            *unlearnt_classes(found, of),
        ]
        parts.append(f"{collection.title(dataset)}, {', '.join(said)}")
    return "; ".join(parts)


def unlearnt_classes(found: Sequence[RunResult], folds: int) -> Iterator[str]:
    """Which classes a fold left nothing to learn of, as far as all folds' runs are there to tell."""
    clips = {(result.metrics.classes[int(label)], result.run.fold) for result in found for label in result.held_out}
    if {fold for _, fold in clips} == set(range(1, folds + 1)):
        yield from unlearnt.lines(clips, range(1, folds + 1), folds)


def start(collection: Collection, result: RunResult) -> str:
    """A run's encoder and what it starts from, with the first digits of that file's hash."""
    used, encoder = result.metrics.start, result.settings.encoder.name
    if used.name == "none":
        return f"{encoder}, random"
    weights = collection.params.weights.get(used.name)
    other = f"the encoder of {collection.scheme(result.settings.start.run)}" if result.settings.start.run else used.name
    return f"{encoder}, {weights.title if weights else other}" + (
        f", SHA-256 {(used.sha256 or '')[:8]}" if weights else ""
    )


def budget(collection: Collection, result: RunResult) -> str:
    """A run's limit of epochs a stage, its batch, and how far each stage's learning rate falls within its epochs."""
    stages = [stage.training for stage in result.settings.stages]
    batches = sorted({stage.batch_size for stage in stages})
    epochs = " + ".join(str(stage.epochs) for stage in stages)
    schedules = (entry_of(SCHEDULES, stage.schedule, "schedule", stage.name) for stage in result.settings.stages)
    rates = " + ".join(share(s.factor(t.epochs - 1, t.epochs)) for s, t in zip(schedules, stages, strict=True))
    if not takes_steps(result.settings):
        return "a linear classifier found at once, on the encoder as it is"
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


def code_versions(results: Sequence[RunResult]) -> str:
    """Which versions of the code that decides numbers trained how many of the runs, where it is not one for all."""
    used = [result.metrics.code for result in results]
    if len(set(used)) < 2 and all(len(versions) == 1 for versions in used):
        return ""
    said = [f"{' resumed by '.join(result.metrics.code)}, {commit(result)}" for result in results]
    what = "the same version of the code that decides numbers (its hash, commit)"
    return f"Not all runs were trained by {what}: {counted(said)}"


def grouped(
    collection: Collection, results: Sequence[RunResult], describe: Callable[[Collection, RunResult], str]
) -> str:
    """A description of the runs: once if they agree, else each with the recipes and datasets it holds for."""
    several = len({result.run.dataset for result in results}) > 1
    said: dict[str, dict[str, None]] = defaultdict(dict)
    for result in results:
        place = collection.scheme(result.run.recipe) + (
            f" on {collection.title(result.run.dataset)}" if several else ""
        )
        said[describe(collection, result)][place] = None
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{text} ({', '.join(places)})" for text, places in said.items())


def counted(values: Sequence[str]) -> str:
    """Distinct values, the most frequent first; with how many runs each has, where there are several."""
    counts = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    if len(counts) == 1:
        return counts[0][0]
    return "; ".join(f"{value} ({count} run{'s' * (count > 1)})" for value, count in counts)


def spanned(values: Sequence[int]) -> str:
    """One number, or the least and the greatest."""
    least, most = min(values), max(values)
    return str(least) if least == most else f"{least}–{most}"
