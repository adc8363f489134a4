"""A small project, for the tests to spoil, and what to spoil it with."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from soundclr.errors import UserError
from support import toy

BIRDS = {
    "title": "birds",
    "adapter": "csv",
    "file": "sounds/birds.csv",
    "classes": 2,
    "folds": 2,
    "sample_rate": toy.RATE,
    "samples": toy.SAMPLES,
}


def write_project(repo: Path, folder: Path, **changes: Any) -> None:
    """params.yaml, with the study ``toy`` on its features and on ``birds``, eight clips of one's own."""
    toy.project(repo, folder)
    content = toy.content(repo)
    content["datasets"]["birds"] = BIRDS
    content["studies"]["toy"] |= {"datasets": ["toy", "birds"], "recipes": ["cross_entropy", "hybrid"]}
    content["studies"]["toy"]["settings"]["training"]["epochs"] = 2
    content["datasets"].update(changes)
    (folder / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (folder / "sounds").mkdir()
    random = np.random.default_rng(0)
    lines = ["path,label,fold"]
    for name in ("robin", "wren"):
        for number in range(4):
            soundfile.write(folder / "sounds" / f"{name}{number}.wav", random.normal(0, 0.1, 1500), toy.RATE)
            lines.append(f"{name}{number}.wav,{name},{1 + number % 2}")
    (folder / "sounds" / "birds.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def examples(count: int) -> Any:
    """The same ``count`` examples each time; pytest's folder may be theirs in common."""
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def ends_well(attempt: Any) -> bool:
    """True if ``attempt`` does; False if it ends in one line that prints. Anything else is raised."""
    try:
        attempt()
    except UserError as error:
        assert str(error) and str(error).isprintable(), str(error)
        return False
    return True


NAMES = st.sampled_from(["x", "study", "hybrid", "table1", "a\nb", "\x1b[31m", "\ud800", "٣", ""])
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES | st.dates() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.integers() | st.none(), inner, max_size=3),
    max_leaves=5,
)


def nodes(value: Any) -> list[Any]:
    """All mappings and lists in a value that hold something."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(node for part in inner for node in nodes(part))] if inner else []


def mutate(content: Any, data: st.DataObject) -> Any:
    """A copy of ``content`` with one to three entries deleted, replaced, renamed, or copied from elsewhere."""
    content = copy.deepcopy(content)
    for _ in range(data.draw(st.integers(1, 3))):
        found = nodes(content)
        if not found:
            return content
        block = found[data.draw(st.integers(0, len(found) - 1))]
        keys = list(block) if isinstance(block, dict) else list(range(len(block)))
        key = keys[data.draw(st.integers(0, len(keys) - 1))]
        action = data.draw(st.sampled_from(["delete", "replace", "rename", "copy"]))
        if action == "delete":
            del block[key]
        elif action == "rename" and isinstance(block, dict):
            block[data.draw(NAMES)] = block.pop(key)
        elif action == "copy":
            block[key] = copy.deepcopy(found[data.draw(st.integers(0, len(found) - 1))])
        else:
            block[key] = data.draw(VALUES)
    return content
