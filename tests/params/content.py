"""The real params.yaml, to be changed by tests."""

import copy
from pathlib import Path

import yaml

from soundclr.params import read_params

REPO = Path(__file__).resolve().parents[2]
CONTENT = read_params(REPO / "params.yaml")
CONTENT["studies"] = CONTENT.pop("studies")  # the last, for tests that add one to the text
TEXT = yaml.safe_dump(CONTENT, sort_keys=False, default_flow_style=None)  # in one file


def put(content, path, value):
    """``content`` with the value at a dotted path set; a number in the path is a place in a list."""
    block = content
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in parents:
        block = block[key] if isinstance(block, list) else block.setdefault(key, {})
    block[last] = value


def changed(*changes):
    """The real content with (dotted path, value) pairs put in."""
    content = copy.deepcopy(CONTENT)
    for path, value in changes:
        put(content, path, value)
    return content
