"""The one unit of work: a run is (study, dataset, recipe, fold, seed), and its path holds the hash of its settings."""

import csv
import hashlib
import io
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from soundclr.errors import UserError
from soundclr.machine.files import read_regular, sha256_of_json, visible
from soundclr.params import DatasetSettings, MappingSettings, Params, Selection, WeightsFile, known

RUN_PATH = re.compile(
    r"^(?P<study>[^/]+)/runs/(?P<dataset>[^/]+)/(?P<recipe>[^/]+)-(?P<hash>[0-9a-f]{12})"
    r"/fold(?P<fold>\d+)-seed(?P<seed>\d+)$"
)


@dataclass(frozen=True, order=True)
class Run:
    """What a run is and where it lives; paths are relative to the repository's root."""

    study: str
    dataset: str
    recipe: str
    hash: str
    fold: int
    seed: int

    @property
    def group(self) -> str:
        """Dataset, recipe and hash: what the runs of all folds and seeds have in common."""
        return f"{self.dataset}/{self.recipe}-{self.hash}"

    @property
    def name(self) -> str:
        """Fold and seed, the last part of the run's path."""
        return f"fold{self.fold}-seed{self.seed}"

    @property
    def coordinates(self) -> dict[str, Any]:
        """What metrics.json and evaluation.json say of which run they are."""
        return {
            "study": self.study,
            "dataset": self.dataset,
            "recipe": self.recipe,
            "recipe_hash": self.hash,
            "fold": self.fold,
            "seed": self.seed,
        }

    @property
    def train_command(self) -> str:
        """What trains the run, by hand."""
        return (
            f"soundclr train --study {self.study} --dataset {self.dataset} --recipe {self.recipe} "
            f"--fold {self.fold} --seed {self.seed}"
        )

    def directory(self, results: Path = Path("results")) -> Path:
        """The folder with metrics.json, history.csv and predictions.csv."""
        return results / self.study / "runs" / self.group / self.name

    def model(self, results: Path = Path("results")) -> Path:
        """The trained weights, apart from the small files since they are too large for git."""
        return results / self.study / "models" / self.group / f"{self.name}.pt"

    def evaluation(self, key: str, results: Path = Path("results")) -> Path:
        """The folder with what the run's model was asked after training; ``key`` is :func:`evaluation_key`."""
        return results / self.study / "evaluations" / self.group / self.name / key

    @classmethod
    def from_directory(cls, directory: Path, results: Path = Path("results")) -> "Run | None":
        """The run that a folder below ``results`` is by its path, or None where the path is not a run's."""
        match = RUN_PATH.match(Path(directory).relative_to(results).as_posix())
        if match is None:
            return None
        study, dataset, recipe, key, fold, seed = match.groups()
        return cls(study, dataset, recipe, key, int(fold), int(seed))


def dataset_hash(params: Params, dataset: str) -> str:
    """What a dataset's clips are decided by: its definition and, where there is one, the list of its clips.

    Known before the dataset is fetched, so that the paths of all runs are.
    """
    return definition_hash(params.datasets[dataset])


def definition_hash(settings: DatasetSettings) -> str:
    """:func:`dataset_hash` of a dataset with these settings."""
    no_matter = {"title", "licence", "url", "file", "max_bytes", "held_out"}
    source = settings.model_dump(mode="json", exclude=no_matter, exclude_defaults=True)
    return sha256_of_json({"source": source, "manifest": clip_list(settings)})


def clip_list(settings: DatasetSettings) -> str | None:
    """What lists a dataset's clips: the packaged manifest, the SHA-256 of your own sounds' table, or None."""
    table = own_table(settings)
    return manifest_text(settings.adapter) if table is None else hashlib.sha256(table).hexdigest()


def own_table(settings: DatasetSettings) -> bytes | None:
    """The table of your own sounds, a line a clip, as CSV; None for a dataset that is somebody else's.

    Raises UserError where it cannot be read: without it nobody knows which runs a study has.
    """
    if settings.adapter not in OWN_TABLES or settings.file is None:
        return None
    read, what = OWN_TABLES[settings.adapter]
    try:
        return read(Path(settings.file))
    except FileNotFoundError as error:
        raise UserError(f"{settings.file}: is missing; it is {what}") from error
    except OSError as error:
        raise UserError(f"{settings.file}: cannot be read ({error.strerror})") from error


def table_of_folders(folder: Path) -> bytes:
    """The files in ``folder``'s folders, which are classes, as a table: path,label. Hidden ones do not count.

    Nor does what systems add. UserError for a folder in a class's folder, and for a name that a table cannot hold.
    """
    files = [(inner, file) for inner in visible(folder) if inner.is_dir() for file in visible(inner)]
    for inner, file in sorted(files):
        if file.is_dir():
            raise UserError(
                f"{file}: is a folder inside of a class's folder; move its sounds into {inner}, or let `file` of the "
                "dataset in params.yaml be the folder in which the classes' folders are"
            )
        if "\r" in f"{inner.name}{file.name}":
            raise UserError(f"{file}: has a carriage return in its name, which no table can hold; rename it")
    rows = sorted((f"{inner.name}/{file.name}", inner.name) for inner, file in files)
    if not rows:
        raise UserError(f"{folder}: has no clips; it is {OWN_TABLES['folders'][1]}")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("path", "label"), *rows])
    try:
        return text.getvalue().encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{folder}: a name in it is not UTF-8 ({error.object[: error.end]!r}); rename it") from error


# How the tables of your own sounds are read, by adapter, and what a user is told who has none.
OWN_TABLES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "csv": (read_regular, "the table of your sounds: path,label, and a line for each clip"),
    "folders": (table_of_folders, "the folder of your sounds, with a folder for each class, such as wren/march_1.wav"),
}


@cache
def manifest_text(adapter: str) -> str | None:
    """The packaged manifest of an adapter's clips, or None for an adapter that has none."""
    # not files("soundclr.datasets"), which would import what fetches data: seconds that no training needs
    file = resources.files("soundclr") / "datasets" / "manifests" / f"{adapter}.csv"
    return file.read_text() if file.is_file() else None


def manifest_clips(adapter: str) -> dict[str, str]:
    """The clips of an adapter's packaged manifest: path in the dataset -> SHA-256, sorted; none without a manifest."""
    return {row["path"]: row["sha256"] for row in csv.DictReader(io.StringIO(manifest_text(adapter) or ""))}


def recipe_hash(params: Params, study: str, dataset: str, recipe: str) -> str:
    """The first 12 digits of the hash of all that decides a run's numbers, but for its fold and seed.

    That is the resolved settings, what the encoder starts from (a file or another run), the dataset and params.yaml's
    ``revision``; not the study's or the recipe's name. A setting that a later version adds has a default in its class,
    the behaviour before it, and counts only where it differs: results that are there keep their paths.
    """
    settings = params.resolve(study, dataset, recipe)
    source: str | None = None
    if origins := params.origins(study, dataset, recipe):
        source = recipe_hash(params, study, *origins[0])
        if settings.start.fold is not None:
            source += f"/fold{settings.start.fold}"
    elif (weights := settings.start.weights) != "none":
        source = weights_identity(params.weights_file(weights, settings.network))
    return sha256_of_json(
        {
            "settings": settings.model_dump(mode="json", exclude_defaults=True, exclude={"start"}),
            "start": source,
            "dataset": dataset_hash(params, dataset),
            "revision": params.revision,
        }
    )[:12]


def weights_identity(file: WeightsFile) -> str:
    """What a file of initial weights is known by before it is here: its SHA-256, and its mapping where it has one.

    Without a SHA-256 in params.yaml it is known by its name and address: a run's path cannot wait for the hash that is
    recorded when the file comes. The file that has that name is held to that hash, and so are the runs of a report.
    """
    if file.sha256 is not None and file.mapping == MappingSettings():
        return file.sha256
    what = {"sha256"} if file.sha256 is not None else {"file", "url"}
    return sha256_of_json(file.model_dump(mode="json", exclude_defaults=True, include={*what, "mapping"}))


def started_from(params: Params, run: Run) -> Run | None:
    """The run whose encoder ``run`` starts from, of the same study and seed; None for any other start."""
    origins = params.origins(run.study, run.dataset, run.recipe)
    if not origins:
        return None
    fold = params.fold_of(run.study, (run.dataset, run.recipe), origins[0], run.fold)
    return find_run(params, run.study, *origins[0], fold, run.seed)


def features_key(params: Params, dataset: str) -> str:
    """The first 12 digits of the hash of what a dataset's feature file is made of."""
    return sha256_of_json({"dataset": dataset_hash(params, dataset), "format": 3})[:12]


def find_run(params: Params, study: str, dataset: str, recipe: str, fold: int, seed: int) -> Run:
    """The run with these coordinates as params.yaml has it now; unknown names are a UserError."""
    known(study, params.studies, "study")
    known(dataset, params.datasets, "dataset")
    known(fold, params.held_out(dataset), f"fold of {dataset}")
    if not 0 <= seed <= 10**9:
        raise UserError(f"seed {seed}: must be from 0 to 1,000,000,000")
    return Run(study, dataset, recipe, recipe_hash(params, study, dataset, recipe), fold, seed)


def expand(params: Params, study: str) -> Iterator[Run]:
    """Every run of a study once: its own first, then what its artefacts, evaluations and starts from runs add.

    In the order of datasets, recipes, folds and seeds. Two recipes that come to the same settings on a dataset
    would train twice what can be shown twice: a UserError that names them.
    """
    names: dict[tuple[str, str], str] = {}
    seen: dict[Run, None] = {}
    for run in itertools.chain.from_iterable(
        select(params, study, one) for one in params.get_study(study).selections.values()
    ):
        start: Run | None = run
        while start is not None and start not in seen:
            if (name := names.setdefault((start.dataset, start.hash), start.recipe)) != start.recipe:
                raise UserError(
                    f"study {study}: the recipes {name} and {start.recipe} are the same settings on {start.dataset}; "
                    "show one of them in both places"
                )
            seen[start] = None
            start = started_from(params, start)
    yield from seen


def select(params: Params, study: str, chosen: Selection) -> Iterator[Run]:
    """Every run of a choice of datasets, recipes, folds and seeds, those left out being the study's."""
    chosen = params.selection(study, chosen)
    for dataset in chosen.datasets or ():
        for recipe in chosen.recipes or ():
            key = recipe_hash(params, study, dataset, recipe)
            for fold in chosen.folds or params.held_out(dataset):
                for seed in chosen.seeds or ():
                    yield Run(study, dataset, recipe, key, fold, seed)


def evaluated(params: Params, study: str) -> list[Run]:
    """The runs of a study whose models are evaluated."""
    chosen = (select(params, study, one) for one in params.get_study(study).evaluate)
    return list(dict.fromkeys(itertools.chain.from_iterable(chosen)))


def evaluation_key(params: Params) -> str:
    """The first 12 digits of the hash of what evaluations are decided by, but for their run."""
    settings = params.evaluation.model_dump(mode="json", exclude_defaults=True)
    return sha256_of_json({"settings": settings, "revision": params.revision})[:12]


def features_path(params: Params, dataset: str, data: Path = Path("data")) -> Path:
    """The file of a dataset's decoded waveforms."""
    return data / "features" / f"{dataset}-{features_key(params, dataset)}.safetensors"


def weights_path(weights: str, encoder: str, data: Path = Path("data")) -> Path:
    """The file of an encoder's initial weights."""
    return data / "weights" / f"{weights}-{encoder}.pth"
