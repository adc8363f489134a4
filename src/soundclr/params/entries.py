"""What params.yaml chooses by name: an entry is a class whose fields are its parameters, in the room that it is of."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ConfigDict

from soundclr.params import Choice, Section, known, validated

T = TypeVar("T", bound="Entry")


class Entry(Section):
    """A registry's entry: its fields are the parameters that params.yaml gives it, checked when it is made.

    A field's alias is the name that it had before its unit came to it: both are read, see :data:`resolving.UNITS`.
    """

    model_config = ConfigDict(populate_by_name=True, loc_by_alias=False)


def entry_of(registry: Mapping[str, type[T]], choice: Choice, what: str, place: str) -> T:
    """The entry that ``choice`` names, with its parameters; UserError for a name or a parameter that there is not.

    ``what`` is what the registry's entries are called, ``place`` where in params.yaml the choice stands.
    """
    kind = registry[known(choice.name, registry, f"{what} in {place}")]
    return validated(kind, choice.parameters, f"{place}: {what} {choice.name}")
