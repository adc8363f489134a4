"""The one unit of work: a run is (study, dataset, recipe, fold, seed), and its path holds the hash of its settings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from soundclr.errors import UserError
from soundclr.files import sha256_of_file, sha256_of_json
from soundclr.params import DatasetSettings, Params, known

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

    def directory(self, results: Path = Path("results")) -> Path:
        """The folder with metrics.json, history.csv and predictions.csv."""
        return results / self.study / "runs" / self.group / self.name

    def model(self, results: Path = Path("results")) -> Path:
        """The trained weights, apart from the small files since they are too large for git."""
        return results / self.study / "models" / self.group / f"{self.name}.pt"

    @classmethod
    def from_directory(cls, directory: Path, results: Path = Path("results")) -> "Run | None":
        """The run that a folder below ``results`` is by its path, or None where the path is not a run's."""
        match = RUN_PATH.match(Path(directory).relative_to(results).as_posix())
        if match is None:
            return None
        parts = match.groupdict()
        return cls(
            parts["study"],
            parts["dataset"],
            parts["recipe"],
            parts["hash"],
            int(parts["fold"]),
            int(parts["seed"]),
        )


def dataset_hash(params: Params, dataset: str) -> str:
    """What a dataset's clips are decided by: its definition and, where there is one, the list of its clips.

    Known before the dataset is fetched, so that the paths of all runs are.
    """
    settings = params.datasets[dataset]
    source = settings.model_dump(mode="json", exclude={"title", "settings", "url", "file"}, exclude_defaults=True)
    return sha256_of_json({"source": source, "manifest": clip_list(settings)})


def clip_list(settings: DatasetSettings) -> str | None:
    """What lists a dataset's clips: the packaged manifest or, of your own sounds, the table's SHA-256.

    None where there is neither, also for a table that is not there: fetching it is what says so.
    """
    if settings.adapter != "csv" or settings.file is None:
        return manifest_text(settings.adapter)
    try:
        return sha256_of_file(Path(settings.file))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{settings.file}: cannot be read ({error.strerror})") from error


@cache
def manifest_text(adapter: str) -> str | None:
    """The packaged manifest of an adapter's clips, or None for an adapter that has none."""
    file = resources.files("soundclr.datasets") / "manifests" / f"{adapter}.csv"
    return file.read_text() if file.is_file() else None


def recipe_hash(params: Params, study: str, dataset: str, recipe: str) -> str:
    """The first 12 digits of the hash of all that decides a run's numbers, but for its fold and seed.

    That is the resolved settings, the initial weights' file, the dataset and params.yaml's ``revision``;
    not the study's or the recipe's name. A setting that a later version adds has a default in its class,
    the behaviour before it, and counts only where it differs: results that are there keep their paths.
    """
    settings = params.resolve(study, dataset, recipe)
    encoder = settings.encoder
    weights = None if encoder.weights == "none" else params.weights[encoder.weights].files[encoder.name].sha256
    return sha256_of_json(
        {
            "settings": settings.model_dump(mode="json", exclude_defaults=True),
            "weights": weights,
            "dataset": dataset_hash(params, dataset),
            "revision": params.revision,
        }
    )[:12]


def features_key(params: Params, dataset: str) -> str:
    """The first 12 digits of the hash of what a dataset's feature file is made of."""
    return sha256_of_json({"dataset": dataset_hash(params, dataset), "format": 1})[:12]


def find_run(params: Params, study: str, dataset: str, recipe: str, fold: int, seed: int) -> Run:
    """The run with these coordinates as params.yaml has it now; unknown names are a UserError."""
    known(study, params.studies, "study")
    known(dataset, params.datasets, "dataset")
    known(fold, range(1, params.datasets[dataset].folds + 1), f"fold of {dataset}")
    if seed < 0:
        raise UserError(f"seed {seed}: must be 0 or more")
    return Run(study, dataset, recipe, recipe_hash(params, study, dataset, recipe), fold, seed)


def expand(params: Params, study: str) -> Iterator[Run]:
    """Every run of a study, in the order of its datasets, recipes, folds and seeds."""
    chosen = params.get_study(study)
    for dataset in chosen.datasets:
        for recipe in chosen.recipes:
            key = recipe_hash(params, study, dataset, recipe)
            for fold in params.folds(study, dataset):
                for seed in chosen.seeds:
                    yield Run(study, dataset, recipe, key, fold, seed)


def features_path(params: Params, dataset: str, data: Path = Path("data")) -> Path:
    """The file of a dataset's decoded waveforms."""
    return data / "features" / f"{dataset}-{features_key(params, dataset)}.safetensors"


def weights_path(weights: str, encoder: str, data: Path = Path("data")) -> Path:
    """The file of an encoder's initial weights."""
    return data / "weights" / f"{weights}-{encoder}.pth"
