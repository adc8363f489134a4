"""Content and text with random faults load or are one line, never another error."""

import copy
import random

import pytest

from soundclr.errors import UserError
from soundclr.method import load_checked
from soundclr.run.runs import evaluated, expand
from support.real_params import CONTENT, TEXT

GRID = {
    "name": "g_{a}",
    "title": "grid {a}",
    "values": {"x": {"title": "X", "settings": {}}},
    "products": [{"a": ["x"]}],
}
VALUES = [
    None,
    True,
    0,
    1,
    -1,
    2.5,
    1e400,
    float("nan"),
    "",
    "x",
    "none",
    "resnet18",
    [],
    [1],
    ["encoder"],
    {},
    {"x": 1},
]
VALUES += [{1: 2}, {None: {}}, [[]], [{}], "\n", 10**30]


def nodes(value):
    """All mappings and lists in a value, with their parents."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(node for part in inner for node in nodes(part))] if inner else []


def mutated(content, dice):
    """A copy of ``content`` with one to three entries replaced, deleted, renamed, or copied elsewhere."""
    content = copy.deepcopy(content)
    for _ in range(dice.randint(1, 3)):
        block = dice.choice(nodes(content))
        key = dice.choice(list(block) if isinstance(block, dict) else range(len(block)))
        action = dice.choice(["replace", "replace", "delete", "rename", "copy"])
        if action == "delete":
            del block[key]
        elif action == "rename" and isinstance(block, dict):
            block[dice.choice(["x", 1, None, "trains", f"{key}s"])] = block.pop(key)
        elif action == "copy":
            block[key] = copy.deepcopy(dice.choice(nodes(content)))
        else:
            block[key] = copy.deepcopy(dice.choice(VALUES))
        if not nodes(content):
            break
    return content


def loads_or_says_why(attempt):
    """True for content that loads, and whose studies expand; False for a UserError of one line."""
    try:
        params = attempt()
        for study in params.studies:
            list(expand(params, study))
            evaluated(params, study)
    except UserError as error:
        assert str(error) and "\n" not in str(error)
        return False
    return True


@pytest.mark.slow
def test_mutilated_content_never_ends_in_another_error(loaded):
    dice = random.Random(0)
    small = copy.deepcopy(CONTENT)
    small["studies"] = {name: small["studies"][name] for name in ("esc10", "esc50", "clar_quick_esc10")}
    del small["datasets"]["us8k"], small["datasets"]["esc50"], small["recipes"]["cross_entropy"]["datasets"]
    small["study"] = "esc10"
    small["recipes"]["probe"] = {"title": "probe", "base": "hybrid", "settings": {
        "start": {"weights": "none", "run": "hybrid"},
        "stages": [{"name": "probe", "trains": ["classifier"], "loss": {"supcon": 0.0}}]
    }}  # fmt: skip
    small["grids"] = {"g": GRID}
    small["studies"]["esc10"] |= {"recipes": ["hybrid", "probe", "g"], "artefacts": {"table": {"recipes": ["probe"]}}}
    assert loads_or_says_why(lambda: loaded(copy.deepcopy(small)))  # whole, it loads
    results = [loads_or_says_why(lambda: loaded(mutated(small, dice))) for _ in range(400)]
    assert 20 < sum(results) < 380  # both sides of the fence were tried


@pytest.mark.slow
def test_mutilated_text_never_ends_in_another_error(tmp_path):
    dice = random.Random(0)
    path = tmp_path / "params.yaml"
    for _ in range(40):
        text = list(TEXT)
        for _ in range(dice.randint(1, 4)):
            place = dice.randrange(len(text))
            text[place : place + dice.choice([0, 0, 1, 5, 200])] = dice.choice(
                ["", "\n", ":", "{", "]", "&a ", "*a", "'", "- ", "\t", "é", "9"]
            )
        path.write_text("".join(text), encoding="utf-8")
        loads_or_says_why(lambda: load_checked(path))
