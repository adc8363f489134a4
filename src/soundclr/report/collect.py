"""A study's runs and evaluations, by params.yaml as it is now: which are expected, which are there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pandas import DataFrame

from soundclr.errors import UserError, remedied
from soundclr.losses import classifies
from soundclr.params import Params, RunSettings
from soundclr.report import frames
from soundclr.report.artefact import EVALUATED, OWN, Artefact, expected
from soundclr.report.evaluations import Evaluation, read_evaluations
from soundclr.report.run_results import RunResult, load_run
from soundclr.run import runs
from soundclr.run.records import Metrics
from soundclr.run.runs import Run


@dataclass(frozen=True, eq=False)
class Collection:
    """A study's runs: which are expected, which are there, and the paths of all others.

    ``expected``: the runs of each choice of :func:`soundclr.report.artefact.choices`; a run may be in several.
    ``every``: each of them once, and the runs that they start from. ``found``: the finished ones.
    ``set_aside``, ``evaluations_set_aside``: folders of runs and evaluations that params.yaml does not ask for.
    ``kept``: the collections that :meth:`only` has made, by their datasets and recipes. ``of``: in one of those, the
    whole collection.
    """

    params: Params
    study: str
    expected: Mapping[str, tuple[Run, ...]]
    every: tuple[Run, ...]
    found: Mapping[Run, RunResult]
    set_aside: tuple[Path, ...]
    evaluations: Mapping[Run, Evaluation]
    evaluations_set_aside: tuple[Path, ...]
    kept: dict[frozenset[tuple[str, str]], "Collection"] = field(default_factory=dict, repr=False)
    of: "Collection | None" = None

    @cached_property
    def asked(self) -> DataFrame:
        """A row a choice and run asked for: :func:`soundclr.report.frames.asked_frame`."""
        places = {(run.dataset, run.recipe) for runs in self.expected.values() for run in runs}
        settings = {place: self.settings(*place) for place in places}
        return frames.asked_frame(self.expected, self.found, self.evaluations, settings)

    @cached_property
    def clips(self) -> DataFrame:
        """A row a held-out clip, run and epoch: :func:`soundclr.report.frames.clips_frame`."""
        return frames.clips_frame(self.found.values())

    @cached_property
    def epochs(self) -> DataFrame:
        """A row an epoch of a run: :func:`soundclr.report.frames.epochs_frame`."""
        return frames.epochs_frame(self.found.values())

    @cached_property
    def noise(self) -> DataFrame:
        """A row a condition of an evaluation: :func:`soundclr.report.frames.noise_frame`."""
        return frames.noise_frame(self.evaluated())

    @cached_property
    def answers(self) -> DataFrame:
        """A row a condition and clip of an evaluation: :func:`soundclr.report.frames.answers_frame`."""
        return frames.answers_frame(self.evaluated(), self.clips)

    @cached_property
    def distances(self) -> DataFrame:
        """A row an evaluation and space: :func:`soundclr.report.frames.distances_frame`."""
        return frames.distances_frame(self.evaluated())

    def asked_of(self, dataset: str | None = None, recipe: str | None = None, choice: str = OWN) -> DataFrame:
        """The rows of ``asked`` for one choice: all, a dataset's, or a recipe's."""
        wanted = self.asked["choice"] == choice
        for name, value in (("dataset", dataset), ("recipe", recipe)):
            wanted &= True if value is None else self.asked[name] == value
        return self.asked[wanted]

    def done(self, dataset: str | None = None, recipe: str | None = None, choice: str = OWN) -> DataFrame:
        """The rows of ``asked_of`` whose runs have finished."""
        rows = self.asked_of(dataset, recipe, choice)
        return rows[rows["there"]]

    @property
    def classifying(self) -> "Collection":
        """The collection of the runs whose classifier learns: the ones with accuracies."""
        return self.only(classifies)

    def only(self, keep: Callable[[RunSettings], bool]) -> "Collection":
        """The collection of the runs whose settings satisfy ``keep``."""
        places = {(run.dataset, run.recipe) for run in self.every}
        kept = frozenset(place for place in places if keep(self.settings(*place)))
        if kept == places:
            return self
        if kept not in self.kept:

            def of_kept(runs: Iterable[Run]) -> tuple[Run, ...]:
                return tuple(run for run in runs if (run.dataset, run.recipe) in kept)

            expected = {key: of_kept(runs) for key, runs in self.expected.items()}
            found = {run: self.found[run] for run in of_kept(self.found)}
            every = of_kept(self.every)
            self.kept[kept] = replace(self, expected=expected, every=every, found=found, kept={}, of=self.of or self)
        return self.kept[kept]

    @property
    def results(self) -> list[RunResult]:
        """All finished runs: the study's own, then those that its artefacts add."""
        return list(self.found.values())

    @property
    def datasets(self) -> tuple[str, ...]:
        """The study's datasets."""
        return self.params.studies[self.study].datasets

    @property
    def recipes(self) -> tuple[str, ...]:
        """The recipes of the study's own runs."""
        return self.recipes_of(OWN)

    @property
    def coverage(self) -> str:
        """How many of the study's runs are there: ``15 of 25 runs``."""
        return f"{len(self.found)} of {len(self.every)} runs"

    def finished(self, dataset: str | None = None, recipe: str | None = None, choice: str = OWN) -> list[RunResult]:
        """The finished runs of a choice, in order: all, a dataset's, or a recipe's."""
        return [self.found[run] for run in self.expected_of(dataset, recipe, choice) if run in self.found]

    def expected_of(self, dataset: str | None = None, recipe: str | None = None, choice: str = OWN) -> list[Run]:
        """The runs that params.yaml asks for in a choice; none for a choice that the study lacks."""
        chosen = self.expected.get(choice, ())
        return [run for run in chosen if dataset in (None, run.dataset) and recipe in (None, run.recipe)]

    def evaluated(self, dataset: str | None = None, recipe: str | None = None) -> list[Evaluation]:
        """The evaluations that are there: all, a dataset's, or a recipe's."""
        chosen = self.expected_of(dataset, recipe, EVALUATED)
        return [self.evaluations[run] for run in chosen if run in self.evaluations]

    def results_of(self, artefact: Artefact, dataset: str | None = None) -> list[RunResult]:
        """The finished runs that an artefact shows; where it shows evaluations, those with one."""
        if artefact.runs == EVALUATED:
            return [self.found[evaluation.run] for evaluation in self.evaluated(dataset)]
        keys = [artefact.runs, *([artefact.extra_runs] if artefact.extra_runs else [])]
        results = (result for key in keys for result in self.finished(dataset, choice=key))
        return list({result.run: result for result in results}.values())

    def datasets_of(self, choice: str) -> list[str]:
        """The datasets of a choice."""
        return list(dict.fromkeys(run.dataset for run in self.expected.get(choice, ())))

    def recipes_of(self, choice: str) -> tuple[str, ...]:
        """The recipes of a choice."""
        return tuple(dict.fromkeys(run.recipe for run in self.expected.get(choice, ())))

    def settings(self, dataset: str, recipe: str) -> RunSettings:
        """A recipe's settings on a dataset."""
        return self.params.resolve(self.study, dataset, recipe)

    def title(self, dataset: str) -> str:
        """A dataset's title."""
        return self.params.datasets[dataset].title

    def scheme(self, recipe: str) -> str:
        """A recipe's title."""
        return self.params.all_recipes[recipe].title

    def covered(self, choice: str = OWN, dataset: str | None = None) -> str:
        """How much of a choice is there: ``15 of 25 runs`` or ``9 of 10 runs evaluated``."""
        done, asked = self.there(choice, dataset), self.expected_of(dataset, choice=choice)
        return f"{len(done)} of {len(asked)} runs{' evaluated' if choice == EVALUATED else ''}"

    def label(self, recipe: str, choice: str = OWN, dataset: str | None = None) -> str:
        """A recipe's title and, where it has fewer folds or seeds than others: ``cross-entropy, 1 of 3 runs``."""
        places: dict[str, set[tuple[str, str]]] = {}
        for run in self.there(choice, dataset):
            places.setdefault(run.recipe, set()).add((run.dataset, run.name))
        own, asked = places.get(recipe, set()), len(self.expected_of(dataset, recipe, choice))
        unequal = any(others != own for others in places.values())
        return self.scheme(recipe) + (f", {len(own)} of {asked} runs" if 0 < len(own) < asked and unequal else "")

    def fewer_seeds(self, choice: str) -> str:
        """Where a choice has not all seeds of the study: ``, seed 0 only``."""
        seeds = sorted(set(self.asked_of(choice=choice)["seed"]))
        if len(seeds) == len(self.params.studies[self.study].seeds):
            return ""
        return f", seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))} only"

    def only_fold(self, choice: str = OWN) -> str:
        """Where a choice holds out one fold: ``fold 1 alone``; else empty."""
        folds = {run.fold for run in self.expected.get(choice, ())}
        return f"fold {folds.pop()} alone" if len(folds) == 1 else ""

    def there(self, choice: str, dataset: str | None = None, recipe: str | None = None) -> list[Run]:
        """The runs of a choice that have finished or, of :data:`EVALUATED`, have an evaluation."""
        known = self.evaluations if choice == EVALUATED else self.found
        return [run for run in self.expected_of(dataset, recipe, choice) if run in known]


def collect(params: Params, study: str, results: Path) -> Collection:
    """Load the runs and evaluations below ``results/<study>`` that params.yaml asks for.

    Runs of other settings, seeds, folds or recipes are set aside: their paths are kept, and nothing is loaded. A folder
    without metrics.json is an unfinished run, which counts as missing. Raises UserError for a run or an evaluation that
    is cut short, was edited by hand, or contradicts its path; for runs of one dataset on different clips; and for an
    evaluation of another model than the run's.
    """
    wanted = expected(params, study)
    order = dict.fromkeys(runs.expand(params, study))
    found: dict[Run, RunResult] = {}
    set_aside = []
    for path in sorted((results / study / "runs").glob("**/metrics.json")):
        run = Run.from_directory(path.parent, results)
        if run is None or run.directory(results) != path.parent:
            raise UserError(f"{path}: not the path of a run, <dataset>/<recipe>-<hash>/fold<k>-seed<s>; move it away")
        with remedied(Metrics.REMEDY):
            metrics = Metrics.read(path, run)
            if run in order:
                found[run] = load_run(params, path, run, metrics)
            else:
                set_aside.append(path.parent)
    found = {run: found[run] for run in order if run in found}
    check_indexes(found.values(), results)
    check_starts(params, found, results)
    evaluated = {run: found[run] for run in wanted.get(EVALUATED, ()) if run in found}
    evaluations, others = read_evaluations(params, study, results, evaluated)
    return Collection(params, study, wanted, tuple(order), found, tuple(set_aside), evaluations, others)


def check_indexes(found: Iterable[RunResult], results: Path) -> None:
    """Raise UserError, naming two runs, where runs of one dataset have different clips."""
    first: dict[str, RunResult] = {}
    for two in found:
        dataset = two.run.dataset
        one = first.setdefault(dataset, two)
        if one.metrics.index_sha256 != two.metrics.index_sha256:
            raise UserError(
                f"{one.run.directory(results)} was made of the index {one.metrics.index_sha256}, "
                f"{two.run.directory(results)} of {two.metrics.index_sha256}: runs of {dataset} on other clips; delete "
                "those that are not of the clips you want and train them again"
            )


def check_starts(params: Params, found: Mapping[Run, RunResult], results: Path) -> None:
    """Raise UserError, naming two runs, where a run started from another model or file than the others did.

    A run that starts from another run must have its present model. Runs that start from one file must have the same
    file; params.yaml may not know its hash.
    """
    first: dict[tuple[str, str], RunResult] = {}
    for run, result in found.items():
        start = result.metrics.start
        one = first.setdefault((start.name, result.settings.encoder.name), result)
        if result.settings.start.run is None and start.sha256 != one.metrics.start.sha256:
            raise UserError(
                f"{one.run.directory(results)} starts from {start.name} of SHA-256 {one.metrics.start.sha256}, "
                f"{run.directory(results)} from one of {start.sha256}; delete those that are not of the file you want "
                "and train them again"
            )
        other = runs.started_from(params, run) if result.settings.start.run else None
        if other is not None and other in found and result.metrics.start.sha256 != found[other].metrics.model_sha256:
            raise UserError(
                f"{run.directory(results)}: starts from another model than {other.directory(results)} has now; delete "
                "it and train the run again"
            )
