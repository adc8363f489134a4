"""A YAML file, read as strictly as it was meant: no key twice, and no flood of aliases."""

import itertools
import math
from pathlib import Path
from typing import Any

import yaml

from soundclr.errors import UserError
from soundclr.machine.files import check_text, regular

MOST_CHARACTERS = 1_000_000
MOST_NODES = 100_000  # values in a file once its aliases are written out; params.yaml has some 1,500


def read_yaml(path: Path) -> Any:
    """The file's content. Raises UserError for a file that is not there, cannot be read, or is not plain YAML."""
    try:
        with open(path, encoding="utf-8", opener=regular) as file:
            text = file.read(MOST_CHARACTERS + 1)
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: is not there; run the command in the repository's folder, or name the file with --params"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"{path}: is too large for a file of parameters, more than {MOST_CHARACTERS} characters")
    try:
        return yaml.load(text, UniqueKeyLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date with a 13th month
        raise UserError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from error


class UniqueKeyLoader(yaml.SafeLoader):
    """yaml.SafeLoader that takes a key twice for the mistake it is, where YAML would drop the first value.

    And a few aliases of aliases for the flood they are: each level could multiply what is to be read by ten.
    """

    def get_single_node(self) -> yaml.Node | None:
        """The whole document, if it is not too large once its aliases are written out."""
        node = super().get_single_node()
        if node is not None and written_out(node, {}) > MOST_NODES:
            raise yaml.constructor.ConstructorError(
                None, None, f"more than {MOST_NODES} values, counting an alias as what it stands for", node.start_mark
            )
        return node

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


def written_out(node: yaml.Node, counted: dict[yaml.Node, float]) -> float:
    """How many values a node has with its aliases written out: infinitely many where one stands inside its anchor."""
    if node not in counted:
        counted[node] = math.inf
        parts = itertools.chain(*node.value) if isinstance(node, yaml.MappingNode) else node.value
        parts = [] if isinstance(node, yaml.ScalarNode) else parts
        counted[node] = 1.0 + sum(written_out(part, counted) for part in parts)
    return counted[node]
