"""What a study costs before anyone spends it: its jobs, the hours on some devices, and the disk."""

import csv
import heapq
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soundclr import runs
from soundclr.errors import UserError
from soundclr.files import read_json
from soundclr.params import Params, RunSettings, StageSettings
from soundclr.report.artefact import needs
from soundclr.runs import Run
from soundclr.training import budget


@dataclass(frozen=True, order=True)
class Kind:
    """All of a stage that its speed depends on; ``bands`` and ``frames`` are the spectrogram's."""

    encoder: str
    channels: int
    frozen: int
    samples: int
    bands: int
    frames: int
    batch_size: int
    trains: tuple[str, ...]


@dataclass(frozen=True)
class Rate:
    """Clips a second of a stage's training, and of judging held-out clips after each epoch."""

    train: float
    evaluate: float


@dataclass(frozen=True)
class Rates:
    """What was measured on a device: each kind's rate, and the seconds that a job takes before its first batch."""

    path: Path
    device: str
    created: str
    start_seconds: float
    of: Mapping[Kind, Rate]


@dataclass(frozen=True)
class Share:
    """An artefact's trainings, and how many of them no line above has."""

    title: str
    trainings: int
    new: int


@dataclass(frozen=True)
class Schedule:
    """Jobs on ``devices`` devices: hours until the last one ends, and how busy the devices are until then."""

    devices: int
    hours: float
    busy: float


def kind_of(settings: RunSettings, stage: StageSettings) -> Kind:
    """The kind of one of a run's stages."""
    return Kind(
        encoder=settings.encoder.name,
        channels=settings.encoder.channels,
        frozen=settings.encoder.frozen,
        samples=settings.audio.samples,
        bands=settings.logmel.bands,
        frames=settings.audio.samples // settings.logmel.hop + 1,
        batch_size=stage.training.batch_size,
        trains=stage.trains,
    )


def kinds(params: Params, study: str) -> dict[Kind, tuple[RunSettings, StageSettings]]:
    """Every kind of stage that a study trains, with an example of it."""
    found: dict[Kind, tuple[RunSettings, StageSettings]] = {}
    for dataset, recipe in dict.fromkeys((run.dataset, run.recipe) for run in runs.expand(params, study)):
        settings = params.resolve(study, dataset, recipe)
        for stage in settings.stages:
            found.setdefault(kind_of(settings, stage), (settings, stage))
    return found


def shares(params: Params, study: str) -> list[Share]:
    """How many trainings each choice of runs needs; equal ones are trained once and counted at their first."""
    seen: set[Run] = set()
    lines = []
    for title, chosen in needs(params, study):
        lines.append(Share(title, len(chosen), len(set(chosen) - seen)))
        seen |= set(chosen)
    return lines


def clips_of(params: Params, dataset: str) -> int:
    """How many clips a dataset has, known before it is fetched."""
    source = params.datasets[dataset]
    if source.clips is not None:
        return source.clips
    if source.synthetic is not None and source.classes is not None:
        return source.classes * source.folds * source.synthetic.clips_per_fold
    table = runs.own_table(source)
    text = runs.manifest_text(source.adapter) if table is None else table.decode(errors="replace")
    if text is None:
        raise UserError(f"dataset {dataset}: nothing says how many clips it has; give it `clips` in params.yaml")
    return sum(1 for _ in csv.DictReader(io.StringIO(text)))


def training_clips(params: Params, run: Run) -> float:
    """How many clips a run learns from, if its dataset's folds are equal: all but what it keeps to judge by."""
    folds = params.datasets[run.dataset].folds
    inner = params.resolve(run.study, run.dataset, run.recipe).stages[-1].training.validation == "inner"
    return clips_of(params, run.dataset) / folds * (folds - (2 if inner else 1))


def warnings(params: Params, study: str) -> list[str]:
    """A line for each budget that is too few steps on a dataset, with the recipes that have it."""
    recipes: dict[str, list[str]] = {}
    for run in {(run.dataset, run.recipe): run for run in runs.expand(params, study)}.values():
        settings = params.resolve(study, run.dataset, run.recipe)
        for line in budget.warnings(settings, round(training_clips(params, run))):
            recipes.setdefault(f"on {run.dataset}, {line}", []).append(run.recipe)
    return [f"{', '.join(names)} {line}" for line, names in recipes.items()]


def seconds_of(params: Params, run: Run, rates: Mapping[Kind, Rate], start: float) -> float:
    """A run's time on one device if no patience ends it early; ``start`` is what a job takes before its first batch."""
    settings = params.resolve(run.study, run.dataset, run.recipe)
    learnt, fold = training_clips(params, run), clips_of(params, run.dataset) / params.datasets[run.dataset].folds
    seconds = start
    for stage in settings.stages:
        rate = rates[kind_of(settings, stage)]
        epoch = learnt / rate.train + fold / rate.evaluate
        seconds += stage.training.epochs * epoch
    return seconds


def schedule(seconds: Sequence[float], devices: int) -> Schedule:
    """Jobs in their order, each on the device that is free first, as Snakemake starts them."""
    free = [0.0] * devices
    for job in seconds:
        heapq.heapreplace(free, free[0] + job)
    end = max(free)
    return Schedule(devices, end / 3600, sum(seconds) / (end * devices) if end else 0.0)


def features_bytes(params: Params, datasets: Iterable[str]) -> int:
    """Decoded clips as int16, if all were as long as the longest."""
    return sum(2 * clips_of(params, dataset) * params.datasets[dataset].samples for dataset in datasets)


def model_bytes(settings: RunSettings, classes: int) -> int:
    """A trained network's file, about: its tensors, none of which is made for it."""
    import torch  # takes seconds, which nothing else here needs

    from soundclr.models import Network, build_encoder

    with torch.device("meta"):
        network = Network(build_encoder(settings.encoder, None), settings.projection.size, classes)
    return sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())


def read_rates(path: Path) -> Rates:
    """A file that `soundclr plan --measure` wrote; UserError for one that is not."""
    content = read_json(path)
    try:
        of = {
            Kind(**{**row["kind"], "trains": tuple(row["kind"]["trains"])}): Rate(row["train"], row["evaluate"])
            for row in content["rates"]
        }
        return Rates(path, content["device"], content["created"], content["start_seconds"], of)
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{path}: not of this version ({error}); measure again with `soundclr plan --measure`"
        ) from error


def lines(params: Params, study: str, results: Path, devices: Sequence[int]) -> Iterator[str]:
    """The plan as text: jobs, hours for every device that rates were measured on, and disk."""
    wanted = list(runs.expand(params, study))
    done = sum((run.directory(results) / "metrics.json").is_file() for run in wanted)
    yield f"Study {study}: {params.studies[study].title} ({params.studies[study].note})"
    yield ""
    yield f"{'trainings':>10} {'new':>6}  for"
    for share in shares(params, study):
        yield f"{share.trainings:>10} {share.new:>6}  {share.title}"
    yield f"{'':>10} {len(wanted):>6}  in all, each trained once; {done} are there"
    if evaluated := runs.evaluated(params, study):
        yield f"{'':>10} {len(evaluated):>6}  evaluations of trained models"
    yield ""
    yield from hours(params, study, results, devices, wanted)
    yield ""
    yield from disk(params, study, wanted)
    for warning in warnings(params, study):
        yield f"\nWarning: {warning}."


def hours(params: Params, study: str, results: Path, devices: Sequence[int], wanted: Sequence[Run]) -> Iterator[str]:
    """Hours on so many devices, for each device that all of the study's kinds of stage were measured on."""
    needed = kinds(params, study).keys()
    measured = [read_rates(path) for path in sorted((results / "benchmark").glob("rates-*.json"))]
    usable = [rates for rates in measured if needed <= rates.of.keys()]
    if not usable:
        yield "Hours: nobody has measured this study's stages yet; `soundclr plan --measure` does, on this device."
    for rates in usable:
        seconds = [seconds_of(params, run, rates.of, rates.start_seconds) for run in wanted]
        yield f"Hours at most (where no patience ends a training early), from clips/s measured on {rates.device}"
        yield f"({rates.path}, {rates.created}); fetching, evaluations and tables are not counted:"
        yield f"{'devices':>10} {'hours':>10} {'busy':>6}"
        for number in devices:
            plan = schedule(seconds, number)
            yield f"{number:>10,} {plan.hours:>10,.1f} {plan.busy:>6.0%}"
        yield (
            f"The longest training takes {max(seconds) / 3600:,.1f} hours, so more than about "
            f"{-(-sum(seconds) // max(seconds)):,.0f} devices gain nothing."
        )


def disk(params: Params, study: str, wanted: Sequence[Run]) -> Iterator[str]:
    """Decoded clips and trained models, in GB."""
    features = features_bytes(params, params.studies[study].datasets)
    sizes = {
        (dataset, recipe): model_bytes(params.resolve(study, dataset, recipe), params.datasets[dataset].classes or 2)
        for dataset, recipe in dict.fromkeys((run.dataset, run.recipe) for run in wanted)
    }
    models = sum(sizes[run.dataset, run.recipe] for run in wanted)
    yield (
        f"Disk: {features / 1e9:,.1f} GB of decoded clips at most, {models / 1e9:,.1f} GB of trained models "
        f"({max(sizes.values()) / 1e6:,.0f} MB each at most), and while a training runs about three times its model."
    )
