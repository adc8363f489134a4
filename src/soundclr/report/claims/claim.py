"""A paper's claims as data: claims.yaml in its folder, and for a registered study its registration file."""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, Field, model_validator

from soundclr.errors import UserError
from soundclr.params import Params, Section, validated

Place = tuple[str, str, str]
"""Row, column and statistic of a number in published.csv."""


class Numbers(Section):
    """The places in published.csv of both sides, or of their difference only."""

    table: str
    ahead: Place | None = None
    behind: Place | None = None
    gain: Place | None = None
    behind_table: str | None = None

    @property
    def cells(self) -> str:
        """Where published.csv has them: table, then row, column and statistic of each."""
        places = [f"{self.table}: {', '.join(place)}" for place in (self.gain, self.ahead) if place]
        behind = f"{self.behind_table}: " if self.behind_table else ""
        return "; ".join([*places, *([f"{behind}{', '.join(self.behind)}"] if self.behind else [])])


class Claim(Section):
    """One claim: `ahead` is better than `behind` by `measure`.

    A side is a recipe's name or, with `by`, the name that the paper's ``KINDS`` give to its settings. Without `behind`
    it is compared with each other one of its kind. `datasets`: by the paper's own names. `detail`: its row is in the
    CSV only. `differences`: the paper's by dataset, where a registration gives them and published.csv has no sides.
    `note`: what a reader must know of the comparison. `asked`: not a claim of the paper, so there is no verdict.
    `later`: asked after the study was registered. `by_construction`: the row comes out one way whatever the truth, so
    it has no verdict, unless the study has `registered` one. `seeds`: the trainings behind the paper's number, by
    default those of its study `exact`. Verdicts of one `family` are corrected together.
    """

    id: str
    claim: str
    place: str
    words: str | None = None
    note: str | None = None
    measure: str
    by: str = "recipe"
    ahead: str | float
    behind: str | float | tuple[str, ...] | None = None
    datasets: tuple[str, ...] = ()
    numbers: Numbers | None = None
    differences: dict[str, float] = Field(default={})
    detail: bool = False
    asked: bool = False
    later: bool = False
    by_construction: bool = False
    registered: bool = False
    seeds: int | None = None
    family: str = ""

    @property
    def tested(self) -> bool:
        """Whether it gets a verdict once its runs are there: no further question, no fixed row, no count of folds."""
        fixed = self.by_construction and not self.registered
        return not (self.asked or fixed or self.measure == "folds")

    @property
    def others(self) -> tuple[str | float, ...]:
        """The names of the other sides; none where all others of the kind are compared."""
        if self.behind is None:
            return ()
        return self.behind if isinstance(self.behind, tuple) else (self.behind,)


class PaperDataset(Section):
    """A dataset of params.yaml: its name in the paper (`of`), and what is `reduced` in ours.

    `settings_of`: the dataset with the paper's settings, where it is another one.
    """

    of: str
    reduced: str | None = None
    settings_of: str | None = None


class Citation(Section):
    """How a paper is cited."""

    authors: str
    year: int
    title: str
    url: str


class PaperClaims(Section):
    """A paper's claims, the study with its `exact` settings, and its datasets; `headlines` are in the README.

    `caveat`: what a reader must know of the runs here. `question`: the claim that answers the site's question.
    """

    citation: Citation
    caveat: str | None = None
    question: str | None = None
    exact: str
    headlines: tuple[str, ...]
    datasets: dict[str, PaperDataset]
    claims: tuple[Claim, ...]
    also_asked: tuple[Claim, ...] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "PaperClaims":
        ids = [claim.id for claim in (*self.claims, *self.also_asked)]
        if len(ids) != len(set(ids)):
            raise ValueError(f"each id once, but {', '.join(sorted({one for one in ids if ids.count(one) > 1}))}")
        if missing := set(self.headlines) - {claim.id for claim in self.claims}:
            raise ValueError(f"headlines that are no claims: {', '.join(sorted(missing))}")
        return self

    @property
    def every(self) -> tuple[Claim, ...]:
        """The claims, then the further questions."""
        return (*self.claims, *(claim.model_copy(update={"asked": True}) for claim in self.also_asked))


@cache
def read_claims(paper: str) -> PaperClaims:
    """The claims in ``papers/<paper>/claims.yaml``."""
    file = resources.files("soundclr.report.papers") / paper / "claims.yaml"
    return validated(PaperClaims, yaml.safe_load(file.read_text()), str(file))


class Registration(Section):
    """The claims and the analysis of a registration file; a test compares its runs."""

    model_config = ConfigDict(extra="ignore")

    analysis: dict[str, Any]
    claims: tuple[dict[str, Any], ...]
    also_asked: tuple[dict[str, Any], ...] = ()


def registration_of(params: Params, study: str) -> Registration | None:
    """The registration file of a registered study; None for any other."""
    registered = params.get_study(study).registered
    if registered is None:
        return None
    path = Path(registered.file)
    if not path.is_file():
        raise UserError(f"{path}: missing, though study {study} is registered in it; restore it from git")
    return validated(Registration, yaml.safe_load(path.read_text()), str(path))
