"""The real params.yaml, to be changed by tests."""

import copy
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[2]
TEXT = (REPO / "params.yaml").read_text(encoding="utf-8")
CONTENT = yaml.safe_load(TEXT)


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
