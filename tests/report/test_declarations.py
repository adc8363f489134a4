"""A new table is a new file, a line in the catalogue and one in params.yaml; the machinery names no paper."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundclr.errors import UserError
from soundclr.params import Params
from soundclr.planning import plan
from soundclr.report import artefacts, catalogue
from soundclr.report.artefact import EVALUATED, OWN, Artefact
from soundclr.report.catalogue import ARTEFACTS, category, check_artefacts, report_paths
from soundclr.report.papers import PAPERS
from soundclr.report.write import write_report
from soundclr.run.runs import expand
from support import toy
from support.fabricate import fabricate, trial_params

NEW = """
from soundclr.report.intervals import summary
from soundclr.report.table import Column, Table, place_columns


def make(collection):
    frame = summary(collection.asked_of(choice="temperatures"))
    page = [*place_columns(collection), Column("last epoch", "last_epoch_percent")]
    csv = ["dataset", "recipe", "runs", "expected_runs", "last_epoch_percent"]
    return Table(frame, csv, page, "How hot it is.")
"""


@pytest.fixture
def _with_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file more in the room of artefacts, and its line in the catalogue."""
    room = tmp_path / "artefacts"
    room.mkdir()
    (room / "temperatures.py").write_text(NEW)
    monkeypatch.setattr(artefacts, "__path__", [*artefacts.__path__, str(room)])
    line = Artefact("temperatures", "Temperatures", "table", "artefacts.temperatures:make", "temperatures")
    monkeypatch.setattr(catalogue, "ARTEFACTS", (*catalogue.ARTEFACTS, line))
    yield
    sys.modules.pop("soundclr.report.artefacts.temperatures", None)


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
    assert table.read_text().startswith("dataset,recipe,runs,expected_runs,last_epoch_percent\nesc10,alpha_099,5,5,")
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
    names = [(one.kind, one.name) for one in ARTEFACTS]
    assert len(set(names)) == len(names)
    assert {OWN, EVALUATED} < {one.runs for one in ARTEFACTS}
    assert {one.paper for one in ARTEFACTS} == {None, *PAPERS}


def test_every_artefact_has_a_function_of_its_own() -> None:
    functions = {one.make: one.load() for one in ARTEFACTS}
    assert all(map(callable, functions.values()))
    assert len(set(functions.values())) == len(ARTEFACTS)


def test_nothing_but_a_papers_room_and_the_catalogue_names_it() -> None:
    top = Path(catalogue.__file__).parent
    for file in {*top.rglob("*.py")} - {Path(catalogue.__file__)}:
        if "papers" not in file.relative_to(top).parts:
            assert not re.findall(
                r"Nasiri|SoundCLR|Shin|hybrid|[Tt]able ?(?:\d|[IV]+\b)|[Ff]igure ?\d", file.read_text()
            ), file


def test_the_catalogue_is_read_without_what_takes_long_to_import(repo: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from soundclr.params import load; "
        "from soundclr.report.catalogue import tables_of; "
        f"params = load(Path({str(repo / 'params.yaml')!r})); "
        "[tables_of(params, study) for study in params.studies]; "
        "print(*sorted({'matplotlib', 'pandas', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
