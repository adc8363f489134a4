"""A model that was taken along gives what the run gives, in another runtime."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from soundclr.commands import cli
from soundclr.evaluation.export import FromWaveform
from soundclr.models.load import load_run
from soundclr.run.runs import find_run
from soundclr.training.job import Paths, run_job
from support import toy


@pytest.fixture(scope="module")
def trained(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a toy run."""
    folder = tmp_path_factory.mktemp("trained")
    params = toy.params(repo, epochs=2, patience=2)
    features = toy.write_features(folder / "toy.safetensors")
    run = find_run(params, "toy", "toy", "hybrid", 1, 0)
    run_job(run, params, Paths(features, None, folder / "results"), torch.device("cpu"))
    return run.directory(folder / "results")


def waveforms(clips: int) -> torch.Tensor:
    return torch.rand(clips, toy.SAMPLES, generator=torch.Generator().manual_seed(0)) - 0.5


@pytest.mark.slow
def test_onnx_gives_what_pytorch_gives(
    trained: Path, tmp_path: Path, repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Probabilities and h within 1e-4, of any number of clips; classes, rate and licences are in the file."""
    pytest.importorskip("onnxscript", reason="needs onnx and onnxscript")
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    out = tmp_path / "m.onnx"
    command = ["--params", str(repo / "params.yaml"), "export", "--run", str(trained), "-o", str(out)]
    assert cli.main(command) == 0
    assert f"{toy.SAMPLES} samples at {toy.RATE} Hz" in capsys.readouterr().out
    session = runtime.InferenceSession(out)
    _, settings, network = load_run(trained)
    for clips in (1, 3):
        found = session.run(["probabilities", "h"], {"waveform": waveforms(clips).numpy()})
        with torch.no_grad():
            wanted = FromWaveform(settings, network)(waveforms(clips))
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other.numpy(), atol=1e-4)
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["classes"]) == list(toy.CLASSES)
    assert about["sample_rate"] == str(toy.RATE)
    assert {"dataset_licence", "initial_weights_licence", "commit"} <= about.keys()


def test_a_state_dict_is_the_runs_weights(trained: Path, tmp_path: Path, repo: Path) -> None:
    out = tmp_path / "m.pth"
    command = ["--params", str(repo / "params.yaml"), "export", "--run", str(trained), "--to", "state_dict"]
    assert cli.main([*command, "-o", str(out)]) == 0
    _, _, network = load_run(trained)
    loaded = torch.load(out, weights_only=True)
    assert loaded.keys() == network.state_dict().keys()
    assert all(torch.equal(loaded[name], value) for name, value in network.state_dict().items())
    assert json.loads(out.with_suffix(".json").read_text())["classes"] == list(toy.CLASSES)


def test_what_cannot_be_is_one_line(
    trained: Path, tmp_path: Path, repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["--params", str(repo / "params.yaml"), "export", "--run", str(trained), "-o"]
    assert cli.main([*command, str(tmp_path / "m.txt")]) == 2
    assert capsys.readouterr().err == f"soundclr: error: {tmp_path / 'm.txt'}: onnx must end in .onnx\n"
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    assert cli.main([*command, str(tmp_path / "m.onnx")]) == 2
    assert "`pip install onnx onnxscript`" in capsys.readouterr().err
    assert not (tmp_path / "m.onnx").exists()


def test_a_representation_that_onnx_cannot_be_is_named(
    trained: Path, tmp_path: Path, repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxscript", reason="needs onnx and onnxscript")

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(torch.onnx, "export", fails)
    command = ["--params", str(repo / "params.yaml"), "export", "--run", str(trained), "-o", str(tmp_path / "m.onnx")]
    assert cli.main(command) == 2
    assert "cannot be ONNX with the representation log_mel (no such operator)" in capsys.readouterr().err
