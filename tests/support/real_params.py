"""The real params.yaml, and copies of it with changes."""

import copy
from pathlib import Path
from typing import Any

import yaml

from soundclr.params import Params, read_params

REPO = Path(__file__).resolve().parents[2]
CONTENT = read_params(REPO / "params.yaml")
CONTENT["studies"] = CONTENT.pop("studies")  # the last, for tests that add one to the text
TEXT = yaml.safe_dump(CONTENT, sort_keys=False, default_flow_style=None)  # in one file


def changed(*values: tuple[str, Any], **blocks: Any) -> dict[str, Any]:
    """The real content with (dotted path, value) pairs put in, and ``blocks`` laid over entries.

    ``changed(("studies.esc10.seeds", 3), recipes={"hybrid": {"title": "mine"}})``
    """
    content = copy.deepcopy(CONTENT)
    for path, value in values:
        put(content, path, value)
    for block, entries in blocks.items():
        if isinstance(entries, dict):
            content[block] |= {name: content[block].get(name, {}) | entry for name, entry in entries.items()}
        else:
            content[block] = entries
    return content


def changed_params(**blocks: Any) -> Params:
    """:func:`changed` as parameters."""
    return Params.model_validate(changed(**blocks))


def put(content: Any, path: str, value: Any) -> None:
    """Set the value at a dotted path; a number in the path is a place in a list."""
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in parents:
        content = content[key] if isinstance(content, list) else content.setdefault(key, {})
    content[last] = value
