"""Entries: components that params.yaml selects by name, each a class in a registry with its parameters as fields."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ConfigDict

from soundclr.params import Choice, Section, known, validated

T = TypeVar("T", bound="Entry")


class Entry(Section):
    """A registered component. Its fields are its parameters in params.yaml, which are validated when it is built.

    A field's alias is its former name, without the unit; both are accepted, see :data:`resolving.UNITS`.
    """

    model_config = ConfigDict(populate_by_name=True, loc_by_alias=False)


def entry_of(registry: Mapping[str, type[T]], choice: Choice, what: str, place: str) -> T:
    """Build the entry that ``choice`` names, with its parameters. UserError for an unknown name or parameter.

    In messages, ``what`` names the kind of entry and ``place`` the place in params.yaml.
    """
    kind = registry[known(choice.name, registry, f"{what} in {place}")]
    return validated(kind, choice.parameters, f"{place}: {what} {choice.name}")
