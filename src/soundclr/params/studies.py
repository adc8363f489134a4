"""The blocks of params.yaml for studies, their choices of runs, and evaluations."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from soundclr.params.schema import Count, Name, Positive, Section


class Selection(Section):
    """A choice of runs; missing keys are the study's. A grid in ``recipes`` means all its recipes."""

    datasets: tuple[str, ...] | None = None
    recipes: tuple[str, ...] | None = None
    seeds: tuple[Count, ...] | None = None
    folds: tuple[Positive, ...] | None = None


class Registration(Section):
    """The registration of a study, which fixed its runs, claims and analysis before its first run.

    ``file`` is the registration's data, relative to params.yaml, as it is in the git commit ``commit``, made at
    ``time`` (UTC). ``changes`` lists later changes, a sentence each.
    """

    file: str
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    time: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    changes: tuple[str, ...] = ()


def listed(value: Any) -> Any:
    """Turn one mapping into a list, and nothing into an empty list."""
    return [value] if isinstance(value, dict) else value or []


OneOrMore = Selection | tuple[Selection, ...] | None


class StudySettings(Section):
    """A choice of datasets, recipes, seeds and budget. ``note`` describes the budget in captions.

    ``paper`` is the paper whose tables and figures the study compares with: a folder of :mod:`soundclr.report.papers`.
    ``artefacts`` lists the tables and figures that need runs besides the study's own, with these runs. ``evaluate`` is
    the choice of runs whose models are evaluated, or a list of choices; by default none.

    Runs that start from ``optional_weights`` are left out while the weights' file is missing. ``registered`` is the
    study's registration.
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
    """How models are evaluated on their held-out clips after training. Changes here train nothing again.

    ``sigmas`` are standard deviations of white noise on waveforms in [-1, 1] (SoundCLR, figure 5), ``snr``
    signal-to-noise ratios in dB, for each colour of ``noises``; ``seed`` draws the noise.
    """

    sigmas: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)]
    noises: Annotated[tuple[Literal["white", "pink"], ...], Field(min_length=1)]
    snr: Annotated[tuple[Annotated[float, Field(ge=-100, le=100)], ...], Field(min_length=1)]
    seed: Count

    @field_validator("sigmas", "noises", "snr")
    @classmethod
    def _each_once(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Refuse a repeated condition; its results would be counted twice, or could not be told apart."""
        if repeated := [value for value, count in Counter(values).items() if count > 1]:
            raise PydanticCustomError("repeated", "{value} is listed more than once", {"value": repeated[0]})
        return values
