"""`soundclr why`: from a cell of a committed table to its runs, whose files are as they were written."""

import shutil
from pathlib import Path

import pytest

from soundclr.commands.cli import main
from soundclr.errors import UserError
from soundclr.machine.files import sha256_of_file
from soundclr.report.evidence import csv_rows, evidence


@pytest.fixture
def study(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the committed study `esc50`, in a folder of its own."""
    folder = tmp_path / "results/esc50"
    for part in ("tables", "runs", "evaluations"):
        shutil.copytree(repo / "results/esc50" / part, folder / part)
    shutil.copy(repo / "results/esc50/provenance.csv", folder)
    monkeypatch.chdir(tmp_path)
    return Path("results/esc50")


def test_a_cell_names_its_runs_and_their_files(study: Path) -> None:
    found = evidence(study / "tables/table3.csv", "hybrid", "last_epoch_mean_percent")
    assert found.row[found.column] == "81.25"
    assert len(found.runs) == 5
    for run in found.runs:
        assert run.folder.is_dir()
        assert {Path(name).name for name in run.files} >= {"history.csv", "predictions.csv", "projection.csv"}
        assert all(sha256_of_file(Path(name)) == sha256 for name, sha256 in run.files.items())
    mean = sum(float(run.provenance["last_epoch_percent"]) for run in found.runs) / 5
    assert f"{mean:.2f}" == found.row[found.column]


@pytest.mark.parametrize(
    ("folder", "table"), [("results/esc50", "tables/table3.csv"), ("results/esc50/tables", "table3")]
)
def test_the_commands_name_the_study_from_any_folder(
    study: Path, folder: str, table: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert main(["why", table, "hybrid", "last_epoch_mean_percent"]) == 0
    text = capsys.readouterr().out
    assert "81.25: last_epoch_mean_percent in row 3" in text
    assert "soundclr verify --study esc50\n" in text
    assert "soundclr report --study esc50\n" in text
    assert "soundclr train --study esc50 --dataset esc50_ogg --recipe hybrid --fold 1" in text


def test_a_pair_has_the_runs_of_both(study: Path) -> None:
    found = evidence(study / "tables/comparison.csv", "hybrid, cross_entropy", "last_epoch_difference_points")
    assert len(found.runs) == 10


def test_a_row_by_number_or_by_values(study: Path) -> None:
    by_number = evidence(study / "tables/robustness.csv", "6", "accuracy_percent")
    by_values = evidence(study / "tables/robustness.csv", "hybrid,white,0.0001,accuracy", "accuracy_percent")
    assert by_number.row == by_values.row


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("nothing", "runs", r"no row is number 'nothing' or has it as a value; its rows: 1: esc50_ogg, cross_entropy"),
        ("99", "runs", "no row is number '99'"),
        ("esc50_ogg", "runs", "3 rows have 'esc50_ogg'"),
        ("hybrid", "none", "has no column 'none'; its columns: dataset, recipe"),
    ],
)
def test_what_is_not_there_is_one_line(study: Path, row: str, column: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        evidence(study / "tables/table3.csv", row, column)


@pytest.mark.parametrize("table", ["nothing.csv", "results/esc50/provenance.csv", "results/esc50/tables"])
def test_what_is_no_table_is_one_line(study: Path, table: str) -> None:
    with pytest.raises(UserError, match="not a study's table; give one of"):
        evidence(Path(table), "1", "runs")


def test_a_changed_and_a_missing_file_are_marked(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = evidence(study / "tables/table3.csv", "hybrid", "runs").runs[0].folder
    (first / "history.csv").write_text("changed", encoding="utf-8")
    (first / "predictions.csv").unlink()
    assert main(["why", str(study / "tables/table3.csv"), "hybrid", "last_epoch_mean_percent"]) == 0
    said = capsys.readouterr().out
    assert f"(CHANGED since)  {first / 'history.csv'}" in said
    assert f"(MISSING)  {first / 'predictions.csv'}" in said
    assert "soundclr report --study esc50" in said
    assert "soundclr train --study esc50 --dataset esc50_ogg --recipe hybrid --fold 1 --seed 0 --force" in said


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("tables/table3.csv", "hybrid,", "hybrid\n,", "table3.csv: line 4 has not as many cells as the header"),
        ("tables/table3.csv", "dataset", "dataset\xff", "table3.csv: cannot be read ('utf-8' codec"),
        ("provenance.csv", "run,", "other,", "provenance.csv: has no column 'run'"),
        ("provenance.csv", "/hybrid-", "/gone-", "has 4 of the 5 runs that the row is of"),
    ],
)
def test_a_damaged_file_is_one_line(study: Path, file: str, old: str, new: str, message: str) -> None:
    path = study / file
    assert old in path.read_text(encoding="utf-8")
    path.write_bytes(path.read_text(encoding="utf-8").replace(old, new, 1).encode("latin-1", "replace"))
    with pytest.raises(UserError) as caught:
        evidence(study / "tables/table3.csv", "hybrid", "last_epoch_mean_percent")
    assert message in str(caught.value)
    assert "restore it from git" in str(caught.value)


@pytest.mark.slow
def test_every_row_of_every_committed_table_has_evidence(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundclr.report.evidence.run", lambda study, line: line["run"])  # hashes nothing
    tables = sorted(repo.glob("results/*/tables/*.csv"))
    assert len(tables) > 50
    for table in tables:
        for number, row in enumerate(csv_rows(table), start=1):
            column = [name for name in row if not name.startswith(("paper_", "published_"))][-1]
            whole = row.get("runs") not in (None, "", "0") and row["runs"] == row.get("expected_runs")
            assert evidence(table, str(number), column).runs or not whole, (table, number)


@pytest.mark.parametrize("text", ["{}", "[]", "{"])
def test_a_damaged_record_is_one_line(study: Path, text: str) -> None:
    (path,) = sorted(study.glob("runs/esc50_ogg/hybrid-*/fold1-seed0/metrics.json"))
    path.write_text(text)
    with pytest.raises(UserError, match=rf"{path}: .*; restore it from git"):
        evidence(study / "tables/table3.csv", "hybrid", "last_epoch_mean_percent")


def test_a_missing_record_is_named(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(study / "runs")
    assert main(["why", str(study / "tables/table3.csv"), "hybrid", "last_epoch_mean_percent"]) == 0
    assert capsys.readouterr().out.count("MISSING  results/esc50/runs/esc50_ogg/hybrid-") == 5


@pytest.mark.parametrize(
    ("table", "row", "column"),
    [("overview.csv", "chance", "last_epoch_percent"), ("table3.csv", "hybrid", "paper_mean_percent")],
)
def test_a_number_that_no_run_has_names_none(study: Path, table: str, row: str, column: str) -> None:
    assert evidence(study / "tables" / table, row, column).runs == []
