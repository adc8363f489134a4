"""The examples in CONTRIBUTING.md work."""

import re
from pathlib import Path

import pytest
import torch

from soundclr.datasets.table import Line
from soundclr.errors import UserError
from soundclr.losses import TERMS, Outputs
from soundclr.method import load_checked
from soundclr.report.collect import collect


def block(repo: Path, begins: str) -> str:
    """The Python block that contains so much."""
    blocks = re.findall(r"^```python\n(.*?)^```", (repo / "CONTRIBUTING.md").read_text(), re.M | re.S)
    (found,) = (one for one in blocks if begins in one)
    return str(found)


def test_the_table(repo: Path) -> None:
    """Of the committed ESC-50: a row a scheme, whose hours are those of its runs."""
    names: dict[str, object] = {}
    exec(block(repo, "def cost("), names)
    collection = collect(load_checked(repo / "params.yaml"), "esc50", repo / "results")
    table = names["cost"](collection)  # type: ignore[operator]
    rows = {row["recipe"]: row for row in table.records}
    assert list(rows) == ["cross_entropy", "supervised_contrastive", "hybrid"]
    seconds = sum(one.history["seconds"].sum() for one in collection.finished("esc50_ogg", "hybrid"))
    assert rows["hybrid"]["hours"] == pytest.approx(seconds / 3600)
    assert table.to_csv().splitlines()[0] == "dataset,recipe,runs,expected_runs,hours"
    assert [cell.text for cell in table.rows[0]][-2] == "5 of 5"


def test_the_loss(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zero for equal views, and the squared distance for others."""
    import soundclr.losses

    monkeypatch.setattr(soundclr.losses, "TERMS", dict(TERMS))
    names = dict(vars(soundclr.losses)) | {"Tensor": torch.Tensor}
    exec(block(repo, "class Alignment("), names)
    term = names["TERMS"]["alignment"]()
    views = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    outputs = Outputs(views, torch.zeros(4, 3), torch.zeros(4), torch.tensor([0, 1, 0, 1]), views=2)
    assert float(term(outputs)) == pytest.approx(0.5)


def test_a_line_of_a_table_has_one_of_some_values() -> None:
    line = Line("birds.csv, line 2", {"species": "wren"})
    assert line.choice("species", ("robin", "wren")) == 1
    with pytest.raises(UserError, match=r"birds.csv, line 2: `species` is 'wren', not one of robin, owl"):
        line.choice("species", ("robin", "owl"))


def test_its_links_lead_somewhere(repo: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", (repo / "CONTRIBUTING.md").read_text())
    assert len(links) > 10
    assert [link for link in links if not (repo / link).exists()] == []
