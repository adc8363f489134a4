"""The blocks of params.yaml that say what is asked: studies, their choices of runs, and evaluations."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from soundclr.params.schema import Count, Name, Positive, Section


class Selection(Section):
    """A choice of runs; what is left out is the study's own. ``recipes`` may name grids, for all recipes of one."""

    datasets: tuple[str, ...] | None = None
    recipes: tuple[str, ...] | None = None
    seeds: tuple[Count, ...] | None = None
    folds: tuple[Positive, ...] | None = None


class Registration(Section):
    """Where a study's runs, claims and analysis were fixed before its first run.

    ``file`` is their data, relative to params.yaml, as the git commit ``commit`` has it, which was made at ``time``
    (UTC). ``changes`` are what changed since, a sentence each.
    """

    file: str
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    time: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    changes: tuple[str, ...] = ()


def listed(value: Any) -> Any:
    """One mapping as a list of it, and nothing as an empty one."""
    return [value] if isinstance(value, dict) else value or []


OneOrMore = Selection | tuple[Selection, ...] | None


class StudySettings(Section):
    """A choice of datasets, recipes, seeds and budget; ``note`` is what its captions say of the budget.

    ``paper`` is whose tables and figures it shows with ours beside: a room of :mod:`soundclr.report.papers`.

    What needs no other runs is shown of the study's own; ``artefacts`` are the tables and figures that it shows
    besides, with the runs they need. ``evaluate`` are the runs whose models are evaluated, none if it is not there: one
    choice, or a list of them.
    Runs that start from ``optional_weights`` are left out for as long as those are not here. ``registered`` is where
    all of it was fixed before the first run.
    """

    title: str
    note: str
    paper: Name = "soundclr"
    datasets: Annotated[tuple[str, ...], Field(min_length=1)]
    recipes: Annotated[tuple[str, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    folds: tuple[Positive, ...] | None = None
    settings: dict[str, Any] = Field(default={})
    evaluate: Annotated[tuple[Selection, ...], BeforeValidator(listed, json_schema_input_type=OneOrMore)] = ()
    artefacts: dict[Name, Selection] = Field(default={})
    optional_weights: tuple[Name, ...] = ()
    registered: Registration | None = None

    @property
    def selections(self) -> dict[str, Selection]:
        """All that the study needs: its own runs, its artefacts' and those that are evaluated, by their keys here."""
        artefacts = {f".artefacts.{name}": chosen for name, chosen in self.artefacts.items()}
        evaluate = {f".evaluate.{place}" if place else ".evaluate": one for place, one in enumerate(self.evaluate)}
        return {"": Selection(), **artefacts, **evaluate}


class EvaluationSettings(Section):
    """What a run's model is asked after training, on its held-out clips; nothing here trains anything anew.

    ``sigmas`` are standard deviations of white noise on waveforms in [-1, 1] (SoundCLR, figure 5), ``snr`` ratios
    of signal to noise in dB, for each colour of ``noises``; ``seed`` draws the noise.
    """

    sigmas: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)]
    noises: Annotated[tuple[Literal["white", "pink"], ...], Field(min_length=1)]
    snr: Annotated[tuple[Annotated[float, Field(ge=-100, le=100)], ...], Field(min_length=1)]
    seed: Count

    @field_validator("sigmas", "noises", "snr")
    @classmethod
    def _each_once(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Refuse a condition that stands there twice: its results would be counted twice, or not told apart."""
        if repeated := [value for value, count in Counter(values).items() if count > 1]:
            raise PydanticCustomError("repeated", "{value} stands there more than once", {"value": repeated[0]})
        return values
