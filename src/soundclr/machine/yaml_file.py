"""A YAML file, read as strictly as it was meant: no key twice, and no flood of aliases."""

import math
from pathlib import Path
from typing import Any

import yaml

from soundclr.errors import UserError
from soundclr.machine.files import check_text, regular

MOST_CHARACTERS = 1_000_000
MOST_NODES = 100_000  # values in a file once its aliases are written out; params.yaml has some 1,500
DEEPEST = 100  # lists and mappings in each other
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is several times as fast


def read_yaml(path: Path) -> Any:
    """The file's content. Raises UserError for a file that is not there, cannot be read, or is not plain YAML."""
    try:
        with open(path, encoding="utf-8", opener=regular) as file:
            text = file.read(MOST_CHARACTERS + 1)
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: is missing; run the command in the repository's folder, or name the file with --params"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"{path}: is too large for a file of parameters, more than {MOST_CHARACTERS} characters")
    try:
        check_size(text)
        return yaml.load(text, UniqueKeyLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date with a 13th month
        raise UserError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error


class UniqueKeyLoader(LOADER):  # type: ignore[misc, valid-type]
    """yaml.SafeLoader that takes a key twice for the mistake it is, where YAML would drop the first value."""

    def construct_scalar(self, node: Any) -> Any:
        """Build a plain value; text that no file can hold is a ConstructorError with its line."""
        value = super().construct_scalar(node)
        try:
            check_text(value, "")
        except UserError as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; a repeated key is a ConstructorError with its line."""
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
    """Raise a ConstructorError for YAML that nests too deep, or has too many values once aliases are written out.

    A few aliases of aliases are a flood, each level multiplying what is to be read; libyaml recurses without a limit.
    """
    inside: list[list[Any]] = []  # anchor and values so far of each collection that the place is in
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
            what = f"more than {MOST_NODES} values, counting an alias as what it stands for"
            what = what if size > MOST_NODES else f"more than {DEEPEST} levels of lists and mappings"
            raise yaml.constructor.ConstructorError(None, None, what, event.start_mark)
