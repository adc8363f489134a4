"""params.yaml and the files that it includes as one mapping, each study laid over its base."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from soundclr.errors import UserError
from soundclr.machine.yaml_file import read_yaml
from soundclr.params.merging import known, merge

PARTS = {"defaults": 2, "datasets": 1, "weights": 1, "recipes": 1, "grids": 1, "studies": 1}
"""What an included file may have, and how many levels down its names are."""

INHERITED = ("note", "paper", "registered")
"""What a study has of its base, besides the settings that its own are laid over."""


def read_params(path: Path) -> dict[str, Any]:
    """The content of params.yaml with that of the files under its ``include``, whose paths are relative to it.

    Raises UserError for a file that cannot be read, has something that only params.yaml may have, or a name that
    another one has; and for a study whose base there is not.
    """
    content = {**mapping(read_yaml(path), path)}
    files = content.pop("include", [])
    if not (isinstance(files, list) and all(isinstance(file, str) for file in files)):
        raise UserError(f"{path}: include: expected a list of files, found {files!r}")
    first = {key: path for key in names(content)}
    for file in files:
        part = mapping(read_yaml(path.parent / file), path.parent / file)
        for key in part:
            known(key, PARTS, f"key in {path.parent / file}, which {path} includes")
        for name in names(part):
            if first.setdefault(name, path.parent / file) != path.parent / file:
                raise UserError(f"{path.parent / file}: {name} is in {first[name]} too; a name stands in one file")
        content = merge(content, part)
    if isinstance(studies := content.get("studies"), dict):
        content["studies"] = {name: with_base(studies, name, path) for name in studies}
    return content


def mapping(content: Any, path: Path) -> dict[str, Any]:
    """The content of a file, or a UserError where it is no mapping."""
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a mapping with the key 'studies', found {type(content).__name__}")
    return content


def names(content: Mapping[str, Any]) -> list[str]:
    """What a file has that no other one may have, such as ``recipes.hybrid`` and ``defaults.losses.supcon``."""
    return [name for part, depth in PARTS.items() for name in below(content.get(part), part, depth)]


def below(content: Any, place: str, depth: int) -> list[str]:
    """The names so many levels below ``place``."""
    if depth == 0 or not isinstance(content, dict):
        return [] if content is None else [place]
    return [name for key, value in content.items() for name in below(value, f"{place}.{key}", depth - 1)]


def with_base(studies: Mapping[str, Any], name: str, path: Path, above: tuple[str, ...] = ()) -> Any:
    """A study with its settings laid over those of its ``base``, and with what it inherits."""
    study = studies[name]
    if not isinstance(study, dict) or study.get("base") is None:
        return study
    base = known(study["base"], studies, f"study in {path}: studies.{name}.base")
    own = {key: value for key, value in study.items() if key != "base"}
    if base in (name, *above):
        raise UserError(f"{path}: studies.{name}: builds on itself, by way of {' and '.join((*above, base))}")
    whole = with_base(studies, base, path, (name, *above))
    if not isinstance(whole, dict):
        return own
    inherited = {key: whole[key] for key in INHERITED if key in whole}
    return {**inherited, **own, "settings": merge(whole.get("settings", {}), own.get("settings", {}))}
