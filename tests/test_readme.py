"""What the README says is what the repository has."""

import re
from pathlib import Path

import pytest
import yaml

from soundclr.method import load_checked
from soundclr.runs import expand


def test_the_result_table_is_the_committed_one(repo: Path) -> None:
    """The rows of the first screen's table are those that the report wrote for the study esc10."""

    def rows(path: Path) -> list[str]:
        return [line for line in path.read_text().splitlines() if line.startswith("| ESC-10 |")]

    assert rows(repo / "README.md") == rows(repo / "results/esc10/tables/table3.md") != []


def test_links_lead_somewhere(repo: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)]+)\)", (repo / "README.md").read_text())
    assert len(links) > 5
    assert [link for link in links if not (repo / link).exists()] == []


def test_numbers_of_trainings(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of studies: its last column is what params.yaml expands to, own sounds being there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sounds").mkdir()
    params = load_checked(repo / "params.yaml")
    lines = (repo / "README.md").read_text().splitlines()
    stated = {m[1]: int(m[2]) for line in lines if (m := re.match(r"\| `(\w+)` \|.*\| (\d+) \|$", line))}
    assert stated == {study: len(list(expand(params, study))) for study in params.studies}


def test_its_recipes_are_recipes(repo: Path, tmp_path: Path) -> None:
    """What it shows below ``recipes`` can be put into params.yaml and trains."""
    text = (repo / "README.md").read_text()
    shown = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    recipes = {name: recipe for block in shown for name, recipe in block.get("recipes", {}).items()}
    assert {"hybrid_hot", "probe"} <= recipes.keys()
    content = yaml.safe_load((repo / "params.yaml").read_text())
    content["recipes"] |= recipes
    content["studies"]["paper"]["recipes"] += list(recipes)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    assert set(recipes) < {run.recipe for run in expand(load_checked(tmp_path / "params.yaml"), "paper")}
