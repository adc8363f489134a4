"""Tables and figures as data: each :class:`Artefact` names the runs that it needs."""

import itertools
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from soundclr.losses import classifies
from soundclr.params import Params, RunSettings, Selection
from soundclr.run import runs
from soundclr.run.runs import Run

OWN, EVALUATED, BASELINES = "own", "evaluated", "baselines"
"""Choices of runs that several artefacts show; the last is a key under a study's ``artefacts:``."""


def any_run(_: RunSettings) -> bool:
    """True of every run, whether its classifier learns or not."""
    return True


@dataclass(frozen=True)
class Artefact:
    """A table, or a figure of each dataset that has its runs.

    ``name``: the stem of its files. ``subject``: what a figure shows whose ``title`` is the paper's number.
    ``make``: ``module:function`` below :mod:`soundclr.report`, loaded when it is drawn. The function takes the
    Collection and gives a Table; of a figure it takes a dataset too, and gives a Drawing, or None without runs.
    ``runs``: the runs that it shows: a study's ``OWN``, the ``EVALUATED`` ones, or those that a key of its name under
    the study's ``artefacts:`` chooses. ``extra_runs``: another such key, whose runs it shows where a study has it.
    ``paper``: the paper that published it, by its folder in `papers`. Such an artefact of a study's own runs is shown
    where that is the study's paper.
    ``schemes``: the fewest recipes that a study must have. ``condition``: what else must be true of params.yaml and the
    study. ``includes``: whether it shows a run, by the run's settings; by default where its classifier learns.
    """

    name: str
    title: str
    kind: Literal["table", "figure"]
    make: str
    runs: str = OWN
    extra_runs: str | None = None
    paper: str | None = None
    schemes: int = 1
    includes: Callable[[RunSettings], bool] = classifies
    condition: Callable[[Params, str], bool] | None = None
    subject: str = ""

    def load(self) -> Callable[..., Any]:
        """Import the function that makes it."""
        function: Callable[..., Any] = pkgutil.resolve_name(f"soundclr.report.{self.make}")
        return function

    def belongs_to(self, params: Params, study: str) -> bool:
        """Whether its condition holds, and it is of no paper, of the study's, or shows runs that a key chooses."""
        if self.condition is not None and not self.condition(params, study):
            return False
        return self.runs not in (OWN, EVALUATED) or self.paper in (None, params.get_study(study).paper)


def choices(params: Params, study: str) -> dict[str, Selection]:
    """A study's choices of runs, without gaps: its own, one for each key of its ``artefacts:``, and the evaluated ones.

    Several choices under ``evaluate:`` are joined: datasets, recipes, folds and seeds that any of them names.
    """
    settings = params.get_study(study)
    chosen = {key: params.selection(study, one) for key, one in {OWN: Selection(), **settings.artefacts}.items()}
    if evaluated := [params.selection(study, one) for one in settings.evaluate]:
        parts = {
            key: tuple(dict.fromkeys(value for one in evaluated for value in getattr(one, key) or ())) or None
            for key in Selection.model_fields
        }
        chosen[EVALUATED] = Selection(**parts)
    return chosen


def expected(params: Params, study: str) -> dict[str, tuple[Run, ...]]:
    """The runs of each of a study's choices; one run may be in several."""
    found = {key: tuple(runs.select(params, study, choice)) for key, choice in choices(params, study).items()}
    return found | ({EVALUATED: tuple(runs.evaluated(params, study))} if EVALUATED in found else {})


def datasets_of(params: Params, study: str, artefact: Artefact) -> tuple[str, ...]:
    """The datasets for which a study shows an artefact; none without its runs, or with too few recipes."""
    if not artefact.belongs_to(params, study):
        return ()
    chosen = choices(params, study)

    def has(least: int, key: str, dataset: str) -> bool:
        named = chosen[key].recipes or ()
        fit = (r for r in named if artefact.includes(params.resolve(study, dataset, r)))
        return len(list(itertools.islice(fit, least))) == least

    wanted = chosen[artefact.runs].datasets if artefact.runs in chosen else None
    return tuple(d for d in wanted or () if has(artefact.schemes, OWN, d) and has(1, artefact.runs, d))
