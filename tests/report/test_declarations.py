"""A new table is one new file and one line in params.yaml; the machinery names no paper, and starts quickly."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import toy
from fabricate import fabricate, trial_params

from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.planning import plan
from soundclr.report import artefact, artefacts
from soundclr.report.artefact import EVALUATED, OWN, check_artefacts, declared
from soundclr.report.outputs import category, report_paths
from soundclr.report.write import write_report
from soundclr.run.runs import expand

NEW = """
from soundclr.report.accuracy import group_of
from soundclr.report.artefact import Artefact
from soundclr.report.table import Column, Table, place_columns


def make(collection):
    places = [("esc10", recipe) for recipe in collection.recipes_of("temperatures")]
    groups = {place: group_of(collection, *place, "temperatures") for place in places}
    records = [
        {"dataset": dataset, "recipe": recipe, **vars(ours), "percent": ours.last_epoch.mean}
        for (dataset, recipe), ours in groups.items()
    ]
    columns = [*place_columns(collection), Column("percent", "last epoch")]
    return Table(columns, records, "How hot it is.", collection.of(choice="temperatures"))


ARTEFACT = Artefact("temperatures", "Temperatures", "table", make, runs="temperatures")
"""


@pytest.fixture
def _with_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file more in the room of artefacts."""
    room = tmp_path / "artefacts"
    room.mkdir()
    (room / "temperatures.py").write_text(NEW)
    monkeypatch.setattr(artefacts, "__path__", [*artefacts.__path__, str(room)])
    declared.cache_clear()
    yield
    sys.modules.pop("soundclr.report.artefacts.temperatures", None)
    declared.cache_clear()


@pytest.fixture
def params(repo: Path) -> Params:
    return trial_params(
        repo,
        warm={"recipes": ["hybrid"], "seeds": [0], "artefacts": {"temperatures": {"recipes": ["alpha_099"]}}},
    )


@pytest.mark.usefixtures("_with_a_new_file")
def test_a_new_table_is_a_file_and_a_line(params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundclr.report.write.draw", lambda *figure: None)
    check_artefacts(params)
    for run in expand(params, "warm"):
        fabricate(params, run, tmp_path)
    paths = report_paths(params, "warm", tmp_path, tmp_path / "figures")
    table = tmp_path / "warm/tables/temperatures.csv"
    caption = tmp_path / "warm/captions/temperatures.rst"
    assert {*map(table.with_suffix, (".csv", ".md", ".tex", ".html")), caption} <= set(paths)
    assert category(table.with_suffix(".html")) == "Tables"
    write_report(params, "warm", tmp_path, tmp_path / "figures")
    page = (tmp_path / "warm/README.md").read_text()
    assert "**Temperatures.** How hot it is." in page
    assert "| ESC-10 | hybrid, alpha 0.99 | 5 of 5 |" in page
    assert "Temperatures 5 of 5" in page
    assert "Temperatures. How hot it is." in caption.read_text()
    assert table.read_text().startswith("dataset,recipe,runs,expected_runs,percent\nesc10,alpha_099,5,5,")
    (line,) = [share for share in plan.shares(params, "warm") if share.title == "Temperatures"]
    assert (line.trainings, line.new) == (5, 5)


def test_a_key_that_no_artefact_has_is_one_line_with_the_nearest(params: Params, repo: Path) -> None:
    with pytest.raises(UserError, match=r"unknown artefact in studies\.warm\.artefacts: 'temperatures'; known: "):
        check_artefacts(params)
    content = toy.content(repo)
    content["studies"]["toy"]["artefacts"] = {"tabel1": {}}
    with pytest.raises(
        UserError, match=r"unknown artefact in studies\.toy\.artefacts: 'tabel1'; did you mean 'table1'"
    ):
        check_artefacts(Params.model_validate(content))


def test_every_artefact_has_files_of_its_own() -> None:
    names = [(one.kind, one.name) for one in declared()]
    assert len(set(names)) == len(names)
    assert {OWN, EVALUATED} < {one.runs for one in declared()}
    assert len([one for one in declared() if one.paper]) == 17


def test_nothing_but_a_papers_room_names_it() -> None:
    top = Path(artefact.__file__).parent
    for file in top.rglob("*.py"):
        if "papers" not in file.relative_to(top).parts:
            assert not re.findall(
                r"Nasiri|SoundCLR|Shin|hybrid|[Tt]able ?(?:\d|[IV]+\b)|[Ff]igure ?\d", file.read_text()
            ), file


def test_declarations_are_read_without_what_takes_long_to_import() -> None:
    code = (
        "import sys; from soundclr.report.artefact import declared; declared(); "
        "print(*sorted({'matplotlib', 'numpy', 'pandas', 'scipy', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
