"""Plans a study's cost: its jobs, the hours on some devices, and the disk space."""

import csv
import heapq
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from soundclr.audio.representations import representation_of
from soundclr.errors import UserError
from soundclr.params import Params, RunSettings
from soundclr.planning.rates import Kind, Rate, Rates, kinds
from soundclr.report.catalogue import needs
from soundclr.run import optional, runs, unlearnt
from soundclr.run.runs import Run
from soundclr.training import budget


@dataclass(frozen=True)
class Share:
    """An artefact's trainings, and how many of them no earlier line counts."""

    title: str
    trainings: int
    new: int


@dataclass(frozen=True)
class Schedule:
    """Jobs on ``devices`` devices: hours until the last one ends, and how busy the devices are until then."""

    devices: int
    hours: float
    busy: float


def shares(params: Params, study: str) -> list[Share]:
    """How many trainings each choice of runs needs; equal ones are trained once and counted in the first line.

    Trainings that others start from have a line of their own.
    """
    wanted = needs(params, study)
    if starts := {start for run in runs.expand(params, study) if (start := runs.started_from(params, run))}:
        wanted.append(("models that others start from", tuple(starts)))
    seen: set[Run] = set()
    lines = []
    for title, chosen in wanted:
        lines.append(Share(title, len(chosen), len(set(chosen) - seen)))
        seen |= set(chosen)
    return lines


def clips_of(params: Params, dataset: str) -> int:
    """The number of a dataset's clips, before it is fetched."""
    source = params.datasets[dataset]
    if source.clips is not None:
        return source.clips if isinstance(source.clips, int) else sum(source.clips)
    if source.synthetic is not None and source.classes is not None:
        return source.classes * source.folds * source.synthetic.clips_per_fold
    table = runs.own_table(source)
    text = runs.manifest_text(source.adapter) if table is None else table.decode(errors="replace")
    if text is None:
        raise UserError(f"dataset {dataset}: its number of clips is not known; give it `clips` in params.yaml")
    rows = csv.reader(io.StringIO(text, newline=""))
    return sum(bool("".join(row).strip(" ;")) for row in rows) - 1  # spreadsheets leave empty rows


def fold_sizes(params: Params, dataset: str) -> tuple[float, ...]:
    """The number of clips in each fold, before the dataset is fetched; if unknown, folds count as equal."""
    source = params.datasets[dataset]
    if isinstance(source.clips, tuple):
        return source.clips
    return (clips_of(params, dataset) / source.folds,) * source.folds


def training_clips(params: Params, run: Run) -> tuple[float, float]:
    """The number of a run's training clips, and of the clips that are evaluated after each epoch."""
    sizes = fold_sizes(params, run.dataset)
    inner = params.resolve(run.study, run.dataset, run.recipe).stages[-1].training.validation == "inner"
    judged = run.fold % len(sizes) + 1 if inner else run.fold
    learnt = sum(size for fold, size in enumerate(sizes, start=1) if fold not in (run.fold, judged))
    return learnt, sizes[judged - 1]


def warnings(params: Params, study: str) -> list[str]:
    """A warning for each budget with too few steps, and for each class without a training clip, with the recipes."""
    recipes: dict[str, list[str]] = {}
    placed = cache(partial(unlearnt.placed, params))
    for run in {(run.dataset, run.recipe): run for run in runs.expand(params, study)}.values():
        settings = params.resolve(study, run.dataset, run.recipe)
        for line in budget.warnings(settings, round(training_clips(params, run)[0])):
            recipes.setdefault(f"on {run.dataset}, {line}", []).append(run.recipe)
        folds, inner = params.datasets[run.dataset].folds, settings.stages[-1].training.validation == "inner"
        for line in unlearnt.lines(placed(run.dataset), params.folds(study, run.dataset), folds, inner):
            recipes.setdefault(f"on {run.dataset}, {line}", []).append(run.recipe)
    return [f"{', '.join(names)} {line}" for line, names in recipes.items()]


def seconds_of(params: Params, run: Run, rates: Mapping[Kind, Rate], start: float) -> float:
    """A run's time on one device if no patience ends it early; ``start`` is what a job takes before its first batch."""
    settings = params.resolve(run.study, run.dataset, run.recipe)
    learnt, fold = training_clips(params, run)
    seconds = start
    for stage in settings.stages:
        rate, epochs, every = rates[Kind.from_stage(settings, stage)], stage.training.epochs, stage.training.probe_every
        seconds += rate.seconds(epochs, learnt, fold)
        seconds += epochs // every * settings.labels * learnt / rate.later.val if every else 0.0
    return seconds


def schedule(seconds: Sequence[float], devices: int, starts: Mapping[int, int] | None = None) -> Schedule:
    """Schedule jobs in their order, each on the first free device, as Snakemake does.

    ``starts`` maps a job's index to that of the job which it waits for.
    """
    waiting = defaultdict(list)
    for job, start in (starts or {}).items():
        waiting[start].append(job)
    ready = [job for job in range(len(seconds)) if job not in (starts or {})]  # ascending, thus a heap
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < devices:
            job = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds[job], job))
        now, ended = heapq.heappop(running)
        for job in waiting[ended]:
            heapq.heappush(ready, job)
    return Schedule(devices, now / 3600, sum(seconds) / (now * devices) if now else 0.0)


def features_bytes(params: Params, datasets: Iterable[str]) -> int:
    """The size of the decoded clips (int16; pictures uint8) if all were as long as the longest."""
    sources = {dataset: params.datasets[dataset] for dataset in datasets}
    sizes = {name: (1 if source.pixels else 2) * source.audio.samples for name, source in sources.items()}
    return sum(clips_of(params, name) * size for name, size in sizes.items())


def model_bytes(settings: RunSettings, classes: int) -> int:
    """The approximate size of a trained network's file: its tensors', which are not allocated."""
    import torch  # takes seconds, which nothing else here needs

    from soundclr.models.network import Network

    with torch.device("meta"):
        network = Network.from_settings(settings, representation_of(settings).channels, classes)
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def lines(params: Params, study: str, results: Path, devices: Sequence[int]) -> Iterator[str]:
    """The plan as text: jobs, hours for every device with measured rates, and disk space."""
    wanted = list(runs.expand(params, study))
    done = sum((run.directory(results) / "metrics.json").is_file() for run in wanted)
    yield f"Study {study}: {params.studies[study].title} ({params.studies[study].note})"
    yield ""
    yield f"{'trainings':>10} {'new':>6}  for"
    for share in shares(params, study):
        yield f"{share.trainings:>10} {share.new:>6}  {share.title}"
    yield f"{'':>10} {len(wanted):>6}  in all, each trained once; {done} are done"
    if evaluated := runs.evaluated(params, study):
        yield f"{'':>10} {len(evaluated):>6}  evaluations of trained models"
    for line in optional.lines(params, optional.left_out(params, study, results)):
        yield f"{'':>10} {'':>6}  {line}"
    yield ""
    yield from hours(params, study, results, devices, wanted)
    yield ""
    yield from disk(params, study, wanted)
    for warning in warnings(params, study):
        yield f"\nWarning: {warning}."


def hours(params: Params, study: str, results: Path, devices: Sequence[int], wanted: Sequence[Run]) -> Iterator[str]:
    """Hours with some numbers of ``devices``, for each device on which all the study's kinds of stage were measured."""
    needed = kinds(params, study).keys()
    files = sorted((results / "benchmark").glob("rates-*.json"))
    usable = [(path, rates) for path in files if needed <= (rates := Rates.read(path)).by_kind.keys()]
    if not usable:
        yield "Hours: not known; measure this study's stages on this device with `soundclr plan --measure`."
    places = {run: place for place, run in enumerate(wanted)}
    starts = {places[run]: places[start] for run in wanted if (start := runs.started_from(params, run))}
    for path, rates in usable:
        seconds = [seconds_of(params, run, rates.by_kind, rates.start_seconds) for run in wanted]
        yield f"Hours at most (if patience ends no training early), from clips/s measured on {rates.device}"
        yield f"({path}, {rates.created}); fetching, evaluations and tables are not counted:"
        yield f"{'devices':>10} {'hours':>10} {'busy':>6}"
        for number in devices:
            plan = schedule(seconds, number, starts)
            yield f"{number:>10,} {plan.hours:>10,.1f} {plan.busy:>6.0%}"
        longest = schedule(seconds, len(seconds), starts).hours
        yield (
            f"The longest training{', with what it starts from,' if starts else ''} takes {longest:,.1f} hours, so "
            f"more than about {-(-sum(seconds) // (3600 * longest)):,.0f} devices save no time."
        )


def disk(params: Params, study: str, wanted: Sequence[Run]) -> Iterator[str]:
    """The disk space and memory for decoded clips and trained models, in GB."""
    features = features_bytes(params, {run.dataset for run in wanted})
    sizes = {
        (dataset, recipe): model_bytes(params.resolve(study, dataset, recipe), params.datasets[dataset].classes or 2)
        for dataset, recipe in dict.fromkeys((run.dataset, run.recipe) for run in wanted)
    }
    models = sum(sizes[run.dataset, run.recipe] for run in wanted)
    yield (
        f"Disk: {features / 1e9:,.1f} GB of decoded clips at most, {models / 1e9:,.1f} GB of trained models "
        f"({max(sizes.values()) / 1e6:,.0f} MB each at most), and three times its model for each running training."
    )
    largest = max(features_bytes(params, [run.dataset]) for run in wanted)
    yield f"Memory: a training keeps its dataset's decoded clips on its device, {largest / 1e9:,.1f} GB at most."
