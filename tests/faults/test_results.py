"""metrics.json edited, cut short, of another run or arbitrary; and names that do not print: one line each."""

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundclr.commands import cli
from soundclr.machine.files import sha256_of_file, sha256_of_json
from soundclr.params import Params, load
from soundclr.report.collect import collect
from soundclr.report.made_of import is_current
from soundclr.run.runs import find_run
from support.spoiling import VALUES, ends_well, examples, mutate

TRAIN = "train --dataset toy --recipe hybrid --fold 1"


@pytest.fixture(scope="module")
def trained(unspoilt: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Params, Path, dict[str, Any]]:
    """The project's parameters, the results folder with one run of it, and that run's metrics.json."""
    params = load(unspoilt / "params.yaml")
    results = tmp_path_factory.mktemp("trained") / "results"
    arguments = f"--params {unspoilt / 'params.yaml'} {TRAIN} --data {unspoilt / 'data'} --results {results}"
    assert cli.main(arguments.split()) == 0
    return params, results, json.loads(next(results.rglob("metrics.json")).read_text())


def put(path: Path, metrics: Any, seal: bool) -> None:
    """Write metrics.json; ``seal`` makes its hashes agree with it, as nothing but intent would."""
    metrics = json.loads(json.dumps(metrics, default=str, skipkeys=True))
    if seal and isinstance(metrics, dict):
        metrics.pop("checksum", None)
        metrics["files"] = {name: sha256_of_file(path.with_name(name)) for name in ("history.csv", "predictions.csv")}
        metrics["checksum"] = sha256_of_json(metrics)
    path.write_text(json.dumps(metrics))


@pytest.mark.parametrize("seal", [False, True])
@examples(120)
@given(data=st.data())
def test_any_change_to_metrics(trained: tuple[Params, Path, dict[str, Any]], seal: bool, data: st.DataObject) -> None:
    params, results, metrics = trained
    path = next(results.rglob("metrics.json"))
    changed = data.draw(VALUES) if data.draw(st.integers(0, 9)) == 0 else mutate(metrics, data)
    put(path, changed, seal)
    try:
        believed = ends_well(lambda: collect(params, "toy", results))
    finally:
        path.write_text(json.dumps(metrics))
    if believed and not seal:
        assert json.dumps(changed, sort_keys=True, default=str) == json.dumps(metrics, sort_keys=True)


@examples(60)
@given(data=st.data())
def test_any_change_to_predictions_and_history(
    trained: tuple[Params, Path, dict[str, Any]], data: st.DataObject
) -> None:
    """With hashes that agree, as nothing but intent would make them."""
    params, results, metrics = trained
    path = next(results.rglob("metrics.json"))
    table = path.with_name(data.draw(st.sampled_from(["history.csv", "predictions.csv"])))
    before = table.read_text()
    rows = [line.split(",") for line in before.splitlines()]
    for _ in range(data.draw(st.integers(1, 3))):
        row = rows[data.draw(st.integers(0, len(rows) - 1))]
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(
            st.sampled_from(["", "x", "-1", "99", "1.5", "nan", "inf", "best", "epoch", '"', "1,2", "9" * 30])
        )
    try:
        table.write_text("\n".join(",".join(row) for row in rows) + "\n")
        put(path, metrics, seal=True)
        ends_well(lambda: collect(params, "toy", results))
    finally:
        table.write_text(before)
        path.write_text(json.dumps(metrics))


@pytest.mark.slow
def test_a_run_that_cannot_be_believed_leaves_no_report(project, refuse, succeed) -> None:
    """Edited by hand, of another recipe, and cut short."""
    path = Path(succeed(TRAIN).strip().split(": ")[-1])
    text = path.read_text()
    right = json.loads(text)["accuracy"]["last_epoch"]
    other = find_run(load(Path("params.yaml")), "toy", "toy", "cross_entropy", 1, 0).directory() / "metrics.json"
    other.parent.parent.mkdir(parents=True)
    for spoilt, message in (
        (text.replace(f'"last_epoch": {right}', '"last_epoch": 1.0'), "changed after it was written"),
        (text[: len(text) // 2], "cannot be read as JSON"),
        ("", "cannot be read as JSON"),
        (None, "its path has 'cross_entropy'"),
    ):
        if spoilt is None:
            path.parent.rename(other.parent)
            path = other
        path.write_text(text if spoilt is None else spoilt)
        said = refuse("report")
        assert (str(path) in said and message in said and "train the run again" in said) or "JSON" in said, said
        assert not Path("figures").exists() and not list(Path("results/toy").glob("*.*"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "FIFO", "device"])
def test_what_is_no_file_where_a_record_is_looked_for(project, refuse, succeed, kind) -> None:
    """Neither a traceback nor waiting: not by the report, and not where the workflow asks whether it is current."""
    path = Path(succeed(TRAIN).strip().split(": ")[-1])
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "FIFO":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    assert f"{path}: is not a file but a folder, a pipe or a device; move it away" in refuse("report")
    assert not is_current(load(Path("params.yaml")), "toy", Path("results"))
    assert "trainings" in succeed("status")


@pytest.mark.parametrize(
    "line", ["fetch {}", "--params {} fetch toy", "fetch birds --mirror {} --data {}", "features {}"]
)
def test_names_that_do_not_print(project, capsys, line) -> None:
    """A line end, a terminal's control sequence and a byte that is no UTF-8 stay within the one line."""
    name = "a\nb\x1b[31m\udcff"
    Path(name).write_text("a file where a folder should be")
    assert cli.main([part.format(name) for part in line.split()]) == 2
    said = capsys.readouterr().err
    assert said[:-1].isprintable() and said.endswith("\n") and r"a\nb\x1b[31m\udcff" in said


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_terminal_that_cannot_show_a_name(project, monkeypatch, encoding) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert cli.main(["fetch", "birds", "--data", "█\udcff"]) == 0
    terminal.flush()
    assert terminal.buffer.getvalue().endswith(b"\\udcff/birds/index.csv\n")
