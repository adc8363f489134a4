"""Read a study's run folders: one is believed where its contents agree with its path and its hashes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field

from soundclr import runs
from soundclr.errors import UserError
from soundclr.params import Artefact, Count, Fraction, Params, Positive, RunSettings, known, validated
from soundclr.report.evaluations import REMEDY as EVALUATE_AGAIN
from soundclr.report.evaluations import Evaluation, read_evaluations
from soundclr.report.sealed import Lenient, read_sealed, read_table, remedied
from soundclr.runs import Run

TABLES = ("history.csv", "predictions.csv")
HISTORY_COLUMNS = {"stage", "epoch", "train_loss", "test_accuracy"}
REMEDY = "restore the run folder from git or delete it and train the run again"


class Accuracies(Lenient):
    """Held-out accuracy, a fraction: at the best epoch (the paper's protocol) and at the last (unbiased)."""

    best_epoch: Fraction
    last_epoch: Fraction


class Clips(Lenient):
    """How many clips the run learned from and how many it held out."""

    train: Positive
    test: Positive


class WeightsUsed(Lenient):
    """The initial weights: their key in params.yaml or ``none``, and their file's SHA-256."""

    name: str
    sha256: str | None


class Metrics(Lenient):
    """metrics.json of one run."""

    format: Literal[2]
    study: str
    dataset: str
    recipe: str
    recipe_hash: str
    fold: Positive
    seed: Count
    accuracy: Accuracies
    best_epoch: Positive
    epochs: Positive
    stopped_early: bool
    clips: Clips
    classes: tuple[str, ...]
    settings: dict[str, Any]
    weights: WeightsUsed
    index_sha256: str
    model_sha256: str
    device: str
    precision: str
    duration_seconds: float
    clips_per_second: float
    code: Annotated[tuple[str, ...], Field(min_length=1)]
    git_commit: str | None
    git_dirty: bool | None
    versions: dict[str, str | None]
    created: str
    files: dict[str, str]
    checksum: str


@dataclass(frozen=True)
class RunResult:
    """A finished run: what it says of itself, one row an epoch, and two rows a held-out clip."""

    run: Run
    metrics: Metrics
    settings: RunSettings
    history: pd.DataFrame
    predictions: pd.DataFrame

    def at(self, epoch: Literal["best", "last"]) -> pd.DataFrame:
        """The held-out clips' rows at the best or the last epoch."""
        return self.predictions[self.predictions["epoch"] == epoch]


@dataclass(frozen=True)
class Collection:
    """A study's runs as params.yaml has it now: which are expected, which are there, and the others' paths.

    ``expected`` has the runs of the study's own grid (Table III's) under None and each artefact's under its name;
    a run may stand under several. ``found`` has the finished runs of all of them.
    """

    params: Params
    study: str
    expected: Mapping[Artefact | None, tuple[Run, ...]]
    found: Mapping[Run, RunResult]
    set_aside: tuple[Path, ...]
    evaluations: Mapping[Run, Evaluation]
    evaluations_set_aside: tuple[Path, ...]

    @property
    def results(self) -> list[RunResult]:
        """All finished runs: the study's own, then what its artefacts add."""
        return list(self.found.values())

    @property
    def own(self) -> list[RunResult]:
        """The finished runs of the study's own grid."""
        return self.done(self.expected[None])

    @property
    def artefacts(self) -> list[Artefact]:
        """The study's artefacts that have runs of their own, in params.yaml's order."""
        return [name for name in self.expected if name is not None]

    @property
    def coverage(self) -> str:
        """How many of all expected runs are there, as in ``15 of 25 runs``."""
        return f"{len(self.found)} of {len({run for chosen in self.expected.values() for run in chosen})} runs"

    def of(self, dataset: str, recipe: str | None = None) -> list[RunResult]:
        """The finished runs of the study's own grid: a dataset's, or one recipe's, by recipe, fold and seed."""
        return self.done(self.expected_of(dataset, recipe))

    def shown(self, artefact: Artefact, dataset: str, recipe: str | None = None) -> list[RunResult]:
        """The finished runs of an artefact: a dataset's, or one recipe's, by recipe, fold and seed."""
        return self.done(self.expected_of(dataset, recipe, artefact))

    def expected_of(self, dataset: str, recipe: str | None = None, artefact: Artefact | None = None) -> list[Run]:
        """The runs that params.yaml asks for, of the study's own grid or of an artefact; none of one it lacks."""
        chosen = self.expected.get(artefact, ())
        return [run for run in chosen if run.dataset == dataset and recipe in (None, run.recipe)]

    def done(self, chosen: Sequence[Run]) -> list[RunResult]:
        """Those of the runs that are finished, in the order given."""
        return [self.found[run] for run in chosen if run in self.found]

    def evaluated(self, dataset: str, recipe: str | None = None) -> list[Evaluation]:
        """The evaluations of Figure 5's runs: a dataset's, or one recipe's."""
        chosen = self.expected_of(dataset, recipe, "figure5")
        return [self.evaluations[run] for run in chosen if run in self.evaluations]


def collect(params: Params, study: str, results: Path) -> Collection:
    """Load the runs below ``results/<study>/runs`` that params.yaml asks for, and the evaluations of Figure 5's.

    Runs of other settings, seeds, folds or recipes are set aside: named, not loaded. A folder without
    metrics.json is a run that did not end, thus missing. Raises UserError for a run or an evaluation that is cut
    short, was edited by hand, or says something else of itself than its path does, naming both; for runs of one
    dataset on different clips; and for an evaluation of another model than the run's.
    """
    artefacts = params.studies[known(study, params.studies, "study")].artefacts
    order = list(runs.expand(params, study))
    expected: dict[Artefact | None, tuple[Run, ...]] = {None: tuple(runs.own_grid(params, study))}
    expected |= {name: tuple(runs.expand(params, study, name)) for name in artefacts}
    wanted = set(order)
    found: dict[Run, RunResult] = {}
    set_aside = []
    for path in sorted((results / study / "runs").glob("**/metrics.json")):
        run = Run.from_directory(path.parent, results)
        if run is None or run.directory(results) != path.parent:
            raise UserError(f"{path}: not the path of a run, <dataset>/<recipe>-<hash>/fold<k>-seed<s>; move it away")
        with remedied(REMEDY):
            content = read_sealed(path, run, {}, TABLES, REMEDY)
            if run in wanted:
                found[run] = load_run(params, path, run, content)
            else:
                set_aside.append(path.parent)
    found = {run: found[run] for run in order if run in found}
    check_indexes(found, results)
    clips = {run: found[run].metrics.clips.test for run in expected.get("figure5", ()) if run in found}
    evaluations, others = read_evaluations(params, study, results, clips)
    for run, evaluation in evaluations.items():
        check_evaluated(found[run], evaluation, results)
    return Collection(params, study, expected, found, tuple(set_aside), evaluations, others)


def check_indexes(found: Mapping[Run, RunResult], results: Path) -> None:
    """The runs of a dataset must be of the same clips: UserError naming two that were made of different indexes."""
    first: dict[str, RunResult] = {}
    for run, result in found.items():
        one, two = first.setdefault(run.dataset, result), result
        if one.metrics.index_sha256 != two.metrics.index_sha256:
            raise UserError(
                f"{one.run.directory(results)} was made of the index {one.metrics.index_sha256}, "
                f"{run.directory(results)} of {two.metrics.index_sha256}: runs of {run.dataset} on other clips; delete "
                "those that are not of the clips you want and train them again"
            )


def check_evaluated(result: RunResult, evaluation: Evaluation, results: Path) -> None:
    """An evaluation must be of the run's own model and clips: UserError naming both."""
    for what in ("model_sha256", "index_sha256"):
        says, is_so = getattr(evaluation.content, what), getattr(result.metrics, what)
        if says != is_so:
            raise UserError(
                f"the evaluation of {result.run.directory(results)}: says {what} {says}, the run's metrics.json says "
                f"{is_so}; {EVALUATE_AGAIN}"
            )


def load_run(params: Params, path: Path, run: Run, content: dict[str, Any]) -> RunResult:
    """A run that params.yaml asks for, once its settings, weights and accuracies agree with what is known."""
    metrics = validated(Metrics, content, str(path))
    settings = params.resolve(run.study, run.dataset, run.recipe)
    if validated(RunSettings, metrics.settings, f"{path}: settings") != settings:
        raise UserError(f"{path}: its settings are not those that params.yaml gives for the hash {run.hash}; {REMEDY}")
    if metrics.precision != settings.precision:
        raise UserError(
            f"{path}: says precision {metrics.precision!r}, its settings say {settings.precision!r}; {REMEDY}"
        )
    encoder = settings.encoder
    source = params.weights[encoder.weights].files[encoder.name].sha256 if encoder.weights != "none" else ""
    if metrics.weights.name != encoder.weights or not (metrics.weights.sha256 or "").startswith(source):
        raise UserError(
            f"{path}: says weights {metrics.weights.name} {metrics.weights.sha256}, params.yaml says "
            f"{encoder.weights} {source}; {REMEDY}"
        )
    history = read_table(path.with_name("history.csv"), REMEDY)
    if missing := HISTORY_COLUMNS - set(history.columns):
        raise UserError(f"{path.with_name('history.csv')}: lacks the columns {', '.join(sorted(missing))}; {REMEDY}")
    predictions = read_table(path.with_name("predictions.csv"), REMEDY, text=("clip",))  # a class may be "stage"
    result = RunResult(run, metrics, settings, history, predictions)
    check_predictions(path.with_name("predictions.csv"), result)
    return result


def check_predictions(path: Path, result: RunResult) -> None:
    """The clips that the probabilities get right must be as many as the accuracies say.

    Probabilities are rounded, so where the label's equals another class's the clip may count or not.
    """
    metrics = result.metrics
    if list(result.predictions.columns) != ["clip", "label", "epoch", *metrics.classes]:
        raise UserError(f"{path}: its columns are not clip, label, epoch and metrics.json's classes; {REMEDY}")
    for epoch, accuracy in (("best", metrics.accuracy.best_epoch), ("last", metrics.accuracy.last_epoch)):
        rows = result.predictions[result.predictions["epoch"] == epoch]
        if len(rows) != metrics.clips.test:
            raise UserError(f"{path}: {len(rows)} clips at the {epoch} epoch, metrics.json says {metrics.clips.test}")
        numbers = rows[["label", *metrics.classes]].apply(pd.to_numeric, errors="coerce")
        if not numbers["label"].isin(range(len(metrics.classes))).all() or numbers.isna().any(axis=None):
            raise UserError(f"{path}: a label or a probability at the {epoch} epoch is none; {REMEDY}")
        probabilities = numbers[list(metrics.classes)].to_numpy(dtype=float, copy=True)
        labels = numbers["label"].to_numpy(dtype=int)
        of_label = probabilities[range(len(rows)), labels]
        probabilities[range(len(rows)), labels] = -math.inf
        others = probabilities.max(axis=1)
        least, most = int((of_label > others).sum()), int((of_label >= others).sum())
        if not least - 0.5 < accuracy * len(rows) < most + 0.5:
            raise UserError(
                f"{path}: {least} of {len(rows)} clips are right at the {epoch} epoch, metrics.json says "
                f"{accuracy * len(rows):g}; {REMEDY}"
            )
