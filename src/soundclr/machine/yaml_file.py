"""Reads a YAML file strictly: no duplicate keys, and no flood of aliases."""

import math
from pathlib import Path
from typing import Any

import yaml

from soundclr.errors import UserError
from soundclr.machine.files import check_text, reason, regular

MOST_CHARACTERS = 1_000_000
MOST_NODES = 100_000  # values in a file with expanded aliases; params.yaml has about 1,500
DEEPEST = 100  # levels of lists and mappings
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is several times as fast


def read_yaml(path: Path) -> Any:
    """Read a file's content. UserError for a file that is missing, cannot be read, or is not plain YAML."""
    try:
        with open(path, encoding="utf-8", opener=regular) as file:
            text = file.read(MOST_CHARACTERS + 1)
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: is missing; run the command in the repository's folder, or name the file with --params"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not text in UTF-8") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({reason(error)})") from error
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"{path}: has more than {MOST_CHARACTERS} characters, too many for a file of parameters")
    try:
        check_size(text)
        return yaml.load(text, UniqueKeyLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: such as a date with a 13th month
        text = " ".join(str(error).replace(' in "<unicode string>",', "").split())
        raise UserError(f"{path}: not valid YAML ({text})") from error


class UniqueKeyLoader(LOADER):  # type: ignore[misc, valid-type]
    """A yaml.SafeLoader that refuses duplicate keys, for which YAML would drop the first value."""

    def construct_scalar(self, node: Any) -> Any:
        """Build a plain value; ConstructorError, with the line, for text that no file can contain."""
        value = super().construct_scalar(node)
        try:
            check_text(value, "")
        except UserError as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; ConstructorError, with the line, for a repeated key."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (list, dict)):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a plain value", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key!r}", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def check_size(text: str) -> None:
    """Raise ConstructorError for YAML that nests too deeply, or has too many values with expanded aliases.

    With aliases of aliases, each level multiplies the number of values; libyaml recurses without a limit.
    """
    inside: list[list[Any]] = []  # the open collections: anchor, and number of values so far
    sizes: dict[str | None, float] = {}  # of anchors
    event: Any
    for event in yaml.parse(text, Loader=LOADER):
        anchor, size = getattr(event, "anchor", None), 0.0
        if isinstance(event, yaml.CollectionStartEvent):
            inside.append([anchor, 1.0])
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = inside.pop()
        elif isinstance(event, yaml.AliasEvent):
            size = math.inf if any(anchor == of for of, _ in inside) else sizes.get(anchor, 1.0)
        elif isinstance(event, yaml.ScalarEvent):
            size = 1.0
        sizes[anchor] = size
        if inside:
            inside[-1][1] += size
        if size > MOST_NODES or len(inside) > DEEPEST:
            what = f"more than {MOST_NODES} values with expanded aliases"
            what = what if size > MOST_NODES else f"more than {DEEPEST} levels of lists and mappings"
            raise yaml.constructor.ConstructorError(None, None, what, event.start_mark)
