"""What `soundclr plan` says of a study is what its runs add up to."""

import json
from pathlib import Path

import pytest
import toy

from soundclr import cli, plan, runs
from soundclr.errors import UserError
from soundclr.params import Params

FAST = plan.Rate(train=90.0, evaluate=45.0)


@pytest.fixture
def params(repo: Path) -> Params:
    """The toy study with a table of alphas, one of which is the study's own recipe."""
    content = toy.content(repo)
    content["studies"]["toy"]["artefacts"] = {"table2": {"folds": [1], "recipes": ["alpha_025", "hybrid"]}}
    return Params.model_validate(content)


def write_rates(params: Params, folder: Path, leave_out: int = 0) -> Path:
    kinds = list(plan.kinds(params, "toy"))[leave_out:]
    rows = [{"kind": vars(kind), "train": FAST.train, "evaluate": FAST.evaluate} for kind in kinds]
    path = folder / "benchmark" / "rates-made-up.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"device": "a made-up device", "created": "today", "start_seconds": 5.0, "rates": rows}))
    return path


def test_shares_add_up_to_the_study(params: Params) -> None:
    table3, table2 = plan.shares(params, "toy")
    assert (table3.trainings, table3.new) == (9, 9)
    assert (table2.trainings, table2.new) == (2, 1)
    assert table3.new + table2.new == len(list(runs.expand(params, "toy")))


def test_seconds_of_a_run_by_hand(params: Params) -> None:
    """Three folds of 9 clips: 18 learnt from at 90 a second, 9 judged at 45, in each of 3 epochs; two stages twice."""
    rates = dict.fromkeys(plan.kinds(params, "toy"), FAST)
    epochs = 3 * (18 / 90 + 9 / 45)
    by_recipe = {run.recipe: plan.seconds_of(params, run, rates, 5.0) for run in runs.expand(params, "toy")}
    assert by_recipe["cross_entropy"] == pytest.approx(5 + epochs)
    assert by_recipe["supervised_contrastive"] == pytest.approx(5 + 2 * epochs)


def test_an_inner_fold_is_judged_instead_of_learnt_from(repo: Path) -> None:
    params = toy.params(repo, validation="inner")
    rates = dict.fromkeys(plan.kinds(params, "toy"), FAST)
    run = next(runs.expand(params, "toy"))
    assert plan.seconds_of(params, run, rates, 0.0) == pytest.approx(3 * (9 / 90 + 9 / 45))


@pytest.mark.parametrize(
    ("devices", "hours", "busy"), [(1, 10, 1.0), (2, 6, 10 / 12), (4, 4, 10 / 16), (64, 4, 10 / 256)]
)
def test_schedule(devices: int, hours: float, busy: float) -> None:
    done = plan.schedule([2 * 3600, 4 * 3600, 1 * 3600, 3 * 3600], devices)
    assert done.hours == pytest.approx(hours)
    assert done.busy == pytest.approx(busy)


def test_the_plan_is_printed(repo: Path, params: Params, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(params.model_dump_json())
    write_rates(params, tmp_path / "results")
    arguments = ["--params", str(file), "plan", "--results", str(tmp_path / "results"), "--devices", "1", "1000"]
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    assert "10  in all, each trained once; 0 are there" in said
    assert "measured on a made-up device" in said
    assert "1,000" in said
    assert "GB of trained models" in said


def test_rates_of_other_stages_are_not_used(params: Params, tmp_path: Path) -> None:
    write_rates(params, tmp_path, leave_out=1)
    assert any("nobody has measured" in line for line in plan.lines(params, "toy", tmp_path, [1]))


def test_a_file_of_rates_that_is_none_is_named(params: Params, tmp_path: Path) -> None:
    write_rates(params, tmp_path).write_text('{"rates": [{}]}')
    with pytest.raises(UserError, match=r"rates-made-up.json: not of this version"):
        list(plan.lines(params, "toy", tmp_path, [1]))


def test_clips_are_known_before_they_are_fetched(repo: Path, params: Params) -> None:
    assert [plan.clips_of(params, name) for name in ("esc10", "esc50", "us8k", "demo")] == [400, 2000, 8732, 300]


def test_model_s_size_is_that_of_its_file(params: Params) -> None:
    """ResNet-50 without its last layer has 23.5 million weights, of 4 bytes."""
    assert plan.model_bytes(params.resolve("paper", "esc50", "hybrid"), 50) == pytest.approx(94.8e6, rel=0.01)
