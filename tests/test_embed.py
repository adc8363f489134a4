"""Sound files' representations: what the network gives, a row a window, whatever else is among the files."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from soundclr.commands import cli
from soundclr.evaluation.classifier import Embedder
from soundclr.run.runs import find_run
from soundclr.training.job import Paths, run_job
from support import toy


@pytest.fixture(scope="module")
def trained(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of a toy run with a projection, and of one without."""
    folder = tmp_path_factory.mktemp("trained")
    params = toy.params(repo, epochs=2, patience=2)
    features = toy.write_features(folder / "toy.safetensors")
    found = {}
    for recipe in ("hybrid", "cross_entropy"):
        run = find_run(params, "toy", "toy", recipe, 1, 0)
        run_job(run, params, Paths(features, None, folder / "results"), torch.device("cpu"))
        found[recipe] = run.directory(folder / "results")
    return found


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Two sounds, one of three windows, and a file that is none."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    times = np.arange(2 * toy.SAMPLES) / toy.RATE
    soundfile.write(folder / "long.wav", 0.3 * np.sin(2 * np.pi * 400 * times), toy.RATE)
    soundfile.write(folder / "short.wav", 0.3 * np.sin(2 * np.pi * 900 * times[: toy.SAMPLES // 2]), toy.RATE)
    (folder / "broken.wav").write_text("no sound")
    (folder / ".hidden").write_text("not looked at")
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_a_window_and_a_line_for_what_is_broken(
    trained: dict[str, Path], sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "h.csv"
    assert cli.main(["embed", str(sounds), "--run", str(trained["hybrid"]), "-o", str(out)]) == 2
    rows = rows_of(out)
    assert [Path(row["file"]).name for row in rows] == ["long.wav"] * 3 + ["short.wav"]
    assert [float(row["begin"]) for row in rows[:3]] == pytest.approx(
        [0, 0.5 * toy.SAMPLES / toy.RATE, toy.SAMPLES / toy.RATE], abs=1e-3
    )
    said = capsys.readouterr()
    assert "4 windows" in said.out
    assert said.err.count("\n") == 1
    assert "broken.wav" in said.err


def test_h_and_z_are_the_networks(trained: dict[str, Path], sounds: Path) -> None:
    embedder = Embedder(trained["hybrid"])
    rows = np.array(embedder.embed(sounds / "long.wav"))
    h = [name.startswith("h") for name in embedder.columns[1:]]
    z = [name.startswith("z") for name in embedder.columns[1:]]
    assert sum(h) == embedder.network.encoder.size
    assert np.linalg.norm(rows[:, z], axis=1) == pytest.approx(1, abs=1e-5)
    _, _, arrays = embedder.cut(sounds / "long.wav")
    with torch.inference_mode():
        (batch,) = embedder.batches(arrays)
        np.testing.assert_allclose(rows[:, h], embedder.network.represent(batch).numpy(), rtol=1e-5)


def test_a_projection_that_no_loss_reads_is_left_out(trained: dict[str, Path], sounds: Path) -> None:
    embedder = Embedder(trained["cross_entropy"])
    assert embedder.columns[-1] == f"h{embedder.network.encoder.size - 1}"
    assert len(embedder.embed(sounds / "short.wav")[0]) == len(embedder.columns) - 1


def test_another_ending_and_a_missing_library_are_one_line(
    trained: dict[str, Path],
    sounds: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wav = str(sounds / "short.wav")
    assert cli.main(["embed", wav, "--run", str(trained["hybrid"]), "-o", str(tmp_path / "h.txt")]) == 2
    assert capsys.readouterr().err == f"soundclr: error: {tmp_path / 'h.txt'}: must end in .csv or .parquet\n"
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert cli.main(["embed", wav, "--run", str(trained["hybrid"]), "-o", str(tmp_path / "h.parquet")]) == 2
    assert capsys.readouterr().err.startswith("soundclr: error: Parquet needs pyarrow")
    assert not (tmp_path / "h.parquet").exists()


def test_parquet_has_the_same_rows(trained: dict[str, Path], sounds: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    for name in ("h.csv", "h.parquet"):
        assert (
            cli.main(["embed", str(sounds / "long.wav"), "--run", str(trained["hybrid"]), "-o", str(tmp_path / name)])
            == 0
        )
    table, rows = parquet.read_table(tmp_path / "h.parquet").to_pylist(), rows_of(tmp_path / "h.csv")
    assert [row["file"] for row in table] == [row["file"] for row in rows]
    assert [row["h0"] for row in table] == pytest.approx([float(row["h0"]) for row in rows], rel=1e-5)
