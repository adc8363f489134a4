"""Merges settings, and turns pydantic's errors into one line."""

import difflib
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from soundclr.errors import UserError
from soundclr.params.schema import Section

S = TypeVar("S", bound=Section)

MOST_NAMES = 16  # listed in an error


def known(name: Any, names: Iterable[Any], what: str) -> Any:
    """Return ``name`` if it is among ``names``; otherwise raise a UserError with the nearest or the first names."""
    names = list(names)
    if name in names:
        return name
    near = difflib.get_close_matches(str(name), [str(n) for n in names], n=3, cutoff=0.5)
    if near:
        raise UserError(f"unknown {what}: {name!r}; did you mean {' or '.join(map(repr, near))}?")
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    raise UserError(f"unknown {what}: {name!r}; known: {', '.join(map(str, names[:MOST_NAMES]))}{more}")


def merge(base: Any, differences: Any) -> Any:
    """Merge ``differences`` into ``base``, mapping by mapping; lists and other values are replaced whole."""
    if not (isinstance(base, Mapping) and isinstance(differences, Mapping)):
        return differences
    return {**base, **{key: merge(base.get(key), value) for key, value in differences.items()}}


def check_keys(differences: Mapping[str, Any], base: Mapping[str, Any], place: str) -> None:
    """Check that ``differences`` have only keys of ``base``, with values of the same shape; otherwise UserError."""
    for key, value in differences.items():
        known(key, base, f"key in {place}")
        if (wanted := shape(base[key])) != shape(value):
            raise UserError(f"{place}.{key}: expected {wanted} like {base[key]!r}, found {value!r}")
        if isinstance(value, Mapping):
            check_keys(value, base[key], f"{place}.{key}")


def shape(value: Any) -> str:
    """The shape of a value, in words of YAML."""
    return "a mapping" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else "one value"


def validated(kind: type[S], content: Mapping[str, Any], place: str, *inside: str) -> S:
    """Validate ``content`` as a section; pydantic's first error, or an unknown key, becomes a UserError.

    The message begins with ``place``; ``inside`` are the keys above ``content`` there.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        path = ".".join(str(part) for part in (*inside, *first["loc"]))
        if first["type"] == "extra_forbidden":
            known(first["loc"][-1], fields_at(kind, first["loc"][:-1]), f"key in {place}: {path}")
        found = "" if first["type"] == "missing" else f", found {first['input']!r}"
        raise UserError(f"{place}: {path}: {first['msg']}{found}") from error


def fields_at(kind: Any, location: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at ``location`` inside ``kind`` may have."""
    for part in location:
        section = isinstance(kind, type) and issubclass(kind, Section)
        if section:
            kind = kind.model_fields[str(part)].annotation
        if not section or isinstance(kind, UnionType):  # a part of a mapping or list, or a section that may be None
            kind = next(a for a in get_args(kind) if isinstance(a, type) and issubclass(a, Section))
    return list(kind.model_fields)
