"""Captions and facts of a study: read from its runs, apart from titles and the study's note."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from soundclr.params.entries import entry_of
from soundclr.report import identical
from soundclr.report.artefact import BASELINES, EVALUATED, OWN, Artefact
from soundclr.report.catalogue import heading, titles
from soundclr.report.claims import table as claim_texts
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
"""The space between two sentences; "et al." ends none."""


@dataclass(frozen=True)
class Part:
    """A table or figure of a report: its caption with its coverage, and the runs that it shows.

    A table has ``table``. A figure has the ``path`` of its PNG and its ``dataset``. ``there``: it has anything to show.
    """

    artefact: Artefact
    caption: str
    results: Sequence[RunResult]
    there: bool
    table: Table | None = None
    path: Path = Path()
    dataset: str = ""

    @property
    def stem(self) -> str:
        """The name of its files, without suffix."""
        return self.artefact.name if self.table else self.path.stem


def study_state(collection: Collection) -> list[str]:
    """How much of a study is there, when it was registered, and what it lacks."""
    return [sentences(one) for one in (coverage(collection), *registration(collection), *weights_not_here(collection))]


def study_facts(collection: Collection) -> list[str]:
    """The facts of a study's page: data, weights, budget, devices and code.

    They are about the study's own runs where there are some; captions add what differs in their runs.
    """
    facts = (
        *context(collection, collection.finished() or collection.results),
        settings_that_differ(collection),
        *protocol_notes(collection.results),
        code_versions(collection.results),
    )
    return [sentences(fact) for fact in facts if fact]


def alone(collection: Collection, part: Part) -> tuple[str, str]:
    """Caption and notes of a part outside the study's page, with the study and facts about its runs."""
    first, *rest = SENTENCES.split(part.caption, maxsplit=1)
    caption = sentences(first, study_sentence(collection))
    return caption, sentences(*rest, *context(collection, part.results), *protocol_notes(part.results))


def on_page(collection: Collection, part: Part) -> tuple[str, str]:
    """Caption and notes of a part on the study's page, with the facts that differ from those of the page."""
    first, *rest = SENTENCES.split(part.caption, maxsplit=1)
    return sentences(first), sentences(*rest, *context(collection, part.results, besides=collection.finished()))


def captions(collection: Collection, parts: Sequence[Part]) -> dict[str, str]:
    """A caption in reStructuredText for each table, figure and the provenance, by its file's name without suffix."""
    every = "Every run: its accuracies, and how it was made"
    texts = {"provenance": sentences(every, study_sentence(collection), coverage(collection))}
    for part in parts:
        texts[part.stem] = sentences(part.artefact.title if part.table else "", *alone(collection, part))
    return {name: rst_escape(text) + "\n" for name, text in texts.items()}


def front(collection: Collection, parts: Sequence[Part]) -> str:
    """The HTML report's first page, in reStructuredText: the study, its main claims, and where to begin."""
    headings = list(dict.fromkeys(heading(part.artefact) for part in parts))
    first = next((part.artefact for part in parts if part.table), None)
    begin = f"Begin with {first.title}, under {heading(first)}. " if first else ""
    shown_data = data(collection, collection.finished() or collection.results)
    facts = (
        f"{begin}On the left: {', '.join([*headings, 'Provenance'])}",
        coverage(collection),
        *weights_not_here(collection),
        *([f"Data: {shown_data}"] if shown_data else []),
        "Budget, settings, device, precision and code are below each table and in the study's README.md",
    )
    paragraphs = [rst_escape(sentences(fact)) for fact in facts]
    if claims := headlines(collection, parts):
        lead = "The paper's main claims, in percentage points where there is no unit"
        paragraphs = [rst_escape(f"{lead}:"), "\n".join(f"- {rst_escape(claim)}" for claim in claims), *paragraphs]
    return "\n\n".join([rst_escape(sentences(study_sentence(collection))), *paragraphs]) + "\n"


def headlines(collection: Collection, parts: Sequence[Part]) -> list[str]:
    """The study's main claims with the paper's number, ours and the verdict; all claims where none is a main one."""
    paper, _ = claims_of(collection.params, collection.study)
    tables = (part.table for part in parts if part.table and part.artefact.name == "claims")
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
    """Data, start, budget, devices and code of runs, without what the runs ``besides`` have as well."""

    def is_new(fact: Callable[[RunResult], Any]) -> bool:
        return not set(map(fact, results)) <= set(map(fact, besides))

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
    made = "; ".join(f"{title}: {counted(list(map(fact, results)))}" for title, fact in facts.items() if is_new(fact))
    yield made[:1].upper() + made[1:]


def settings_that_differ(collection: Collection) -> str:
    """The study's settings that differ from params.yaml's defaults."""
    settings = collection.params.studies[collection.study].settings
    changed = differences(settings, collection.params.defaults)
    return f"Settings that differ from the defaults (which are in parentheses): {', '.join(changed)}" if changed else ""


def differences(settings: Mapping[str, Any], defaults: Mapping[str, Any], place: str = "") -> list[str]:
    """Settings that differ from the defaults, such as ``training.epochs 20 (800)``."""
    found = []
    for key, value in settings.items():
        default = defaults[key]
        if isinstance(value, Mapping):
            found += differences(value, default, f"{place}{key}.")
        elif value != default:
            found.append(f"{place}{key} {plain(value)} ({plain(default)})")
    return found


def plain(value: Any) -> str:
    """A setting's value without YAML's brackets and quotes."""
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def protocol_notes(results: Sequence[RunResult]) -> Iterator[str]:
    """Notes on the best and the last epoch, as far as they apply to these runs."""
    without = sum(result.metrics.accuracy.last_epoch is None for result in results)
    if len(results) > without:
        yield "Best epoch: chosen on the held-out fold itself, which flatters; the last epoch is not chosen"
    if without:
        yield f"{without} of {len(results)} runs have no classifier and so no accuracy"
    if stopped := sum(result.metrics.stopped_early for result in results):
        yield f"Stopped early by the held-out fold, so the last epoch depends on it: {stopped} of {len(results)} runs"


def weights_not_here(collection: Collection) -> Iterator[str]:
    """For each file of optional weights that is missing, how many runs it keeps from being trained."""
    missing = {run for chosen in collection.expected.values() for run in chosen} - collection.found.keys()
    places = Counter((run.dataset, run.recipe) for run in missing)
    lacking: Counter[str] = Counter()
    for (dataset, recipe), count in places.items():
        if weights := optional_weights(collection.params, collection.study, dataset, recipe):
            lacking[weights[0]] += count
    for name, count in sorted(lacking.items()):
        yield f"Optional weights that are missing: {name}; {count} runs are skipped"


def registration(collection: Collection) -> Iterator[str]:
    """For a registered study: the commit that fixed it, when its first run ended, and what changed in between.

    Baselines are not registered.
    """
    registered = collection.params.studies[collection.study].registered
    if registered is None:
        return
    baselines = set(collection.expected_of(choice=BASELINES))
    created = min((one.metrics.created for one in collection.results if one.run not in baselines), default=None)
    first = f"the first run ended at {created}" if created else "no run has ended yet"
    changes = "; ".join(registered.changes) or "nothing"
    yield (
        f"Registered in {registered.file} by commit {registered.commit[:7]} at {registered.time}; {first}. "
        f"Changed since: {changes}. The analysis that is registered there judges each claim once all of the "
        "claim's runs are there"
    )


def coverage(collection: Collection) -> str:
    """How many runs are there in all and for each choice, and how many of other settings were set aside."""
    names = {key: titles(collection.params, collection.study, key) for key in collection.expected}
    names |= {OWN: "its own", EVALUATED: "to be evaluated"}
    counts = {key: (len(collection.finished(choice=key)), len(runs)) for key, runs in collection.expected.items()}
    parts = [f"{names[key]} {done} of {asked}" for key, (done, asked) in counts.items()]
    text = collection.coverage + (f" (a run can count more than once: {'; '.join(parts)})" if len(parts) > 1 else "")
    runs, evaluations = len(collection.set_aside), len(collection.evaluations_set_aside)
    text += f"; {runs} of other settings set aside" if runs else ""
    return text + (f"; {evaluations} evaluations of other settings or runs set aside" if evaluations else "")


def data(collection: Collection, results: Sequence[RunResult]) -> str:
    """Each dataset with runs: its classes, the folds held out, and the clips in a fold."""
    parts = []
    for dataset in dict.fromkeys(result.run.dataset for result in results):
        found = [result for result in results if result.run.dataset == dataset]
        folds = sorted({result.run.fold for result in found})
        every = collection.params.datasets[dataset].folds
        some = f"fold{'s' if len(folds) > 1 else ''} {', '.join(map(str, folds))} of {every}"
        held_out = f"{every} folds" if len(folds) == every else some
        train, test = ([getattr(one.metrics.clips, part) for one in found] for part in ("train", "test"))
        clips = f"{spanned(train)} training and {spanned(test)} held-out clips a fold"
        without = collection.params.datasets[dataset].without
        facts = [collection.title(dataset), f"{len(found[0].metrics.classes)} classes", held_out, clips]
        facts += [f"without {', '.join(without)}"] if without else []
        facts += [*identical.counts_text(found), *unlearnt_classes(found, every)]
        parts.append(", ".join(facts))
    return "; ".join(parts)


def unlearnt_classes(found: Sequence[RunResult], folds: int) -> Iterator[str]:
    """The classes without training clips in some fold; nothing unless runs of all folds are there."""
    held_out = [(one, int(label)) for one in found for label in one.predictions["label"].unique()]
    clips = {(one.metrics.classes[label], one.run.fold) for one, label in held_out}
    if {fold for _, fold in clips} == set(range(1, folds + 1)):
        yield from unlearnt.lines(clips, range(1, folds + 1), folds)


def start(collection: Collection, result: RunResult) -> str:
    """A run's encoder and its start, with the first digits of the file's hash."""
    used, encoder = result.metrics.start, result.settings.encoder.name
    if used.name == "none":
        return f"{encoder}, random"
    if weights := collection.params.weights.get(used.name):
        return f"{encoder}, {weights.title}, SHA-256 {(used.sha256 or '')[:8]}"
    other = result.settings.start.run
    return f"{encoder}, {f'the encoder of {collection.scheme(other)}' if other else used.name}"


def budget(collection: Collection, result: RunResult) -> str:
    """A run's epochs and batch size a stage, and how far each stage's learning rate falls."""
    stages = [stage.training for stage in result.settings.stages]
    batches = sorted({stage.batch_size for stage in stages})
    epochs = " + ".join(str(stage.epochs) for stage in stages)
    schedules = (entry_of(SCHEDULES, stage.schedule, "schedule", stage.name) for stage in result.settings.stages)
    rates = " + ".join(share(s.factor(t.epochs - 1, t.epochs)) for s, t in zip(schedules, stages, strict=True))
    if not takes_steps(result.settings):
        return "a logistic regression on the frozen encoder"
    fall = f"learning rate at the last epoch {rates} of its peak"
    return f"at most {epochs} epochs, batch {' and '.join(map(str, batches))}, {fall}"


def share(part: float) -> str:
    """A fraction in percent, with no more digits than it needs."""
    return f"{100 * part:.0f} %" if part >= 0.01 else "less than 1 %"


def commit(result: RunResult) -> str:
    """The commit that a run was trained from, and whether there were uncommitted changes."""
    if result.metrics.git_commit is None:
        return "commit not recorded"
    return result.metrics.git_commit[:10] + (" with uncommitted changes" if result.metrics.git_dirty else "")


def code_versions(results: Sequence[RunResult]) -> str:
    """How many runs each version of the numeric code trained; empty where one version trained all."""
    used = [result.metrics.code for result in results]
    if len(set(used)) < 2 and all(len(versions) == 1 for versions in used):
        return ""
    versions = [f"{' resumed by '.join(result.metrics.code)}, {commit(result)}" for result in results]
    return f"Runs by version of the code that decides numbers (its hash, commit): {counted(versions)}"


def grouped(
    collection: Collection, results: Sequence[RunResult], describe: Callable[[Collection, RunResult], str]
) -> str:
    """A description of the runs: once where they agree, else each with its recipes and datasets."""
    several = len({result.run.dataset for result in results}) > 1
    groups: dict[str, dict[str, None]] = defaultdict(dict)
    for result in results:
        where = f" on {collection.title(result.run.dataset)}" if several else ""
        groups[describe(collection, result)][f"{collection.scheme(result.run.recipe)}{where}"] = None
    if len(groups) == 1:
        return next(iter(groups))
    return "; ".join(f"{text} ({', '.join(places)})" for text, places in groups.items())


def counted(values: Sequence[str]) -> str:
    """The distinct values, the most frequent first, with the number of runs of each where there are several."""
    counts = Counter(sorted(values)).most_common()  # of equally frequent ones the first by the alphabet is first
    if len(counts) == 1:
        return counts[0][0]
    return "; ".join(f"{value} ({count} run{'s' * (count > 1)})" for value, count in counts)


def spanned(values: Sequence[int]) -> str:
    """The smallest and the largest number, as in ``80–82``; one number where they are equal."""
    least, most = min(values), max(values)
    return str(least) if least == most else f"{least}–{most}"
