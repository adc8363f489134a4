"""Merges settings, and turns pydantic's errors into one line."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from types import UnionType
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from soundclr.errors import UserError
from soundclr.params.schema import NAME, Section

S = TypeVar("S", bound=Section)

MOST_NAMES = 16  # listed in an error
KEY = "[key]"  # pydantic's word for a key itself, after that key
WORDS = {  # the beginning of an error's type in pydantic -> the message
    "missing": "is missing",
    "tuple_type": "Input should be a list",
    "list_type": "Input should be a list",
    "dict_type": "Input should be a mapping",
    "model_type": "Input should be a mapping",
    "string_type": "Input should be text",
    "int_": "Input should be a whole number",
    "float_": "Input should be a number",
    "bool_": "Input should be true or false",
}


def known(name: Any, names: Iterable[Any], what: str) -> Any:
    """Return ``name`` if it is among ``names``; otherwise raise a UserError with the nearest or the first names."""
    names = list(names)
    if name in names:
        return name
    near = [] if name is None else difflib.get_close_matches(str(name), [str(n) for n in names], n=3, cutoff=0.5)
    if near:
        raise UserError(f"unknown {what}: {name!r}; did you mean {' or '.join(map(repr, near))}?")
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    found = "nothing" if name is None else repr(name)
    if not names:
        raise UserError(f"unknown {what}: {found}; there are none")
    raise UserError(f"unknown {what}: {found}; known: {', '.join(map(str, names[:MOST_NAMES]))}{more}")


def merge(base: Any, differences: Any) -> Any:
    """Merge ``differences`` into ``base``, mapping by mapping; lists and other values are replaced whole."""
    if not (isinstance(base, Mapping) and isinstance(differences, Mapping)):
        return differences
    return {**base, **{key: merge(base.get(key), value) for key, value in differences.items()}}


def check_keys(differences: Mapping[str, Any], base: Mapping[str, Any], place: Callable[..., str], *above: str) -> None:
    """Check that ``differences`` have only keys of ``base``, with values of the same shape; otherwise UserError.

    ``place`` makes the place of keys in a message; ``above`` are the keys that lead to ``differences``.
    """
    for key, value in differences.items():
        if key not in base:
            what = "loss (defaults.losses lists them)" if above[-1:] == ("loss",) else "key"
            known(key, base, f"{what} in {place(*above)}")
        if (wanted := shape(base[key])) != shape(value):
            found = "nothing" if value is None else repr(value)
            raise UserError(f"{place(*above, key)}: expected {wanted}{example(base[key])}, found {found}")
        if isinstance(value, Mapping):
            check_keys(value, base[key], place, *above, key)


def example(value: Any) -> str:
    """A value as an example; of a mapping its first keys only."""
    if not isinstance(value, Mapping):
        return f" like {value!r}"
    return f" with keys such as {', '.join(map(str, [*value][:3]))}" if value else ""


def shape(value: Any) -> str:
    """The shape of a value, in words of YAML."""
    return "a mapping" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else "one value"


def validated(
    kind: type[S], content: Mapping[str, Any], place: str | Callable[[tuple[str | int, ...]], str], *inside: str
) -> S:
    """Validate ``content`` as a section; pydantic's first error, or an unknown key, becomes a UserError.

    The message begins with ``place`` and the keys that lead to the value; ``inside`` are the keys above ``content``.
    If ``place`` is a function, the message begins with its result for these keys.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        keys = (*inside, *keys_in(content, first))
        where = place(keys) if callable(place) else f"{place}: {dotted(keys)}"
        if first["type"] == "extra_forbidden":
            known(first["loc"][-1], fields_at(kind, first["loc"][:-1]), f"key in {where}")
        value = "nothing" if first["input"] is None else repr(first["input"])
        found = "" if first["type"] == "missing" else f", found {value}"
        raise UserError(f"{where}: {in_words_of_yaml(first)}{found}") from error


def dotted(keys: Iterable[str | int]) -> str:
    """Keys joined by dots."""
    return ".".join(map(str, keys))


def keys_in(content: Any, error: ErrorDetails) -> list[str | int]:
    """The keys that lead to an error in ``content``, without the types that pydantic names for a choice of types."""
    keys: list[str | int] = []
    absent = not error["type"].endswith(("_type", "_parsing"))  # whether the last key may be absent from the content
    for place, key in enumerate(error["loc"], start=1):
        if isinstance(content, Mapping) and key != KEY and (key in content or (absent and place == len(error["loc"]))):
            content = content.get(key)
        elif isinstance(content, list | tuple) and isinstance(key, int):
            content = content[key] if key < len(content) else None
        else:
            continue
        keys.append(key)
    return keys


def in_words_of_yaml(error: ErrorDetails) -> str:
    """Pydantic's message, with YAML's words in place of Python's."""
    limits = error.get("ctx", {})
    if error["type"] == "too_short":
        return f"Input should have at least {limits['min_length']} {'value' if limits['min_length'] == 1 else 'values'}"
    if limits.get("pattern") == NAME:
        return "Input should be a name of lower-case letters, digits and _ that begins with a letter"
    if error["type"] == "string_pattern_mismatch":
        return f"Input should match {limits['pattern']}"
    return next((words for start, words in WORDS.items() if error["type"].startswith(start)), error["msg"])


def fields_at(kind: Any, location: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at ``location`` inside ``kind`` may have."""
    for part in location:
        section = isinstance(kind, type) and issubclass(kind, Section)
        if section:
            kind = kind.model_fields[str(part)].annotation
        if not section or isinstance(kind, UnionType):  # a part of a mapping or list, or a section that may be None
            kind = next(a for a in get_args(kind) if isinstance(a, type) and issubclass(a, Section))
    return list(kind.model_fields)
