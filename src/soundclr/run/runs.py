"""Runs, the units of work: (study, dataset, recipe, fold, seed), with the hash of all settings in their path."""

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
from soundclr.machine.files import read_regular, sha256_of_json, to_csv, visible
from soundclr.params import DatasetSettings, MappingSettings, Params, Selection, WeightsFile, known

# A run's folder: study, dataset, recipe, hash, fold, seed
RUN_PATH = re.compile(r"^([^/]+)/runs/([^/]+)/([^/]+)-([0-9a-f]{12})/fold(\d+)-seed(\d+)$")


@dataclass(frozen=True, order=True)
class Run:
    """A run and its paths, which are relative to the repository's root."""

    study: str
    dataset: str
    recipe: str
    hash: str
    fold: int
    seed: int

    @property
    def group(self) -> str:
        """Dataset, recipe and hash, which the runs of all folds and seeds share."""
        return f"{self.dataset}/{self.recipe}-{self.hash}"

    @property
    def name(self) -> str:
        """Fold and seed, the last part of the run's path."""
        return f"fold{self.fold}-seed{self.seed}"

    @property
    def coordinates(self) -> dict[str, Any]:
        """The fields of metrics.json and evaluation.json that identify the run."""
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
        """The command that trains the run by hand."""
        return (
            f"soundclr train --study {self.study} --dataset {self.dataset} --recipe {self.recipe} "
            f"--fold {self.fold} --seed {self.seed}"
        )

    def directory(self, results: Path = Path("results")) -> Path:
        """The folder with metrics.json, history.csv and predictions.csv."""
        return results / self.study / "runs" / self.group / self.name

    def model(self, results: Path = Path("results")) -> Path:
        """The file of the trained weights, which is too large for git."""
        return results / self.study / "models" / self.group / f"{self.name}.pt"

    def evaluation(self, key: str, results: Path = Path("results")) -> Path:
        """The folder of an evaluation of the run's model; ``key`` is :func:`evaluation_key`."""
        return results / self.study / "evaluations" / self.group / self.name / key

    @classmethod
    def from_directory(cls, directory: Path, results: Path = Path("results")) -> "Run | None":
        """The run to which a folder below ``results`` belongs by its path; None if it is not a run's path."""
        match = RUN_PATH.match(Path(directory).relative_to(results).as_posix())
        if match is None:
            return None
        study, dataset, recipe, key, fold, seed = match.groups()
        return cls(study, dataset, recipe, key, int(fold), int(seed))


def dataset_hash(params: Params, dataset: str) -> str:
    """The hash of a dataset's definition and of the list of its clips, if there is one.

    It is known before the dataset is fetched, and so are the paths of all runs.
    """
    return definition_hash(params.datasets[dataset])


def definition_hash(settings: DatasetSettings) -> str:
    """:func:`dataset_hash` for a dataset with these settings.

    The list of its clips is the packaged manifest, the SHA-256 of your own sounds' table, or None.
    """
    table = own_table(settings)
    clips = manifest_text(settings.adapter) if table is None else hashlib.sha256(table).hexdigest()
    no_matter = {"title", "licence", "url", "file", "max_bytes", "held_out"}
    source = settings.model_dump(mode="json", exclude=no_matter, exclude_defaults=True)
    return sha256_of_json({"source": source, "manifest": clips})


def own_table(settings: DatasetSettings) -> bytes | None:
    """The table of your own sounds as CSV, a line per clip; None for a published dataset.

    Raises UserError if it cannot be read, because a study's runs are not known without it.
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
    """List the files in ``folder``'s folders, one for each class, as a table with the columns path,label.

    Hidden files and those that systems add do not count. UserError for a folder in a class's folder, and for a name
    that a table cannot contain.
    """
    files = [(inner, file) for inner in visible(folder) if inner.is_dir() for file in visible(inner)]
    for inner, file in sorted(files):
        if file.is_dir():
            raise UserError(
                f"{file}: is a folder inside of a class's folder; move its sounds into {inner}, or set the dataset's "
                "`file` in params.yaml to the folder that holds the classes' folders"
            )
        if "\r" in f"{inner.name}{file.name}":
            raise UserError(f"{file}: has a carriage return in its name, which no table can contain; rename it")
    for inner in visible(folder):
        if inner.is_dir() and not visible(inner):
            raise UserError(f"{inner}: has no clips; put some into it or remove it, as each folder is a class")
    rows = sorted((f"{inner.name}/{file.name}", inner.name) for inner, file in files)
    if not rows:
        raise UserError(f"{folder}: has no clips; it is {OWN_TABLES['folders'][1]}")
    try:
        return to_csv([("path", "label"), *rows]).encode()
    except UnicodeEncodeError as error:
        name = error.object[: error.end].rpartition("\n")[2]
        raise UserError(f"{folder}: a name in it is not UTF-8 ({name!r}); rename it") from error


# Adapter of your own sounds -> (how to read their table, the hint if it is missing).
OWN_TABLES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "csv": (read_regular, "the table of your sounds: path,label, and a line for each clip"),
    "folders": (table_of_folders, "the folder of your sounds, with a folder for each class, such as wren/march_1.wav"),
}


@cache
def manifest_text(adapter: str) -> str | None:
    """The text of an adapter's packaged manifest, or None if it has none."""
    # files("soundclr.datasets") would import the code that fetches data, which takes seconds
    file = resources.files("soundclr") / "datasets" / "manifests" / f"{adapter}.csv"
    return file.read_text() if file.is_file() else None


def manifest_clips(adapter: str) -> dict[str, str]:
    """The clips of an adapter's packaged manifest: path in the dataset -> SHA-256, sorted; empty without one."""
    return {row["path"]: row["sha256"] for row in csv.DictReader(io.StringIO(manifest_text(adapter) or ""))}


def recipe_hash(params: Params, study: str, dataset: str, recipe: str) -> str:
    """The first 12 digits of the hash of everything that determines a run's numbers, except its fold and seed.

    That is the resolved settings, what the encoder starts from (a file or another run), the dataset and params.yaml's
    ``revision``, but not the study's or the recipe's name. A setting that a later version adds has a default in its
    class, the former behaviour, and counts only if it differs from that. So existing results keep their paths.
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
    """The identity of a file of initial weights before it is fetched: its SHA-256, and its mapping if it has one.

    Without a SHA-256 in params.yaml, its name and address identify it, because a run's path must be known before the
    file is fetched. Its hash is then recorded, and later copies and the runs of a report are checked against it.
    """
    if file.sha256 is not None and file.mapping == MappingSettings():
        return file.sha256
    what = {"sha256"} if file.sha256 is not None else {"file", "url"}
    return sha256_of_json(file.model_dump(mode="json", exclude_defaults=True, include={*what, "mapping"}))


def started_from(params: Params, run: Run) -> Run | None:
    """The run whose encoder ``run`` starts from, in the same study with the same seed; None for any other start."""
    origins = params.origins(run.study, run.dataset, run.recipe)
    if not origins:
        return None
    fold = params.fold_of(run.study, (run.dataset, run.recipe), origins[0], run.fold)
    return find_run(params, run.study, *origins[0], fold, run.seed)


def features_key(params: Params, dataset: str) -> str:
    """The first 12 digits of the hash of a features file's dataset and format."""
    return sha256_of_json({"dataset": dataset_hash(params, dataset), "format": 3})[:12]


def find_run(params: Params, study: str, dataset: str, recipe: str, fold: int, seed: int) -> Run:
    """The run with these coordinates and params.yaml's current settings; UserError for unknown names."""
    known(study, params.studies, "study")
    known(dataset, params.datasets, "dataset")
    known(fold, params.held_out(dataset), f"fold of {dataset}")
    if not 0 <= seed <= 10**9:
        raise UserError(f"seed {seed}: must be from 0 to 1,000,000,000")
    return Run(study, dataset, recipe, recipe_hash(params, study, dataset, recipe), fold, seed)


def expand(params: Params, study: str) -> Iterator[Run]:
    """Every run of a study once: its own, then those that artefacts and evaluations add, each before its start.

    They are in the order of datasets, recipes, folds and seeds. UserError for two recipes with the same settings on a
    dataset, which would train the same twice.
    """
    names: dict[tuple[str, str], str] = {}
    seen: dict[Run, None] = {}
    chosen = (select(params, study, one) for one in params.get_study(study).selections.values())
    for run in itertools.chain.from_iterable(chosen):
        start: Run | None = run
        while start is not None and start not in seen:
            if (name := names.setdefault((start.dataset, start.hash), start.recipe)) != start.recipe:
                raise UserError(
                    f"study {study}: the recipes {name} and {start.recipe} have the same settings on {start.dataset}; "
                    "use one of them in both places"
                )
            seen[start] = None
            start = started_from(params, start)
    yield from seen


def select(params: Params, study: str, chosen: Selection) -> Iterator[Run]:
    """Every run of a choice of datasets, recipes, folds and seeds; missing ones are the study's."""
    chosen = params.selection(study, chosen)
    for dataset, recipe in itertools.product(chosen.datasets or (), chosen.recipes or ()):
        key = recipe_hash(params, study, dataset, recipe)
        for fold, seed in itertools.product(chosen.folds or params.held_out(dataset), chosen.seeds or ()):
            yield Run(study, dataset, recipe, key, fold, seed)


def evaluated(params: Params, study: str) -> list[Run]:
    """The runs of a study whose models are evaluated."""
    chosen = (select(params, study, one) for one in params.get_study(study).evaluate)
    return list(dict.fromkeys(itertools.chain.from_iterable(chosen)))


def evaluation_key(params: Params) -> str:
    """The first 12 digits of the hash of everything that determines evaluations, except their run."""
    settings = params.evaluation.model_dump(mode="json", exclude_defaults=True)
    return sha256_of_json({"settings": settings, "revision": params.revision})[:12]


def features_path(params: Params, dataset: str, data: Path = Path("data")) -> Path:
    """The file of a dataset's decoded waveforms."""
    return data / "features" / f"{dataset}-{features_key(params, dataset)}.safetensors"


def weights_path(weights: str, encoder: str, data: Path = Path("data")) -> Path:
    """The file of an encoder's initial weights."""
    return data / "weights" / f"{weights}-{encoder}.pth"
