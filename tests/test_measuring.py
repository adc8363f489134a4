"""What `soundclr plan --measure` measures is the study's own stages, on made-up clips. No time is judged."""

from pathlib import Path

import pytest
import torch

from soundclr.commands import cli
from soundclr.params import Params
from soundclr.planning import measuring, plan
from soundclr.planning.rates import Rates, kinds
from soundclr.run import runs
from support import toy

CPU = torch.device("cpu")


def test_every_kind_of_stage_is_measured(repo: Path) -> None:
    for kind, (settings, stage) in kinds(toy.params(repo), "toy").items():
        rate = measuring.rate_of(kind, settings, stage, CPU, batches=1, repeats=1)
        assert (rate.kind, rate.measured_batch_size) == (kind, 5)


def test_only_the_first_epoch_of_a_probe_encodes_the_clips(repo: Path) -> None:
    plain = toy.params(repo, augment=[], crop={"train": "centre"}, batch_size=64)
    found = {kind.trains: (kind, *example) for kind, example in kinds(plain, "toy").items()}
    probe = measuring.rate_of(*found["classifier",], CPU, batches=4)
    assert probe.measured_batch_size == measuring.CPU_BATCH
    assert probe.first.train < probe.later.train  # several times


@pytest.mark.slow
def test_a_job_starts_with_the_encoder_and_representation_of_the_study(repo: Path, tmp_path: Path) -> None:
    content = toy.content(repo)
    content["recipes"]["raw"] = {"title": "raw", "settings": {"representation": "waveform", "encoder": "small_1d"}}
    content["studies"]["toy"] |= {"recipes": ["raw"]}
    content["studies"]["toy"]["settings"] |= {"augment": []}
    params = Params.model_validate(content)
    short = measuring.start_params(params, "toy")
    assert short.resolve("toy", "toy", measuring.START).encoder.name == "small_1d"
    assert [run.recipe for run in runs.expand(short, "toy")] == [measuring.START] * 3
    assert 0 < measuring.start_seconds(params, "toy", tmp_path, repeats=1) < 600


@pytest.mark.slow
def test_measuring_keeps_what_was_measured_of_other_studies(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measuring, "start_seconds", lambda *_: 5.0)
    file = tmp_path / "params.yaml"
    folder = tmp_path / "results" / "benchmark"
    for changes in ({}, {"views": 2}):
        params = toy.params(repo, **changes)
        file.write_text(params.model_dump_json())
        assert cli.main(["--params", str(file), "plan", "--measure", "--results", str(tmp_path / "results")]) == 0
        assert "from clips/s measured on" in capsys.readouterr().out
    [path] = folder.glob("rates-*.json")
    assert Rates.read(path).by_kind.keys() == {**kinds(toy.params(repo), "toy"), **kinds(params, "toy")}.keys()
    assert any("clips/s measured on" in line for line in plan.lines(toy.params(repo), "toy", tmp_path / "results", [1]))
