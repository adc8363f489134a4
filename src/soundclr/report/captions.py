"""What captions may say of a study: all of it read from its runs, but for titles and the study's note."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from soundclr.report.collect import Collection, RunResult
from soundclr.report.tables import PARTIAL, Row, has_paper


def caption(collection: Collection, rows: Sequence[Row]) -> str:
    """The table's caption: what was measured, on which data, from which weights, with which budget, where."""
    study = collection.params.studies[collection.study]
    found = collection.own
    sentences = [f"Study {collection.study}: {study.title} ({study.note})"]
    over_seeds = ", then mean ± sample standard deviation over seeds" if any(row.seeds > 1 for row in rows) else ""
    sentences.append(f"Held-out accuracy in %, mean over folds{over_seeds}")
    if found:
        sentences += [
            f"Data: {data(collection)}",
            f"Encoder and initial weights: {grouped(collection, weights)}",
            f"Budget: {grouped(collection, budget)}",
            f"Device: {counted([r.metrics.device for r in found])}",
            f"Precision: {counted([r.metrics.precision for r in found])}",
            f"Code: {counted([commit(r) for r in found])}",
        ]
    if study.settings:
        changed = differences(study.settings, collection.params.defaults)
        sentences.append(f"Settings that differ from the paper's (its in parentheses): {', '.join(changed)}")
    sentences.append(coverage(collection))
    return " ".join(sentence.rstrip(".") + "." for sentence in [*sentences, *notes(collection, rows)])


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


def notes(collection: Collection, rows: Sequence[Row]) -> list[str]:
    """What a reader must know to read the numbers right; only what applies to these runs."""
    sentences = []
    if collection.own:
        sentences.append(
            "Best epoch is the paper's protocol, which chooses the epoch on the held-out fold itself; "
            "last epoch makes no such choice"
        )
    if stopped := sum(result.metrics.stopped_early for result in collection.own):
        sentences.append(f"{stopped} runs were stopped early by their held-out fold, so their last epoch depends on it")
    seeds = {row.seeds for row in rows if row.runs}
    if 1 in seeds:
        only = "One seed" if seeds == {1} else "Where only one seed has all its folds"
        sentences.append(f"{only}: no standard deviation")
    if any(row.partial for row in rows):
        sentences.append(f"{PARTIAL} No seed has all its folds: the mean of the runs there, not comparable to others")
    if has_paper(rows) and collection.own:
        sentences.append(
            "Paper: Table III of Nasiri and Hu (2021), five seeds; difference: our best epoch's mean minus "
            "the paper's, in percentage points"
        )
    return sentences


def coverage(collection: Collection) -> str:
    """How many runs are there, and how many more are, of settings that params.yaml does not ask for."""
    aside = len(collection.set_aside)
    own = f"{len(collection.own)} of {len(collection.expected[None])} runs"
    return own + (f"; {aside} of other settings set aside" if aside else "")


def data(collection: Collection) -> str:
    """Each dataset with runs: its folds that were held out, and its clips a fold."""
    parts = []
    for dataset in collection.params.studies[collection.study].datasets:
        if found := collection.of(dataset):
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
    """A run's limit of epochs a stage, and its batch."""
    stages = [stage.training for stage in result.settings.stages]
    batches = sorted({stage.batch_size for stage in stages})
    epochs = " + ".join(str(stage.epochs) for stage in stages)
    return f"at most {epochs} epochs, batch {' and '.join(map(str, batches))}"


def commit(result: RunResult) -> str:
    """The commit that a run was trained from, and whether files had been changed since."""
    if result.metrics.git_commit is None:
        return "commit not recorded"
    return result.metrics.git_commit[:10] + (" with uncommitted changes" if result.metrics.git_dirty else "")


def grouped(collection: Collection, describe: Callable[[Collection, RunResult], str]) -> str:
    """A description of the runs: once if they agree, else each with the recipes and datasets it holds for."""
    said = defaultdict(list)
    for result in collection.own:
        said[describe(collection, result)].append(result.run)
    if len(said) == 1:
        return next(iter(said))
    several = len({result.run.dataset for result in collection.own}) > 1
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
