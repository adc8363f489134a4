"""What a report may show: a table or a figure is declared once, in the file of the function that makes it.

A new one is a file in `artefacts` or in a paper's room in `papers`, whose ``ARTEFACT`` is an :class:`Artefact`; what a
paper claims is a file there whose ``CLAIMS`` are :class:`soundclr.report.claim.Claims`. The workflow imports them all
whenever it starts, so what takes long to import is imported in the functions that use it.
"""

import importlib
import itertools
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Literal

from soundclr.losses import classifies
from soundclr.params import Params, RunSettings, Selection, known
from soundclr.run import runs
from soundclr.run.runs import Run

OWN, EVALUATED = "own", "evaluated"


def any_run(_: RunSettings) -> bool:
    """For what shows every run."""
    return True


PACKAGES = ("soundclr.report.papers", "soundclr.report.artefacts")


@dataclass(frozen=True)
class Artefact:
    """A table, or a figure of each dataset that has its runs.

    ``name`` is its files' stem. ``runs`` are those that it shows: a study's ``OWN``, the ``EVALUATED`` ones, or those
    that a key of its name under the study's ``artefacts:`` chooses; ``also`` is such a key whose runs it shows besides
    where a study has it. ``make`` takes the Collection and gives a Table or, of a figure, takes a dataset too and gives
    a Drawing, or None without runs. ``paper`` is where it is published, by what captions call it: of a study's own
    runs it is shown where that is the study's paper. ``schemes`` is how many recipes a study has to have; ``shows`` is
    what else it asks of params.yaml and a study. ``of`` says of a run's settings whether it is shown: by default where
    its classifier learns, as what classifiers say is shown. One that ``leads`` comes first on a page.
    """

    name: str
    title: str
    kind: Literal["table", "figure"]
    make: Callable[..., Any]
    runs: str = OWN
    also: str | None = None
    paper: str | None = None
    schemes: int = 1
    of: Callable[[RunSettings], bool] = classifies
    shows: Callable[[Params, str], bool] | None = None
    leads: bool = False


def modules() -> tuple[ModuleType, ...]:
    """Every module of the papers' rooms, then of the artefacts', each by their files' names."""
    packages = (importlib.import_module(room) for room in PACKAGES)
    files = (file for package in packages for file in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))
    return tuple(importlib.import_module(file.name) for file in files)


@cache
def papers() -> dict[str, str]:
    """What a caption calls each paper, by the name of its room."""
    package = importlib.import_module(PACKAGES[0])
    rooms = [file.name for file in pkgutil.iter_modules(package.__path__) if file.ispkg]
    return {room: importlib.import_module(f"{PACKAGES[0]}.{room}").PAPER for room in rooms}


@cache
def declared() -> tuple[Artefact, ...]:
    """Every artefact in a page's order: what leads, the papers', then those of any study."""
    found = (module.ARTEFACT for module in modules() if hasattr(module, "ARTEFACT"))
    return tuple(sorted(found, key=lambda artefact: not artefact.leads))


def is_of(artefact: Artefact, params: Params, study: str) -> bool:
    """Whether an artefact is no paper's, is the study's paper's, or is of runs that a study has to choose for it."""
    return artefact.runs not in (OWN, EVALUATED) or artefact.paper in (None, papers()[params.get_study(study).paper])


def titles(params: Params, study: str, key: str, published: bool = False) -> str:
    """The titles of a study's artefacts that show the runs of a choice, or of those that its paper ``published``."""
    its = (one for one in declared() if is_of(one, params, study))
    shown = (one for one in its if key in (one.runs, one.also) and (one.paper or not published))
    return ", ".join(dict.fromkeys(one.title for one in shown))


def check_artefacts(params: Params) -> None:
    """Raise UserError for a key under a study's ``artefacts:`` that no artefact has, naming the nearest."""
    keys = [
        key for artefact in declared() for key in (artefact.runs, artefact.also) if key not in (OWN, EVALUATED, None)
    ]
    for name, study in params.studies.items():
        known(study.paper, papers(), f"paper in studies.{name}.paper")
        for key in study.artefacts:
            known(key, dict.fromkeys(keys), f"artefact in studies.{name}.artefacts")


def choices(params: Params, study: str) -> dict[str, Selection]:
    """A study's choices of runs, whole: its own, one for each key of its ``artefacts:``, and those to be evaluated.

    Of several choices that are evaluated it is all that any of them names.
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
    """The runs of each of a study's choices; a run may be of several."""
    found = {key: tuple(runs.select(params, study, choice)) for key, choice in choices(params, study).items()}
    return found | ({EVALUATED: tuple(runs.evaluated(params, study))} if EVALUATED in found else {})


def datasets_of(params: Params, study: str, artefact: Artefact) -> tuple[str, ...]:
    """The datasets that a study shows an artefact of: none where it lacks the runs, or has too few recipes."""
    if not is_of(artefact, params, study) or (artefact.shows is not None and not artefact.shows(params, study)):
        return ()
    chosen = choices(params, study)

    def has(least: int, key: str, dataset: str) -> bool:
        named = chosen[key].recipes or ()
        fit = (r for r in named if artefact.of(params.resolve(study, dataset, r)))
        return len(list(itertools.islice(fit, least))) == least

    wanted = chosen[artefact.runs].datasets if artefact.runs in chosen else None
    return tuple(d for d in wanted or () if has(artefact.schemes, OWN, d) and has(1, artefact.runs, d))


def needs(params: Params, study: str) -> list[tuple[str, tuple[Run, ...]]]:
    """What a study's runs are for, and those runs: its own, then what its artefacts and evaluations add."""
    check_artefacts(params)
    tables = titles(params, study, OWN, published=True)
    own = f"the study's own: {f'{tables} and what else' if tables else 'what'} needs no other runs"
    named = {OWN: own, EVALUATED: f"to be evaluated: {titles(params, study, EVALUATED)}"}
    return [(named.get(key) or titles(params, study, key), chosen) for key, chosen in expected(params, study).items()]
