"""Merges params.yaml and the files that it includes, and each study with its base."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from soundclr.errors import UserError
from soundclr.machine.yaml_file import read_yaml
from soundclr.params.merging import dotted, known, merge, shape

PARTS = {"defaults": 2, "datasets": 1, "weights": 1, "recipes": 1, "grids": 1, "studies": 1}
"""The keys of an included file, and how many levels below them its names are."""

INHERITED = ("note", "paper", "registered")
"""What a study inherits from its base besides settings."""


def read_params(path: Path) -> dict[str, Any]:
    """Read params.yaml and the files under its ``include``, whose paths are relative to it, as one mapping.

    Raises UserError for a file that cannot be read, has a key that only params.yaml may have, or has a name that
    another file has; and for a study with an unknown base.
    """
    return read_files(path)[0]


def read_files(path: Path) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return what :func:`read_params` does, and the file of each name, such as ``recipes.hybrid``."""
    content = {**mapping(read_yaml(path), path)}
    files = content.pop("include", [])
    if not (isinstance(files, list) and all(isinstance(file, str) for file in files)):
        raise UserError(f"{path}: include: expected a list of files, found {files!r}")
    first = {key: path for key in names(content)}
    for place in (path.parent / file for file in files):
        if place.absolute() == path.absolute() or not place.exists():
            fault = "is missing" if not place.exists() else "includes itself"
            raise UserError(f"{place}: {fault}; correct `include` in {path}")
        part = mapping(read_yaml(place), place)
        for key in part:
            known(key, PARTS, f"key in {place}, which {path} includes")
        for name in names(part):
            if first.setdefault(name, place) != place:
                raise UserError(f"{place}: {name} is also in {first[name]}; a name may be in one file only")
        check_blocks((path, content), (place, part))
        content = merge(content, part)
    if isinstance(studies := content.get("studies"), dict):
        content["studies"] = {name: with_base(studies, name, first) for name in studies}
    return content, first


def mapping(content: Any, path: Path) -> dict[str, Any]:
    """Return a file's content; UserError if it is not a mapping."""
    if not isinstance(content, dict):
        found = "nothing" if content is None else shape(content)
        raise UserError(f"{path}: expected a mapping with the key 'studies', found {found}")
    return content


def check_blocks(one: tuple[Path, Mapping[str, Any]], other: tuple[Path, Mapping[str, Any]], *above: str) -> None:
    """Raise UserError for what is a mapping in one file and something else in the other; ``above`` are its keys."""
    for key in one[1].keys() & other[1].keys():
        both = [(file, content[key]) for file, content in (one, other)]
        wrong = [(file, value) for file, value in both if not isinstance(value, dict)]
        if not wrong:
            check_blocks(both[0], both[1], *above, key)
        elif len(wrong) == 1:
            ((file, value),) = wrong
            found = "nothing" if value is None else repr(value)
            raise UserError(f"{file}: {dotted((*above, key))}: expected a mapping, found {found}")


def names(content: Mapping[str, Any]) -> list[str]:
    """The names that no other file may have, such as ``recipes.hybrid`` and ``defaults.losses.supcon``."""
    return [name for part, depth in PARTS.items() for name in below(content.get(part), part, depth)]


def below(content: Any, place: str, depth: int) -> list[str]:
    """The names ``depth`` levels below ``place``."""
    if depth == 0 or not isinstance(content, dict):
        return [place] if depth == 0 or content is not None else []
    return [name for key, value in content.items() for name in below(value, f"{place}.{key}", depth - 1)]


def with_base(studies: Mapping[str, Any], name: str, files: Mapping[str, Path], above: tuple[str, ...] = ()) -> Any:
    """A study merged with its ``base``."""
    study = studies[name]
    if not isinstance(study, dict) or study.get("base") is None:
        return study
    place = f"{files[f'studies.{name}']}: studies.{name}"
    base = known(study["base"], studies, f"study in {place}.base")
    own = {key: value for key, value in study.items() if key != "base"}
    if base in (name, *above):
        raise UserError(f"{place}: builds on itself, through {' and '.join((*above, base))}")
    whole = with_base(studies, base, files, (name, *above))
    if not isinstance(whole, dict):
        return own
    inherited = {key: whole[key] for key in INHERITED if key in whole}
    return {**inherited, **own, "settings": merge(whole.get("settings", {}), own.get("settings", {}))}
