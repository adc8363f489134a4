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
    """Where in published.csv both sides stand, or their difference alone."""

    table: str
    ahead: Place | None = None
    behind: Place | None = None
    gain: Place | None = None
    behind_table: str | None = None

    @property
    def cells(self) -> str:
        """Where they stand, as in ``table3: hybrid, accuracy, mean; cross_entropy, accuracy, mean``."""
        places = [f"{self.table}: {', '.join(place)}" for place in (self.gain, self.ahead) if place]
        behind = f"{self.behind_table}: " if self.behind_table else ""
        return "; ".join([*places, *([f"{behind}{', '.join(self.behind)}"] if self.behind else [])])


class Claim(Section):
    """One claim: `ahead` is better than `behind` by `measure`.

    A side is a recipe's name or, with `by`, what the paper's ``KINDS`` make of its settings.
    Without `behind` the others of its kind are meant, each alone. `datasets` are the paper's, by its own names.
    `detail`: its row is in the CSV alone. `differences`: the paper's, by its datasets, where a registration gives them
    and published.csv has no sides. `asked`: not a claim of the paper, so there is no verdict; `later`: asked after a
    study was registered. Verdicts of one `family` are corrected together.
    """

    id: str
    claim: str
    place: str
    words: str | None = None
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
    family: str = ""

    @property
    def others(self) -> tuple[str | float, ...]:
        """The other sides by name; none where all of the kind are meant."""
        if self.behind is None:
            return ()
        return self.behind if isinstance(self.behind, tuple) else (self.behind,)


class PaperDataset(Section):
    """What the paper calls a dataset of params.yaml, and what is less in ours.

    `settings_of`: the dataset whose settings are the paper's, where it is another.
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
    """A paper's claims, the study that has its own settings, and its datasets; `headlines` are in the README."""

    citation: Citation
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
        """The claims, then what is also asked."""
        return (*self.claims, *(claim.model_copy(update={"asked": True}) for claim in self.also_asked))


@cache
def read_claims(paper: str) -> PaperClaims:
    """The claims in ``papers/<paper>/claims.yaml``."""
    file = resources.files("soundclr.report.papers") / paper / "claims.yaml"
    return validated(PaperClaims, yaml.safe_load(file.read_text()), str(file))


class Registration(Section):
    """What a registration file says of claims and analysis; its runs are compared by a test."""

    model_config = ConfigDict(extra="ignore")

    analysis: dict[str, Any]
    claims: tuple[dict[str, Any], ...]
    also_asked: tuple[dict[str, Any], ...] = ()


def registration_of(params: Params, study: str) -> Registration | None:
    """A registered study's registration file; None for a study that is not registered."""
    registered = params.get_study(study).registered
    if registered is None:
        return None
    path = Path(registered.file)
    if not path.is_file():
        raise UserError(f"{path}: missing, though study {study} is registered in it; restore it from git")
    return validated(Registration, yaml.safe_load(path.read_text()), str(path))
