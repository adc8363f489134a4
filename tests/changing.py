"""The real params.yaml with some of its entries changed."""

import copy
from pathlib import Path

from soundclr.params import Params, read_params

REPO = Path(__file__).resolve().parents[1]
CONTENT = read_params(REPO / "params.yaml")


def changed(**changes):
    """The real parameters with some blocks changed: ``changed(recipes={"hybrid": {...}})``."""
    content = copy.deepcopy(CONTENT)
    for block, entries in changes.items():
        if not isinstance(entries, dict):
            content[block] = entries
            continue
        for name, entry in entries.items():
            content[block][name] = {**content[block].get(name, {}), **entry}
    return Params.model_validate(content)
